//! Handles of memories over a store.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use runcor_core::{
    Error, ErrorCode, ExecutionId, FlowName, ManualClock, MemoryLimits, TenantId, Timestamp, UserId,
};
use runcor_memory::{Memories, Memory};
use runcor_store_memory::MemoryStore;
use serde_json::json;

struct Bed {
    clock: ManualClock,
    memories: Memories,
}

fn bed() -> Bed {
    let clock = ManualClock::new();
    let memories = Memories::new(Arc::new(MemoryStore::new()), Arc::new(clock.clone()));
    Bed { clock, memories }
}

fn flow() -> FlowName {
    FlowName::new("f").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

async fn keys(memory: &Memory, prefix: &str) -> Vec<String> {
    let page = memory.list(prefix, None, 1000).await.unwrap();
    page.items.into_iter().map(|entry| entry.key).collect()
}

#[tokio::test]
async fn each_owner_and_each_tenant_has_a_memory_of_its_own() {
    let Bed { memories, .. } = bed();
    let tenant = memories.clone().of_tenant(Some(TenantId::new("t").unwrap()));
    let session = ExecutionId::mint(Timestamp::from_millis(0));
    let all = [
        memories.tool(flow()),
        memories.user(user("f")),
        memories.user(user("a")),
        memories.user(user("a:b")),
        memories.session(session),
        tenant.tool(flow()),
        tenant.user(user("a")),
        tenant.session(session),
    ];
    for (number, memory) in all.iter().enumerate() {
        memory.set("k", number).await.unwrap();
        memory.set(&format!("b:{number}"), number).await.unwrap();
    }
    for (number, memory) in all.iter().enumerate() {
        assert_eq!(memory.get_as("k").await.unwrap(), Some(number));
        assert_eq!(keys(memory, "").await, [format!("b:{number}"), "k".to_owned()]);
    }
    all[0].clear().await.unwrap();
    assert!(keys(&all[0], "").await.is_empty());
    assert_eq!(keys(&all[1], "").await.len(), 2);
}

#[tokio::test]
async fn an_entry_tells_since_when_it_is_there_and_until_when() {
    let Bed { clock, memories } = bed();
    let memory = memories.tool(flow());
    let start = memory.clone();
    start.set_for("k", 1, Duration::from_secs(10)).await.unwrap();
    let first = memory.entry("k").await.unwrap().unwrap();
    clock.advance(Duration::from_secs(4));
    memory.update("k", |_| Some(json!(2))).await.unwrap();
    let second = memory.entry("k").await.unwrap().unwrap();
    assert_eq!((second.created, second.expires), (first.created, first.expires));
    assert_eq!(second.updated.since(first.updated), Duration::from_secs(4));
    assert_ne!(second.version, first.version);
    clock.advance(Duration::from_millis(5999));
    assert_eq!(memory.get("k").await.unwrap(), Some(json!(2)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(memory.get("k").await.unwrap(), None);
    assert!(keys(&memory, "").await.is_empty());
}

#[tokio::test]
async fn limits_are_kept_and_room_comes_back() {
    let Bed { clock, memories } = bed();
    let limits = MemoryLimits { max_key_bytes: 4, max_value_bytes: 8, max_entries: 2 };
    let memory = memories.with_limits(limits).tool(flow());
    assert_eq!(code(memory.set("", 1).await), ErrorCode::InvalidMemoryKey);
    assert_eq!(code(memory.get("12345").await), ErrorCode::InvalidMemoryKey);
    assert_eq!(code(memory.set("k", "1234567").await), ErrorCode::InvalidMemoryValue);
    let odd = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_eq!(code(memory.set("k", odd).await), ErrorCode::InvalidMemoryValue);
    memory.set("a", 1).await.unwrap();
    memory.set_for("b", 1, Duration::from_secs(1)).await.unwrap();
    assert_eq!(code(memory.set("c", 1).await), ErrorCode::MemoryFull);
    memory.set("a", 2).await.unwrap();
    memory.delete("a").await.unwrap();
    memory.delete("a").await.unwrap();
    memory.set("c", 1).await.unwrap();
    // What has expired takes no room.
    clock.advance(Duration::from_secs(1));
    memory.set("d", 1).await.unwrap();
    assert_eq!(keys(&memory, "").await, ["c", "d"]);
}

#[tokio::test]
async fn a_list_goes_on_where_the_last_page_ended() {
    let memory = bed().memories.tool(flow());
    for number in 0..25 {
        memory.set(&format!("k/{number:02}"), number).await.unwrap();
    }
    memory.set("l", 0).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = memory.list("k/", after.as_deref(), 10).await.unwrap();
        assert!(page.items.len() <= 10);
        seen.extend(page.items.iter().map(|entry| entry.value.as_u64().unwrap()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_returned_is_a_copy() {
    let memory = bed().memories.tool(flow());
    memory.set("k", json!({ "n": 1 })).await.unwrap();
    let mut value = memory.get("k").await.unwrap().unwrap();
    value["n"] = json!(2);
    assert_eq!(memory.get("k").await.unwrap(), Some(json!({ "n": 1 })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_from_many_tasks_add_up() {
    let memory = bed().memories.tool(flow());
    let count = |memory: Memory| async move {
        for _ in 0..5 {
            let add = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
            memory.update_as("n", add).await.unwrap();
        }
    };
    let tasks: Vec<_> = (0..20).map(|_| tokio::spawn(count(memory.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(memory.get_as::<u32>("n").await.unwrap(), Some(100));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_list_has_exactly_the_keys_with_the_prefix_in_order(
        keys in proptest::collection::btree_set("[aä:/%_\\\\*]{1,4}", 0..30),
        prefix in "[aä:/%_\\\\*]{0,2}",
        size in 1..7_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memory = bed().memories.tool(flow());
            for key in &keys {
                memory.set(key, 1).await.unwrap();
            }
            let (mut seen, mut after) = (Vec::new(), None::<String>);
            loop {
                let page = memory.list(&prefix, after.as_deref(), size).await.unwrap();
                seen.extend(page.items.into_iter().map(|entry| entry.key));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<_> =
                keys.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
            assert_eq!(seen, expected);
        });
    }
}
