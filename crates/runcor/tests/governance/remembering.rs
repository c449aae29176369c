//! Memory on whole runs: it outlives executions, is written once, and stays with its owner.

use runcor::execution::ExecutionState;
use runcor::flow::{FlowName, FlowOutcome, WaitSignal};
use runcor::{Flow, FlowContext, FlowError, Runtime, Trigger};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, on_every_store};

on_every_store![
    a_counter_counts_each_execution_once_whatever_happens_to_its_handler,
    users_and_tenants_never_see_each_others_memory,
    the_memory_of_a_session_ends_with_its_execution,
];

fn flow(name: &str, handler: impl runcor::flow::FlowHandler + 'static) -> Flow {
    Flow::new(FlowName::new(name).unwrap(), handler)
}

async fn a_counter_counts_each_execution_once_whatever_happens_to_its_handler(kind: Kind) {
    let bed = Bed::new(kind, |b| b).await;
    bed.runcor
        .register(flow("counts", async |ctx: FlowContext| {
            let add =
                |old: Option<Value>| Some(json!(old.and_then(|n| n.as_i64()).unwrap_or(0) + 1));
            let count = ctx.memory().tool().update("count", add).await?;
            let inner = ctx.clone();
            ctx.step("also", async move {
                inner.memory().tool().update("in steps", add).await?;
                Ok(())
            })
            .await?;
            if ctx.retry_count() == 0 {
                return Err(FlowError::retryable("once more"));
            }
            ctx.wait_for(WaitSignal::new("so that it runs again")).await?;
            let in_steps = ctx.memory().tool().get("in steps").await?;
            Ok(FlowOutcome::Complete(json!([count, in_steps])))
        }))
        .unwrap();
    for round in 1..=3 {
        let id = bed.trigger("counts", &round.to_string()).await;
        bed.until(id, ExecutionState::Retrying).await;
        bed.advance(std::time::Duration::from_secs(2)).await;
        bed.until(id, ExecutionState::Waiting).await;
        bed.runcor.resume(id, None).await.unwrap();
        let result = bed.ended(id).await.status.result.unwrap();
        assert_eq!(*result, json!([round, round]));
    }
}

async fn users_and_tenants_never_see_each_others_memory(kind: Kind) {
    let bed = Bed::new(kind, |b| b).await;
    bed.runcor
        .register(flow("notes", async |ctx: FlowContext| {
            let memory = ctx.memory().user()?;
            let before = memory.list("", None, 100).await?.items;
            memory.set("b:secret", ctx.input().clone()).await?;
            let keys: Vec<_> = before.into_iter().map(|entry| entry.value).collect();
            Ok(FlowOutcome::Complete(json!(keys)))
        }))
        .unwrap();
    let run = async |user: &str, tenant: Option<&str>, key: &str, secret: &str| {
        let trigger = Trigger::new(key, json!(secret)).with_user(user);
        let trigger = match tenant {
            Some(tenant) => trigger.with_tenant(tenant),
            None => trigger,
        };
        let id = bed.trigger_with("notes", trigger).await;
        bed.ended(id).await.status.result.unwrap()
    };
    assert_eq!(*run("a:b", None, "1", "of a:b").await, json!([]));
    assert_eq!(*run("a", None, "2", "of a").await, json!([]));
    assert_eq!(*run("a", Some("acme"), "3", "of a at acme").await, json!([]));
    assert_eq!(*run("a", Some("other"), "4", "of a elsewhere").await, json!([]));
    assert_eq!(*run("a", None, "5", "again").await, json!(["of a"]));
    assert_eq!(*run("a", Some("acme"), "6", "again").await, json!(["of a at acme"]));
}

async fn the_memory_of_a_session_ends_with_its_execution(kind: Kind) {
    use runcor::governance::{MemoryOwner, MemoryQuery, MemorySpace};
    let bed = Bed::new(kind, |b| b).await;
    bed.runcor
        .register(flow("session", async |ctx: FlowContext| {
            ctx.memory().session().set("token", "abc").await?;
            ctx.wait_for(WaitSignal::new("for a look")).await?;
            Ok(FlowOutcome::Complete(json!(ctx.memory().session().get("token").await?)))
        }))
        .unwrap();
    let id = bed.trigger("session", "k").await;
    bed.until(id, ExecutionState::Waiting).await;
    let kept = async || {
        let space = MemorySpace { tenant: None, owner: MemoryOwner::Session(id) };
        let now = runcor::engine::Clock::now(&bed.clock);
        let query = MemoryQuery { space, prefix: String::new(), after: None, limit: 10, now };
        bed.store.memories().memories(&query).await.unwrap().items.len()
    };
    assert_eq!(kept().await, 1);
    bed.runcor.resume(id, None).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("abc")));
    assert_eq!(kept().await, 0);
}
