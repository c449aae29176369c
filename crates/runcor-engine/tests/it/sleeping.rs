//! Durable sleeps: nothing stays in memory, and no restart loses the timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{Clock, ExecutionState, FlowContext, FlowOutcome, Runtime, WaitKind};
use serde_json::json;

use crate::bed::{Bed, Kind, code, eventually, flow, on_every_store};

on_every_store!(
    a_sleeping_flow_goes_on_when_its_time_has_come,
    a_sleep_of_forty_days_is_no_different,
    a_sleep_is_not_begun_anew_by_another_run,
    sleeps_in_a_row_add_up,
    a_sleeping_flow_holds_no_slot,
    a_sleep_does_not_use_up_active_time_or_the_wait_timeout,
    a_sleeping_flow_is_woken_by_nobody_but_its_timer,
    a_pause_that_the_handler_swallows_is_kept_all_the_same,
);

const DAY: Duration = Duration::from_secs(86_400);

async fn sleeper(ctx: FlowContext) -> Result<FlowOutcome, runcor_core::FlowError> {
    let millis = ctx.input()["sleep"].as_u64().unwrap_or(1_000);
    ctx.sleep(Duration::from_millis(millis)).await?;
    Ok(FlowOutcome::Complete(json!("awake")))
}

async fn asleep(bed: &Bed, millis: u64) -> runcor_core::ExecutionId {
    let input = json!({ "sleep": millis });
    let id = bed.trigger_with("sleep", runcor_core::Trigger::new("k", input)).await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    id
}

async fn a_sleeping_flow_goes_on_when_its_time_has_come(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("sleep", sleeper);
    let id = asleep(&bed, 60_000).await;
    let wait = bed.get(id).await.status.wait.unwrap();
    assert_eq!((wait.kind, wait.path.as_deref()), (WaitKind::Sleep, Some("sleep#1")));
    assert_eq!(wait.wake_at, Some(wait.waiting_since.after(Duration::from_secs(60))));
    bed.advance(Duration::from_secs(59)).await;
    assert_eq!(bed.get(id).await.state(), ExecutionState::Waiting);
    bed.advance(Duration::from_secs(1)).await;
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!("awake")));
    assert_eq!(ended.status.resume_count, 0);
}

async fn a_sleep_of_forty_days_is_no_different(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("sleep", sleeper);
    let id = asleep(&bed, 40 * 86_400_000).await;
    let bed = bed.reopened(kind).await;
    bed.register("sleep", sleeper);
    for _ in 0..39 {
        bed.clock.advance(DAY);
    }
    assert_eq!(bed.get(id).await.state(), ExecutionState::Waiting);
    let bed = bed.reopened(kind).await;
    bed.register("sleep", sleeper);
    bed.advance(DAY).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("awake")));
}

async fn a_sleep_is_not_begun_anew_by_another_run(kind: Kind) {
    let bed = Bed::new(kind).await;
    let handler = async |ctx: FlowContext| {
        let nap = ctx.sleep(Duration::from_secs(3_600));
        let ask = ctx.wait_for(runcor_core::WaitSignal::new("?"));
        let nap = async { nap.await.map(|()| json!("slept")) };
        let both: Vec<std::pin::Pin<Box<dyn Future<Output = _> + Send>>> =
            vec![Box::pin(nap), Box::pin(ask)];
        Ok(FlowOutcome::Complete(json!(ctx.join("both", both).await?)))
    };
    bed.register("both", handler);
    let id = bed.trigger("both", "k").await.id();
    let waiting = bed.until_state(id, ExecutionState::Waiting).await.status.wait.unwrap();
    assert_eq!(
        (waiting.kind, waiting.path.as_deref()),
        (WaitKind::Signal, Some("both#1/1/wait#1"))
    );
    bed.clock.advance(Duration::from_secs(1_800));
    bed.engine.resume(id, Some(json!("yes"))).await.unwrap();
    eventually(async || {
        let wait = bed.get(id).await.status.wait?;
        (wait.kind == WaitKind::Sleep).then_some(())
    })
    .await;
    bed.advance(Duration::from_secs(1_800)).await;
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["slept", "yes"])));
}

async fn sleeps_in_a_row_add_up(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("three", async |ctx: FlowContext| {
        for _ in 0..3 {
            ctx.sleep(Duration::from_secs(10)).await?;
        }
        Ok(FlowOutcome::Complete(json!("awake")))
    });
    let begin = bed.clock.now();
    let id = bed.trigger("three", "k").await.id();
    for n in 1..=3 {
        let path = format!("sleep#{n}");
        eventually(async || {
            let wait = bed.get(id).await.status.wait?;
            (wait.path.as_deref() == Some(&path)).then_some(())
        })
        .await;
        bed.advance(Duration::from_secs(10)).await;
    }
    let ended = bed.ended(id).await;
    assert_eq!(ended.status.completed, Some(begin.after(Duration::from_secs(30))));
}

async fn a_sleeping_flow_holds_no_slot(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("sleep", sleeper);
    bed.register("echo", crate::bed::echo);
    let id = asleep(&bed, 60_000).await;
    let other = bed.trigger("echo", "e").await.id();
    bed.ended(other).await;
    assert_eq!(bed.get(id).await.state(), ExecutionState::Waiting);
}

async fn a_sleep_does_not_use_up_active_time_or_the_wait_timeout(kind: Kind) {
    let bed = Bed::new(kind).await;
    let limited = flow("sleep", sleeper)
        .with_timeout(Duration::from_secs(5))
        .with_wait_timeout(Duration::from_secs(5));
    bed.engine.register(limited).unwrap();
    let id = asleep(&bed, 60_000).await;
    bed.advance(Duration::from_secs(60)).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("awake")));
}

async fn a_sleeping_flow_is_woken_by_nobody_but_its_timer(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("sleep", sleeper);
    let id = asleep(&bed, 60_000).await;
    let error = bed.engine.resume(id, None).await.unwrap_err();
    assert_eq!(error.code().as_str(), "INVALID_STATE");
    assert!(error.message().contains("sleeps"), "{error}");
    bed.engine.cancel(id, None).await.unwrap();
    bed.clock.advance(Duration::from_secs(60));
    assert_eq!(code(&bed.ended(id).await), "CANCELLED");
}

async fn a_pause_that_the_handler_swallows_is_kept_all_the_same(kind: Kind) {
    let bed = Bed::new(kind).await;
    let ends = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ends);
    bed.register("careless", move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let _ = ctx.sleep(Duration::from_secs(60)).await;
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(FlowOutcome::Complete(json!("awake")))
        }
    });
    let id = bed.trigger("careless", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.advance(Duration::from_secs(60)).await;
    bed.ended(id).await;
    assert_eq!(ends.load(Ordering::SeqCst), 2);
}
