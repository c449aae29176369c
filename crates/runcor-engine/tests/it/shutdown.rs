//! Shutdown.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{EngineStatus, ErrorCode, ExecutionState, FlowContext, Runtime, Trigger};
use runcor_engine::EngineConfig;
use serde_json::Value;
use tokio::sync::Notify;

use crate::bed::{Bed, Kind, code, done, echo, on_every_store, stuck, within_reason};

on_every_store!(
    work_that_finishes_in_time_completes_and_new_work_is_refused,
    a_second_shutdown_does_nothing,
    a_drain_timeout_of_zero_returns_promptly,
    waiters_of_a_stuck_execution_are_answered_or_released,
);

async fn work_that_finishes_in_time_completes_and_new_work_is_refused(kind: Kind) {
    let bed = Bed::new(kind).await;
    let gate = Arc::new(Notify::new());
    let door = Arc::clone(&gate);
    bed.register("gated", move |_ctx: FlowContext| {
        let door = Arc::clone(&door);
        async move {
            door.notified().await;
            Ok(done())
        }
    });
    let id = bed.trigger("gated", "k").await.id();
    bed.until_state(id, ExecutionState::Running).await;
    let waiter = tokio::spawn({
        let engine = bed.engine.clone();
        async move { engine.finished(id).await }
    });
    let stopping = tokio::spawn({
        let engine = bed.engine.clone();
        async move { engine.shutdown().await }
    });
    crate::bed::eventually(async || {
        (bed.engine.status() == EngineStatus::ShuttingDown).then_some(())
    })
    .await;
    let refused = bed.engine.trigger("gated", Trigger::new("new", Value::Null)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::EngineShuttingDown);
    assert!(
        bed.engine.resume(id, None).await.is_err() && bed.engine.cancel(id, None).await.is_err()
    );
    gate.notify_one();
    within_reason(stopping).await.unwrap().unwrap();
    assert_eq!(bed.engine.status(), EngineStatus::Stopped);
    assert_eq!(waiter.await.unwrap().unwrap().state(), ExecutionState::Complete);
}

async fn a_second_shutdown_does_nothing(kind: Kind) {
    let bed = Bed::new(kind).await;
    let mut events = bed.engine.subscribe();
    let (one, two) = tokio::join!(bed.engine.shutdown(), bed.engine.shutdown());
    assert!(one.is_ok() && two.is_ok());
    bed.engine.shutdown().await.unwrap();
    let mut goodbyes = 0;
    while let Ok(Ok(Some(record))) =
        tokio::time::timeout(Duration::from_millis(50), events.next()).await
    {
        goodbyes += usize::from(record.event == runcor_core::Event::Shutdown);
    }
    assert_eq!(goodbyes, 1);
}

async fn a_drain_timeout_of_zero_returns_promptly(kind: Kind) {
    let config = EngineConfig { drain_timeout: Duration::ZERO, ..EngineConfig::default() };
    let bed = Bed::with(kind, config).await;
    bed.register("stuck", stuck);
    bed.trigger("stuck", "k").await;
    within_reason(bed.engine.shutdown()).await.unwrap();
}

async fn waiters_of_a_stuck_execution_are_answered_or_released(kind: Kind) {
    let config = EngineConfig { concurrency: 1, ..EngineConfig::default() };
    let bed = Bed::with(kind, config.clone()).await;
    bed.register("stuck", stuck);
    let running = bed.trigger("stuck", "a").await.id();
    bed.until_state(running, ExecutionState::Running).await;
    let queued = bed.trigger("stuck", "b").await.id();
    let waiters: Vec<_> = [running, queued]
        .into_iter()
        .map(|id| {
            let engine = bed.engine.clone();
            tokio::spawn(async move { engine.finished(id).await })
        })
        .collect();
    tokio::task::yield_now().await;
    bed.stop().await;
    if kind == Kind::Memory {
        for waiter in waiters {
            let ended = within_reason(waiter).await.unwrap().unwrap();
            assert_eq!(code(&ended), "SHUTDOWN");
        }
        return;
    }
    for waiter in waiters {
        let error = within_reason(waiter).await.unwrap().unwrap_err();
        assert_eq!(error.code(), ErrorCode::EngineShuttingDown);
    }
    // A durable store keeps both, and the next engine brings them to their end.
    let bed = Bed::open(kind, config, bed.clock.clone(), Arc::clone(&bed.dir)).await;
    assert_eq!(bed.get(running).await.state(), ExecutionState::Running);
    assert_eq!(bed.get(queued).await.state(), ExecutionState::Queued);
    bed.register("stuck", echo);
    for id in [running, queued] {
        assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
    }
}
