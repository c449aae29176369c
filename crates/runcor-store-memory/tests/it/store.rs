//! What is particular to the memory store.

use runcor_core::{Batch, Event, ExecutionQuery, Op, Store};
use runcor_store_memory::MemoryStore;
use runcor_testkit::ExecutionBuilder;

#[tokio::test]
async fn clones_share_the_same_content() {
    let store = MemoryStore::new();
    let clone = store.clone();
    let execution = ExecutionBuilder::new("f").build();
    store.commit(Batch::new().insert(execution.clone())).await.unwrap();
    assert_eq!(clone.execution(execution.id()).await.unwrap(), Some(execution));
    store.close().await.unwrap();
    assert!(clone.executions(&ExecutionQuery::default()).await.is_err());
}

#[tokio::test]
async fn nothing_is_promised_beyond_the_process() {
    let capabilities = MemoryStore::new().capabilities();
    assert!(!capabilities.durable && !capabilities.shared);
}

#[tokio::test]
async fn inputs_do_not_reach_the_debug_text() {
    let store = MemoryStore::new();
    let execution = ExecutionBuilder::new("f").input("secret".into()).build();
    store.commit(Batch::new().insert(execution)).await.unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { executions: Some(1) }");
}

#[tokio::test]
async fn ten_thousand_events_are_kept() {
    let store = MemoryStore::new();
    for _ in 0..11 {
        let ops = (0..1_000).map(|_| Op::Emit(Event::Ready));
        store.commit(Batch { ops: ops.collect() }).await.unwrap();
    }
    let kept = store.events(0, usize::MAX).await.unwrap();
    assert_eq!(kept.len(), 10_000);
    assert_eq!(kept.first().map(|record| record.seq), Some(1_001));
    assert_eq!(store.last_event().await.unwrap(), 11_000);
}

#[tokio::test]
async fn a_listener_that_sleeps_is_told_of_the_gap_and_never_slows_the_store() {
    let store = MemoryStore::new();
    let mut feed = store.feed().subscribe();
    let ops = (0..5_000).map(|_| Op::Emit(Event::Ready));
    store.commit(Batch { ops: ops.collect() }).await.unwrap();
    let gap = feed.next().await.unwrap_err();
    let next = feed.next().await.unwrap().unwrap();
    assert_eq!(next.seq, gap.missed + 1);
}
