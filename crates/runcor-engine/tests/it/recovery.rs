//! What an earlier process left: found, owned anew, and brought to its end.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    Batch, ClaimRequest, Clock, ErrorCode, ExecutionState, FlowContext, FlowError, FlowOutcome, Op,
    Runtime, Trigger, WorkerId,
};
use runcor_engine::{EngineConfig, OrphanPolicy};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, echo, eventually, flow, stuck};

/// Leaves an execution behind that is running under a worker that vanished.
async fn leave_orphan(bed: &Bed) -> runcor_core::ExecutionId {
    let now = bed.clock.now();
    let ghost = WorkerId::mint(now);
    let lease = Op::Lease { worker: ghost, until: now.after(Duration::from_secs(5)) };
    bed.store.commit(Batch::new().with(lease)).await.unwrap();
    let id =
        bed.trigger_with("orphan", Trigger::new("o", json!("kept")).with_user("ann")).await.id();
    let flows = vec![bed.get(id).await.spec.flow.clone()];
    let request = ClaimRequest { worker: ghost, now: bed.clock.now(), limit: 1, flows };
    assert_eq!(bed.store.claim(request).await.unwrap().len(), 1);
    id
}

/// A bed whose only slot is taken, so that a ghost gets what is queued.
async fn crowded(kind: Kind, on_orphan: OrphanPolicy) -> (Bed, runcor_core::ExecutionId) {
    let config = EngineConfig {
        concurrency: 1,
        on_orphan,
        retention: Duration::ZERO,
        ..EngineConfig::default()
    };
    let bed = Bed::with(kind, config).await;
    bed.engine.register(flow("stuck", stuck).with_timeout(Duration::ZERO)).unwrap();
    bed.engine.register(flow("orphan", echo).with_timeout(Duration::ZERO)).unwrap();
    let blocker = bed.trigger("stuck", "b").await.id();
    bed.until_state(blocker, ExecutionState::Running).await;
    let orphan = leave_orphan(&bed).await;
    bed.engine.cancel(blocker, None).await.unwrap();
    (bed, orphan)
}

#[tokio::test]
async fn an_expired_lease_gives_the_execution_to_the_next_worker() {
    for kind in [Kind::Memory, Kind::Sqlite] {
        let (bed, orphan) = crowded(kind, OrphanPolicy::Requeue).await;
        assert_eq!(bed.get(orphan).await.status.epoch, 1);
        // The ghost's lease ends; the dispatcher looks again in a while.
        eventually(async || {
            bed.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
            (bed.get(orphan).await.state() == ExecutionState::Complete).then_some(())
        })
        .await;
        let ended = bed.get(orphan).await;
        assert_eq!(ended.status.epoch, 2);
        assert_eq!(ended.status.result.as_deref(), Some(&json!("kept")));
        assert_eq!(crate::bed::edges(&ended), ["queued>running", "running>complete"]);
    }
}

#[tokio::test]
async fn the_orphan_policy_decides_between_running_failing_and_leaving_alone() {
    for (policy, state) in [
        (OrphanPolicy::Fail, ExecutionState::Failed),
        (OrphanPolicy::Ignore, ExecutionState::Running),
    ] {
        let (bed, orphan) = crowded(Kind::Sqlite, policy).await;
        eventually(async || {
            bed.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
            let execution = bed.get(orphan).await;
            (execution.status.epoch == 2
                && execution.state() == state
                && execution.status.version > 3)
                .then_some(())
        })
        .await;
        let settled = bed.get(orphan).await;
        if policy == OrphanPolicy::Fail {
            assert_eq!(code(&settled), "PROCESS_TERMINATED");
        } else {
            bed.clock.advance(Duration::from_secs(600));
            assert_eq!(bed.get(orphan).await, settled);
        }
    }
}

#[tokio::test]
async fn an_interrupted_execution_goes_on_after_a_restart_with_all_it_was_asked() {
    let bed = Bed::new(Kind::Sqlite).await;
    bed.engine.register(flow("work", stuck).with_timeout(Duration::ZERO)).unwrap();
    let trigger = Trigger::new("k", json!({ "n": 7 })).with_user("ann").with_tenant("t");
    let id = bed.trigger_with("work", trigger.with_timeout(Duration::from_secs(77))).await.id();
    bed.until_state(id, ExecutionState::Running).await;
    bed.stop().await;
    let bed =
        Bed::open(Kind::Sqlite, EngineConfig::default(), bed.clock.clone(), Arc::clone(&bed.dir))
            .await;
    bed.register("work", async |ctx: FlowContext| {
        let spec = ctx.spec();
        Ok(FlowOutcome::Complete(json!({
            "input": spec.input, "user": spec.user_id, "tenant": spec.tenant_id,
            "timeout": spec.timeout.map(|timeout| timeout.as_secs()),
        })))
    });
    let expected = json!({ "input": { "n": 7 }, "user": "ann", "tenant": "t", "timeout": 77 });
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&expected));
}

#[tokio::test]
async fn a_retry_delay_outlives_a_restart() {
    let bed = Bed::new(Kind::Sqlite).await;
    let asks = || {
        flow("busy", async |ctx: FlowContext| match ctx.retry_count() {
            0 => Err(FlowError::retryable_after("busy", Duration::from_secs(3_600))),
            _ => Ok(FlowOutcome::Complete(json!("second"))),
        })
        .with_timeout(Duration::ZERO)
    };
    bed.engine.register(asks()).unwrap();
    let id = bed.trigger("busy", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.stop().await;
    let bed =
        Bed::open(Kind::Sqlite, EngineConfig::default(), bed.clock.clone(), Arc::clone(&bed.dir))
            .await;
    bed.engine.register(asks()).unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bed.get(id).await.state(), ExecutionState::Retrying);
    bed.advance(Duration::from_secs(3_600)).await;
    let ended = bed.ended(id).await;
    assert_eq!(
        (ended.status.result.as_deref(), ended.status.retry_count),
        (Some(&json!("second")), 1)
    );
}

#[tokio::test]
async fn ten_thousand_simultaneous_triggers_lose_nothing() {
    for kind in [Kind::Memory, Kind::Sqlite] {
        let bed = Bed::new(kind).await;
        bed.register("echo", echo);
        let calls: Vec<_> = (0..10_000)
            .map(|n| {
                let engine = bed.engine.clone();
                tokio::spawn(async move {
                    engine.run("echo", Trigger::new(format!("k{n}"), json!(n))).await
                })
            })
            .collect();
        for (n, call) in calls.into_iter().enumerate() {
            let ended = call.await.unwrap().unwrap();
            assert_eq!(ended.status.result.as_deref(), Some(&json!(n)));
        }
    }
}

#[tokio::test]
async fn an_engine_with_impossible_limits_is_refused() {
    let parts = runcor_engine::EngineParts {
        config: EngineConfig { concurrency: 0, ..EngineConfig::default() },
        ..runcor_engine::EngineParts::new(Arc::new(runcor_store_memory::MemoryStore::new()))
    };
    let error = runcor_engine::Engine::start(parts).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    assert_eq!(Trigger::new("k", Value::Null).idempotency_key, "k");
}
