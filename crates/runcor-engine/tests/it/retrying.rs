//! Retries, backoff and the timeout over all attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{ExecutionState, Flow, FlowContext, FlowError, FlowOutcome, Trigger};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, done, edges, eventually, flow, on_every_store, stuck};

on_every_store!(
    two_retryable_failures_and_then_success_are_three_runs,
    permanent_retryable_failure_exhausts_the_retries,
    without_retries_a_retryable_failure_is_final,
    the_type_of_the_last_failure_decides,
    a_delay_that_the_error_asks_for_is_kept,
    a_slow_handler_times_out_and_its_late_result_is_ignored,
    a_timeout_of_zero_is_none,
    a_trigger_overrides_the_timeout_also_when_it_had_to_queue,
    the_timeout_covers_attempts_and_delays_together,
    time_in_the_queue_does_not_count,
);

/// A flow that fails in a retryable way until its nth run.
fn flaky(name: &str, succeed_at: usize, runs: &Arc<AtomicUsize>) -> Flow {
    let runs = Arc::clone(runs);
    flow(name, move |_ctx: FlowContext| {
        let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
        async move { if run < succeed_at { Err(FlowError::retryable("not yet")) } else { Ok(done()) } }
    })
}

async fn two_retryable_failures_and_then_success_are_three_runs(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    bed.engine.register(flaky("flaky", 3, &runs)).unwrap();
    let id = bed.trigger("flaky", "k").await.id();
    for retry in 1..=2 {
        bed.until_retry(id, retry).await;
        bed.advance(Duration::from_secs(5)).await;
    }
    let ended = bed.ended(id).await;
    assert_eq!((runs.load(Ordering::SeqCst), ended.status.retry_count), (3, 2));
    assert_eq!(
        edges(&ended),
        [
            "queued>running",
            "running>retrying",
            "retrying>running",
            "running>retrying",
            "retrying>running",
            "running>complete"
        ]
    );
}

async fn permanent_retryable_failure_exhausts_the_retries(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let millis = Duration::from_millis;
    let flow = flaky("flaky", usize::MAX, &runs)
        .with_max_retries(2)
        .with_retry_delays(millis(1), millis(2));
    bed.engine.register(flow).unwrap();
    let id = bed.trigger("flaky", "k").await.id();
    for retry in 1..=2 {
        bed.until_retry(id, retry).await;
        bed.advance(Duration::from_secs(2)).await;
    }
    let ended = bed.ended(id).await;
    assert_eq!((runs.load(Ordering::SeqCst), code(&ended)), (3, "MAX_RETRIES_EXHAUSTED"));
    let error = ended.status.error.unwrap();
    assert!(error.retryable && error.retry_count == 2 && error.message.contains("not yet"));
}

async fn without_retries_a_retryable_failure_is_final(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    bed.engine.register(flaky("flaky", 2, &runs).with_max_retries(0)).unwrap();
    let ended = bed.ended(bed.trigger("flaky", "k").await.id()).await;
    assert_eq!((runs.load(Ordering::SeqCst), code(&ended)), (1, "MAX_RETRIES_EXHAUSTED"));
}

async fn the_type_of_the_last_failure_decides(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("mixed", async |ctx: FlowContext| match ctx.retry_count() {
        0 => Err(FlowError::retryable("try again")),
        _ => Err::<FlowOutcome, _>(FlowError::permanent("give up")),
    });
    let id = bed.trigger("mixed", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(5)).await;
    let ended = bed.ended(id).await;
    let error = ended.status.error.as_ref().unwrap();
    assert_eq!((error.message.as_str(), error.retryable, error.retry_count), ("give up", false, 1));
}

async fn a_delay_that_the_error_asks_for_is_kept(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.engine
        .register(
            flow("asked", async |_ctx: FlowContext| {
                Err::<FlowOutcome, _>(FlowError::retryable_after("busy", Duration::from_secs(120)))
            })
            .with_timeout(Duration::ZERO),
        )
        .unwrap();
    let id = bed.trigger("asked", "k").await.id();
    let retrying = bed.until_state(id, ExecutionState::Retrying).await;
    let at = retrying.status.transitions.last().unwrap().at;
    assert_eq!(retrying.status.due, Some(at.after(Duration::from_secs(120))));
}

async fn a_slow_handler_times_out_and_its_late_result_is_ignored(kind: Kind) {
    let bed = Bed::new(kind).await;
    let late = flow("slow", async |ctx: FlowContext| {
        ctx.clock().sleep(Duration::from_millis(500)).await;
        Ok(done())
    });
    bed.engine.register(late.with_timeout(Duration::from_millis(50))).unwrap();
    let id = bed.trigger("slow", "k").await.id();
    bed.advance(Duration::from_millis(50)).await;
    let ended = bed.ended(id).await;
    assert_eq!(code(&ended), "TIMEOUT");
    bed.clock.advance(Duration::from_secs(1));
    tokio::task::yield_now().await;
    assert_eq!(bed.get(id).await.status, ended.status);
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
}

async fn a_timeout_of_zero_is_none(kind: Kind) {
    let forever = EngineConfig { retention: Duration::ZERO, ..EngineConfig::default() };
    let bed = Bed::with(kind, forever).await;
    let slow = flow("slow", async |ctx: FlowContext| {
        ctx.clock().sleep(Duration::from_secs(3_000)).await;
        Ok(done())
    });
    bed.engine.register(slow.with_timeout(Duration::ZERO)).unwrap();
    let id = bed.trigger("slow", "k").await.id();
    let ended = eventually(async || {
        bed.clock.advance(Duration::from_secs(1_000));
        let execution = bed.get(id).await;
        execution.state().is_terminal().then_some(execution)
    })
    .await;
    assert_eq!(ended.state(), ExecutionState::Complete);
}

async fn a_trigger_overrides_the_timeout_also_when_it_had_to_queue(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.engine.register(flow("stuck", stuck).with_timeout(Duration::from_secs(10))).unwrap();
    bed.trigger("stuck", "first").await;
    let short = Trigger::new("second", Value::Null).with_timeout(Duration::from_millis(20));
    let second = bed.trigger_with("stuck", short).await.id();
    bed.advance(Duration::from_secs(10)).await;
    bed.until_state(second, ExecutionState::Running).await;
    bed.advance(Duration::from_millis(20)).await;
    let ended = bed.ended(second).await;
    assert_eq!(code(&ended), "TIMEOUT");
    assert!(ended.status.error.unwrap().message.contains("20 ms"));
}

async fn the_timeout_covers_attempts_and_delays_together(kind: Kind) {
    let bed = Bed::new(kind).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let flow = flaky("flaky", usize::MAX, &runs).with_timeout(Duration::from_millis(900));
    bed.engine.register(flow).unwrap();
    let id = bed.trigger("flaky", "k").await.id();
    // The first delay is at least a second.
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_millis(900)).await;
    let ended = bed.ended(id).await;
    assert_eq!((code(&ended), runs.load(Ordering::SeqCst)), ("TIMEOUT", 1));
    assert_eq!(edges(&ended).last().unwrap(), "retrying>failed");
}

async fn time_in_the_queue_does_not_count(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.engine.register(flow("stuck", stuck).with_timeout(Duration::from_secs(60))).unwrap();
    let brief =
        flow("brief", async |ctx: FlowContext| Ok(FlowOutcome::Complete(json!(ctx.retry_count()))));
    bed.engine.register(brief.with_timeout(Duration::from_secs(1))).unwrap();
    bed.trigger("stuck", "a").await;
    let id = bed.trigger("brief", "b").await.id();
    bed.advance(Duration::from_secs(60)).await;
    assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
}
