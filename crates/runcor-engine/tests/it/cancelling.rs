//! Cancel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runcor_core::{
    ErrorCode, ExecutionState, FlowContext, FlowError, FlowOutcome, Runtime, WaitSignal,
};

use crate::bed::{Bed, Kind, code, done, echo, eventually, on_every_store, stuck};

on_every_store!(
    queued_running_waiting_and_retrying_executions_are_cancelled_with_the_reason,
    an_ended_or_unknown_execution_can_not_be_cancelled,
    a_cancelled_running_execution_frees_its_slot,
    a_cancelled_handler_is_dropped_and_its_tasks_are_told,
    a_cancelled_execution_stays_cancelled,
);

async fn queued_running_waiting_and_retrying_executions_are_cancelled_with_the_reason(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 2).await;
    bed.register("stuck", stuck);
    bed.register("wait", async |_ctx: FlowContext| Ok(FlowOutcome::Wait(WaitSignal::default())));
    bed.register("retry", async |_ctx: FlowContext| {
        Err::<FlowOutcome, _>(FlowError::retryable("again"))
    });
    let waiting = bed.trigger("wait", "w").await.id();
    bed.until_state(waiting, ExecutionState::Waiting).await;
    let retrying = bed.trigger("retry", "r").await.id();
    bed.until_state(retrying, ExecutionState::Retrying).await;
    let running = bed.trigger("stuck", "s").await.id();
    let queued = bed.trigger("stuck", "q").await.id();
    assert_eq!(bed.get(queued).await.state(), ExecutionState::Queued);
    for id in [queued, running, waiting, retrying] {
        let cancelled = bed.engine.cancel(id, Some("because".to_owned())).await.unwrap();
        assert_eq!((cancelled.state(), code(&cancelled)), (ExecutionState::Failed, "CANCELLED"));
        assert_eq!(cancelled.status.error.as_ref().unwrap().message, "because");
        assert_eq!(bed.get(id).await, cancelled);
    }
}

async fn an_ended_or_unknown_execution_can_not_be_cancelled(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let id = bed.trigger("echo", "k").await.id();
    bed.ended(id).await;
    assert_eq!(bed.engine.cancel(id, None).await.unwrap_err().code(), ErrorCode::InvalidState);
    let unknown = runcor_core::ExecutionId::mint(runcor_core::Timestamp::from_millis(1));
    let error = bed.engine.cancel(unknown, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ExecutionNotFound);
}

async fn a_cancelled_running_execution_frees_its_slot(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("stuck", stuck);
    bed.register("echo", echo);
    let running = bed.trigger("stuck", "a").await.id();
    let queued = bed.trigger("echo", "b").await.id();
    bed.engine.cancel(running, None).await.unwrap();
    assert_eq!(bed.ended(queued).await.state(), ExecutionState::Complete);
    let next = bed.trigger("echo", "c").await.id();
    assert_eq!(bed.ended(next).await.state(), ExecutionState::Complete);
}

async fn a_cancelled_handler_is_dropped_and_its_tasks_are_told(kind: Kind) {
    struct OnDrop(Arc<AtomicBool>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let bed = Bed::new(kind).await;
    let (dropped, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let started = Arc::new(AtomicBool::new(false));
    let (on_drop, on_cancel) = (Arc::clone(&dropped), Arc::clone(&told));
    let begun = Arc::clone(&started);
    bed.register("holds", move |ctx: FlowContext| {
        let (guard, on_cancel) = (OnDrop(Arc::clone(&on_drop)), Arc::clone(&on_cancel));
        let begun = Arc::clone(&begun);
        async move {
            let token = ctx.cancellation().clone();
            begun.store(true, Ordering::SeqCst);
            tokio::spawn(async move {
                token.cancelled().await;
                on_cancel.store(true, Ordering::SeqCst);
            });
            std::future::pending::<()>().await;
            drop(guard);
            Ok(done())
        }
    });
    let id = bed.trigger("holds", "k").await.id();
    eventually(async || started.load(Ordering::SeqCst).then_some(())).await;
    bed.engine.cancel(id, None).await.unwrap();
    eventually(async || dropped.load(Ordering::SeqCst).then_some(())).await;
    eventually(async || told.load(Ordering::SeqCst).then_some(())).await;
}

async fn a_cancelled_execution_stays_cancelled(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("slow", async |ctx: FlowContext| {
        ctx.clock().sleep(Duration::from_secs(1)).await;
        Ok(done())
    });
    let id = bed.trigger("slow", "k").await.id();
    let cancelled = bed.engine.cancel(id, None).await.unwrap();
    bed.clock.advance(Duration::from_secs(2));
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
    assert_eq!(bed.get(id).await, cancelled);
}
