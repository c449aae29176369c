//! Notes: what was read is durable before anything is done because of it, whatever the store does.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    ExecutionState, Flow, FlowContext, FlowError, FlowName, FlowOutcome, ManualClock, Op, Runtime,
    Store, StoreError, Trigger,
};
use runcor_engine::{Engine, EngineParts};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{Fate, FaultStore, StoreCall};
use serde_json::{Value, json};

use crate::bed::within_reason;

/// Reads a memory, and then does a step and calls a flow.
async fn reads(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let read = ctx.memory().tool().get("k").await?;
    let step: u32 = ctx.step("s", async { Ok(1) }).await?;
    ctx.memory().tool().get("l").await?;
    let child = ctx.call("child", 1).await?;
    Ok(FlowOutcome::Complete(json!([read, step, child])))
}

async fn child(_: FlowContext) -> Result<FlowOutcome, FlowError> {
    Ok(FlowOutcome::Complete(json!(7)))
}

/// The write of a step, or of a call, that brings a note along.
fn with_a_note(call: &StoreCall<'_>) -> bool {
    let StoreCall::Commit(batch) = call else { return false };
    batch.ops.iter().filter(|op| matches!(op, Op::Journal { .. })).count() >= 2
}

fn with_a_child(call: &StoreCall<'_>) -> bool {
    let StoreCall::Commit(batch) = call else { return false };
    let has = |wanted: fn(&Op) -> bool| batch.ops.iter().any(wanted);
    has(|op| matches!(op, Op::Insert(_))) && has(|op| matches!(op, Op::Journal { .. }))
}

async fn ends_well(which: fn(&StoreCall<'_>) -> bool, fate: fn(StoreError) -> Fate) {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let clock = ManualClock::new();
    let parts = EngineParts {
        clock: Arc::new(clock.clone()),
        seed: Some(1),
        ..EngineParts::new(Arc::clone(&store) as _)
    };
    let engine = Engine::start(parts).await.unwrap();
    engine.register(Flow::new(FlowName::new("reads").unwrap(), reads)).unwrap();
    engine.register(Flow::new(FlowName::new("child").unwrap(), child)).unwrap();
    store.decide_once(which, fate(StoreError::Unavailable { message: "gone".to_owned() }));
    let id = engine.trigger("reads", Trigger::new("k", Value::Null)).await.unwrap().execution.id();
    let ended = within_reason(async {
        loop {
            let execution = store.execution(id).await.unwrap().unwrap();
            if execution.state().is_terminal() {
                return execution;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
            clock.advance(Duration::from_millis(100));
        }
    })
    .await;
    assert_eq!(ended.state(), ExecutionState::Complete, "{:?}", ended.status.error);
    assert_eq!(ended.status.result.as_deref(), Some(&json!([null, 1, 7])));
    let journal = store.journal(id).await.unwrap();
    let notes = journal.iter().filter(|entry| entry.path.starts_with("memory#"));
    assert_eq!(notes.count(), 2);
}

#[tokio::test]
async fn a_note_is_not_lost_with_a_refused_write() {
    ends_well(with_a_note, Fate::Refuse).await;
    ends_well(with_a_child, Fate::Refuse).await;
}

#[tokio::test]
async fn a_note_whose_writing_was_not_acknowledged_may_be_written_again() {
    ends_well(with_a_note, Fate::Lose).await;
    ends_well(with_a_child, Fate::Lose).await;
}
