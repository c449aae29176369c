//! Durable steps: finished once, remembered for every later run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime, WaitSignal};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, eventually, flow, on_every_store};

on_every_store!(
    a_finished_step_is_not_run_again_by_a_retry,
    a_finished_step_is_not_run_again_by_a_resume,
    a_step_keeps_its_idempotency_key_in_every_attempt,
    a_failed_step_is_run_again,
    steps_of_one_name_are_told_apart_by_their_order,
    a_cancelled_handler_can_not_write_its_journal,
);

async fn a_finished_step_is_not_run_again_by_a_retry(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("pay", move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let receipt: String = ctx
                .step("charge", async {
                    counter.fetch_add(1, Ordering::SeqCst);
                    Ok("receipt".to_owned())
                })
                .await?;
            if ctx.retry_count() < 2 {
                return Err(FlowError::retryable("mail is down"));
            }
            Ok(FlowOutcome::Complete(json!(receipt)))
        }
    });
    let id = bed.trigger("pay", "k").await.id();
    for retry in 1..=2 {
        bed.until_retry(id, retry).await;
        bed.advance(Duration::from_secs(5)).await;
    }
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("receipt")));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn a_finished_step_is_not_run_again_by_a_resume(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    bed.register("ask", move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let number: usize =
                ctx.step("draw", async { Ok(counter.fetch_add(1, Ordering::SeqCst)) }).await?;
            let answer = ctx.wait_for(WaitSignal::new("ok?")).await?;
            Ok(FlowOutcome::Complete(json!([number, answer])))
        }
    });
    let id = bed.trigger("ask", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, Some(json!("yes"))).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!([0, "yes"])));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn a_step_keeps_its_idempotency_key_in_every_attempt(kind: Kind) {
    let bed = Bed::new(kind).await;
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    bed.register("pay", move |ctx: FlowContext| {
        let seen = Arc::clone(&seen);
        async move {
            ctx.step_with("charge", |step| async move {
                seen.lock().push(step.idempotency_key);
                Err::<Value, _>(FlowError::retryable("no answer"))
            })
            .await
            .map(FlowOutcome::Complete)
        }
    });
    let id = bed.trigger("pay", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(5)).await;
    eventually(async || (keys.lock().len() == 2).then_some(())).await;
    let keys = keys.lock();
    assert_eq!(keys[0], keys[1]);
    assert_eq!(keys[0], format!("{id}:charge#1"));
}

async fn a_failed_step_is_run_again(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("flaky", async |ctx: FlowContext| {
        let attempt = ctx.retry_count();
        let result = ctx
            .step("call", async move {
                if attempt == 0 { Err(FlowError::retryable("no")) } else { Ok(attempt) }
            })
            .await?;
        Ok(FlowOutcome::Complete(json!(result)))
    });
    let id = bed.trigger("flaky", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(5)).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(1)));
}

async fn steps_of_one_name_are_told_apart_by_their_order(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("loop", async |ctx: FlowContext| {
        let mut sum = 0;
        for n in 1..=3 {
            sum += ctx.step("add", async move { Ok(n) }).await?;
        }
        if ctx.retry_count() == 0 {
            return Err(FlowError::retryable("once more"));
        }
        Ok(FlowOutcome::Complete(json!(sum)))
    });
    let id = bed.trigger("loop", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(5)).await;
    bed.ended(id).await;
    let journal = bed.store.journal(id).await.unwrap();
    let paths: Vec<_> = journal.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["add#1", "add#2", "add#3"]);
}

async fn a_cancelled_handler_can_not_write_its_journal(kind: Kind) {
    let bed = Bed::new(kind).await;
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    bed.register("leaks", move |ctx: FlowContext| {
        *keep.lock() = Some(ctx);
        std::future::pending::<Result<FlowOutcome, FlowError>>()
    });
    let id = bed.trigger("leaks", "k").await.id();
    let zombie = eventually(async || kept.lock().clone()).await;
    bed.engine.cancel(id, None).await.unwrap();
    let error = zombie.step("late", async { Ok(1) }).await.unwrap_err();
    assert_eq!(error.code(), Some("EXECUTION_LOST"));
    assert!(bed.store.journal(id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_finished_step_is_not_run_again_after_a_restart() {
    let bed = Bed::new(Kind::Sqlite).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let two_steps = |runs: &Arc<AtomicUsize>, stop_after_first: bool| {
        let counter = Arc::clone(runs);
        flow("two", move |ctx: FlowContext| {
            let counter = Arc::clone(&counter);
            async move {
                let one: usize =
                    ctx.step("one", async { Ok(counter.fetch_add(1, Ordering::SeqCst)) }).await?;
                if stop_after_first {
                    std::future::pending::<()>().await;
                }
                let two: usize = ctx.step("two", async { Ok(10) }).await?;
                Ok(FlowOutcome::Complete(json!(one + two)))
            }
        })
        .with_timeout(Duration::ZERO)
    };
    bed.engine.register(two_steps(&runs, true)).unwrap();
    let id = bed.trigger("two", "k").await.id();
    eventually(async || (bed.store.journal(id).await.unwrap().len() == 1).then_some(())).await;
    bed.stop().await;
    let bed =
        Bed::open(Kind::Sqlite, EngineConfig::default(), bed.clock.clone(), Arc::clone(&bed.dir))
            .await;
    bed.engine.register(two_steps(&runs, false)).unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!(10)));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
