//! At-most-once steps: a doubt is for people to decide, never for a silent replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use runcor_core::{
    Decision, ErrorCode, ExecutionId, ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime,
    WaitKind,
};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, eventually, on_every_store};

on_every_store!(
    a_retryable_failure_of_a_non_idempotent_step_is_a_doubt_as_well,
    a_permanent_failure_of_a_non_idempotent_step_is_none,
    the_beginning_of_a_non_idempotent_step_is_durable_before_it_begins,
);

/// A flow whose payment never comes back in the first process.
#[derive(Clone, Default)]
struct Bank {
    payments: Arc<AtomicUsize>,
    works: Arc<AtomicBool>,
}

impl Bank {
    fn register(&self, bed: &Bed) {
        let bank = self.clone();
        bed.register("pay", move |ctx: FlowContext| {
            let bank = bank.clone();
            async move {
                let receipt: String =
                    ctx.describe_step("charge").non_idempotent().run(|_| bank.charge()).await?;
                Ok(FlowOutcome::Complete(json!(receipt)))
            }
        });
    }

    async fn charge(self) -> Result<String, FlowError> {
        self.payments.fetch_add(1, Ordering::SeqCst);
        if !self.works.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok("receipt".to_owned())
    }
}

/// Leaves an execution in doubt behind and opens what is left.
async fn in_doubt() -> (Bed, Bank, ExecutionId) {
    let bed = Bed::new(Kind::Sqlite).await;
    let bank = Bank::default();
    bank.register(&bed);
    let id = bed.trigger("pay", "k").await.id();
    eventually(async || (bank.payments.load(Ordering::SeqCst) == 1).then_some(())).await;
    // Interrupted: the handler is stopped while the payment is under way.
    let bed = bed.reopened(Kind::Sqlite).await;
    bank.works.store(true, Ordering::SeqCst);
    bank.register(&bed);
    bed.until_state(id, ExecutionState::Waiting).await;
    (bed, bank, id)
}

#[tokio::test]
async fn a_non_idempotent_step_that_was_interrupted_waits_for_a_decision() {
    let (bed, bank, id) = in_doubt().await;
    let wait = bed.get(id).await.status.wait.unwrap();
    assert_eq!((wait.kind, wait.path.as_deref()), (WaitKind::Decision, Some("charge#1")));
    assert!(wait.reason.unwrap().starts_with("needs_decision"));
    let shown = &wait.wait_data.unwrap()["needsDecision"];
    assert_eq!(shown["path"], "charge#1");
    assert_eq!(shown["idempotencyKey"], format!("{id}:charge#1"));
    assert_eq!(bank.payments.load(Ordering::SeqCst), 1);
    let error = bed.engine.resume(id, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidState);
}

#[tokio::test]
async fn it_happened_and_its_result_is_taken() {
    let (bed, bank, id) = in_doubt().await;
    let result = json!("by phone");
    bed.engine.decide(id, Decision::Happened { result: result.clone() }).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&result));
    assert_eq!(bank.payments.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn it_did_not_happen_and_it_runs_again() {
    let (bed, bank, id) = in_doubt().await;
    bed.engine.decide(id, Decision::DidNotHappen).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("receipt")));
    assert_eq!(bank.payments.load(Ordering::SeqCst), 2);
    let timeline = bed.engine.timeline(id).await.unwrap();
    assert_eq!(timeline.entries[0].attempts, 2);
}

#[tokio::test]
async fn whoever_gives_up_ends_the_execution() {
    let (bed, bank, id) = in_doubt().await;
    bed.engine.decide(id, Decision::GiveUp { reason: Some("too old".to_owned()) }).await.unwrap();
    let ended = bed.ended(id).await;
    assert_eq!(code(&ended), "GIVEN_UP");
    assert_eq!(ended.status.error.unwrap().message, "too old");
    assert_eq!(bank.payments.load(Ordering::SeqCst), 1);
}

async fn a_retryable_failure_of_a_non_idempotent_step_is_a_doubt_as_well(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("pay", async |ctx: FlowContext| {
        let lost = |_| async { Err::<Value, _>(FlowError::retryable("the line broke")) };
        ctx.describe_step("charge").non_idempotent().run(lost).await.map(FlowOutcome::Complete)
    });
    let id = bed.trigger("pay", "k").await.id();
    let waiting = bed.until_state(id, ExecutionState::Waiting).await;
    assert_eq!(waiting.status.wait.unwrap().kind, WaitKind::Decision);
    assert_eq!(waiting.status.retry_count, 0);
}

async fn a_permanent_failure_of_a_non_idempotent_step_is_none(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("pay", async |ctx: FlowContext| {
        let declined = |_| async { Err::<Value, _>(FlowError::permanent("declined")) };
        ctx.describe_step("charge").non_idempotent().run(declined).await.map(FlowOutcome::Complete)
    });
    let id = bed.trigger("pay", "k").await.id();
    assert_eq!(bed.ended(id).await.status.error.unwrap().message, "declined");
}

#[tokio::test]
async fn a_doubt_waits_for_ever() {
    let (bed, _, id) = in_doubt().await;
    assert_eq!(bed.get(id).await.status.due, None);
}

async fn the_beginning_of_a_non_idempotent_step_is_durable_before_it_begins(kind: Kind) {
    let bed = Bed::new(kind).await;
    let seen = Arc::new(AtomicUsize::new(0));
    let (store, counter) = (Arc::clone(&bed.store), Arc::clone(&seen));
    bed.register("pay", move |ctx: FlowContext| {
        let (store, counter) = (Arc::clone(&store), Arc::clone(&counter));
        async move {
            let id = ctx.execution_id();
            let look = |_| async move {
                let journal = store.journal(id).await?;
                counter.store(journal.len(), Ordering::SeqCst);
                Ok(json!(null))
            };
            ctx.describe_step("charge").non_idempotent().run(look).await.map(FlowOutcome::Complete)
        }
    });
    let id = bed.trigger("pay", "k").await.id();
    bed.ended(id).await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}
