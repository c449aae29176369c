//! The queue and the concurrency limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use runcor_core::{
    ErrorCode, ExecutionState, FlowContext, FlowOutcome, Runtime, Trigger, WaitSignal,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::bed::{Bed, Kind, done, echo, eventually, on_every_store, stuck};

on_every_store!(
    a_full_house_queues_and_serves_in_order,
    a_thousand_triggers_all_end_with_their_own_input_and_never_exceed_the_limit,
    resumes_keep_to_the_limit_as_well,
    an_unregistered_flow_at_the_head_of_the_queue_stalls_nobody,
    a_flow_registered_later_runs_what_has_waited_for_it,
    a_queue_at_its_bound_refuses_with_queue_full,
    flows_can_trigger_flows,
    a_second_registration_of_a_name_is_refused,
);

async fn a_full_house_queues_and_serves_in_order(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    let (order, gate) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
    let (seen, door) = (Arc::clone(&order), Arc::clone(&gate));
    bed.register("visit", move |ctx: FlowContext| {
        let (seen, door) = (Arc::clone(&seen), Arc::clone(&door));
        async move {
            seen.lock().push(ctx.input().clone());
            door.acquire().await?.forget();
            Ok(done())
        }
    });
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(bed.trigger_with("visit", Trigger::new(format!("k{n}"), json!(n))).await.id());
    }
    assert_eq!(bed.get(ids[1]).await.state(), ExecutionState::Queued);
    gate.add_permits(20);
    for id in ids {
        bed.ended(id).await;
    }
    assert_eq!(*order.lock(), (0..20).map(|n| json!(n)).collect::<Vec<_>>());
}

async fn a_thousand_triggers_all_end_with_their_own_input_and_never_exceed_the_limit(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 20).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, highest) = (Arc::clone(&now), Arc::clone(&most));
    bed.register("work", move |ctx: FlowContext| {
        let (running, highest) = (Arc::clone(&running), Arc::clone(&highest));
        async move {
            highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(FlowOutcome::Complete(ctx.input().clone()))
        }
    });
    let calls: Vec<_> = (0..1_000)
        .map(|n| {
            let engine = bed.engine.clone();
            tokio::spawn(async move {
                engine.run("work", Trigger::new(format!("k{n}"), json!(n))).await
            })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        let ended = call.await.unwrap().unwrap();
        assert_eq!(ended.status.result.as_deref(), Some(&json!(n)));
        assert_eq!(ended.status.epoch, 1, "it was claimed more than once");
    }
    assert!(most.load(Ordering::SeqCst) <= 20);
}

async fn resumes_keep_to_the_limit_as_well(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    let (now, most, gate) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (running, highest, door) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&gate));
    bed.register("ask", move |ctx: FlowContext| {
        let (running, highest, door) =
            (Arc::clone(&running), Arc::clone(&highest), Arc::clone(&door));
        async move {
            if !ctx.is_resumed() {
                return Ok(FlowOutcome::Wait(WaitSignal::default()));
            }
            highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            door.notified().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(done())
        }
    });
    let mut ids = Vec::new();
    for n in 0..5 {
        let id = bed.trigger("ask", &format!("k{n}")).await.id();
        bed.until_state(id, ExecutionState::Waiting).await;
        ids.push(id);
    }
    for id in &ids {
        assert_eq!(bed.engine.resume(*id, None).await.unwrap().state(), ExecutionState::Running);
    }
    for id in ids {
        eventually(async || (now.load(Ordering::SeqCst) == 1).then_some(())).await;
        gate.notify_one();
        eventually(async || {
            gate.notify_one();
            bed.get(id).await.state().is_terminal().then_some(())
        })
        .await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

async fn an_unregistered_flow_at_the_head_of_the_queue_stalls_nobody(kind: Kind) {
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("blocker", stuck);
    bed.register("gone", echo);
    bed.register("here", echo);
    let blocker = bed.trigger("blocker", "b").await.id();
    let gone = bed.trigger("gone", "g").await.id();
    let here = bed.trigger("here", "h").await.id();
    bed.engine.unregister("gone").unwrap();
    bed.engine.cancel(blocker, None).await.unwrap();
    bed.ended(here).await;
    // What was accepted before the flow was unregistered still runs.
    assert_eq!(bed.ended(gone).await.state(), ExecutionState::Complete);
    let refused = bed.engine.trigger("gone", Trigger::new("new", Value::Null)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::FlowNotFound);
}

async fn a_flow_registered_later_runs_what_has_waited_for_it(kind: Kind) {
    if kind == Kind::Memory {
        return; // Nothing outlives the process here.
    }
    let bed = Bed::with_concurrency(kind, 1).await;
    bed.register("blocker", stuck);
    bed.register("late", echo);
    bed.trigger("blocker", "b").await;
    let late = bed.trigger("late", "l").await.id();
    bed.stop().await;
    let bed =
        Bed::open(kind, EngineConfig::default(), bed.clock.clone(), Arc::clone(&bed.dir)).await;
    assert_eq!(bed.get(late).await.state(), ExecutionState::Queued);
    bed.register("late", echo);
    assert_eq!(bed.ended(late).await.state(), ExecutionState::Complete);
}

async fn a_queue_at_its_bound_refuses_with_queue_full(kind: Kind) {
    let config = EngineConfig { concurrency: 1, max_queued: 2, ..EngineConfig::default() };
    let bed = Bed::with(kind, config).await;
    bed.register("stuck", stuck);
    let running = bed.trigger("stuck", "a").await.id();
    bed.until_state(running, ExecutionState::Running).await;
    bed.trigger("stuck", "b").await;
    let queued = bed.trigger("stuck", "c").await.id();
    let error = bed.engine.trigger("stuck", Trigger::new("d", Value::Null)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueueFull);
    assert!(error.is_retryable());
    bed.engine.cancel(queued, None).await.unwrap();
    bed.trigger("stuck", "d").await;
    bed.engine.cancel(running, None).await.unwrap();
}

async fn flows_can_trigger_flows(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("child", async |ctx: FlowContext| match ctx.input() {
        Value::Null => Err(runcor_core::FlowError::permanent("no input")),
        input => Ok(FlowOutcome::Complete(input.clone())),
    });
    let engine = bed.engine.clone();
    bed.register("parent", move |ctx: FlowContext| {
        let engine = engine.clone();
        async move {
            engine
                .run("child", Trigger::new(format!("{}-bad", ctx.execution_id()), Value::Null))
                .await?;
            let key = format!("{}-good", ctx.execution_id());
            let child = engine.run("child", Trigger::new(key, json!("hi"))).await?;
            Ok(FlowOutcome::Complete(child.status.result.as_deref().cloned().unwrap_or_default()))
        }
    });
    let ended = bed.ended(bed.trigger("parent", "k").await.id()).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!("hi")));
}

async fn a_second_registration_of_a_name_is_refused(kind: Kind) {
    let bed = Bed::new(kind).await;
    bed.register("echo", echo);
    let again = bed.engine.register(crate::bed::flow("echo", echo)).unwrap_err();
    assert_eq!(again.code(), ErrorCode::DuplicateFlow);
    assert_eq!(bed.engine.unregister("nope").unwrap_err().code(), ErrorCode::FlowNotFound);
    let reserved = bed.engine.register(crate::bed::flow("__mine", echo)).unwrap_err();
    assert_eq!(reserved.code(), ErrorCode::ReservedFlowName);
    bed.register("second", echo);
    let names: Vec<_> = bed.engine.flows().into_iter().map(|flow| flow.name.to_string()).collect();
    assert_eq!(names, ["echo", "second"]);
}
