//! A store in trouble: what is refused, what goes on, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{
    Clock, Degraded, ErrorCode, Execution, ExecutionId, ExecutionQuery, ExecutionState,
    FlowContext, FlowHandler, FlowOutcome, Fork, Op, Runtime, StoreError, Trigger, WaitSignal,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, Kind, done, echo, eventually, flow, on_every_store, stuck};
use crate::fickle::{Call, Fate, Fickle, full, leads_to, once, unavailable};

on_every_store!(
    what_is_new_is_refused_while_the_store_is_full_and_reads_go_on,
    a_known_key_is_answered_while_the_store_is_full,
    forks_and_replays_are_refused_while_the_store_is_full,
    a_flow_that_is_called_while_the_store_is_full_runs_once_it_is_not,
    what_is_refused_is_not_even_tried,
    resumes_and_cancels_are_tried_all_the_same,
    the_engine_goes_on_by_itself_though_nobody_triggers,
    what_was_achieved_meanwhile_is_stored_once_the_store_is_well,
    a_step_that_must_not_run_twice_begins_only_once_its_beginning_is_noted,
    a_store_that_answers_nothing_is_slow,
    a_damaged_store_keeps_the_engine_degraded_until_it_takes_what_is_withheld,
    a_trigger_that_meets_damage_does_not_degrade_the_engine_for_ever,
    a_shutdown_in_trouble_comes_to_its_end,
    a_shutdown_comes_to_its_end_though_the_store_answers_nothing,
);

async fn fickle_bed(kind: Kind, concurrency: usize) -> (Bed, Arc<Fickle>) {
    let config = EngineConfig { concurrency, retention: Duration::ZERO, ..EngineConfig::default() };
    Bed::fickle(kind, config).await
}

/// Registers a flow without a timeout: nobody knows how far the clock is moved.
fn register(bed: &Bed, name: &str, handler: impl FlowHandler + 'static) {
    bed.engine.register(flow(name, handler).with_timeout(Duration::ZERO)).unwrap();
}

/// Has every write refused.
fn fill(store: &Fickle) {
    refuse(store, full());
}

fn refuse(store: &Fickle, error: StoreError) {
    store.decide(move |call| match call {
        Call::Read => Fate::Pass,
        Call::Commit(_) | Call::Claim => Fate::Refuse(error.clone()),
    });
}

/// Moves the clock on to the next instant that somebody waits for, if it is near.
fn nudge(bed: &Bed) {
    let near = bed.clock.now().after(Duration::from_secs(31));
    if let Some(wake) = bed.clock.next_wake().filter(|wake| *wake <= near) {
        bed.clock.set(wake);
    }
}

fn trouble(bed: &Bed) -> Option<ErrorCode> {
    bed.engine.health().degraded.map(|degraded| degraded.code)
}

/// Waits, moving the clock on, until the engine is well.
async fn well(bed: &Bed) {
    eventually(async || {
        let is_well = bed.engine.health().degraded.is_none();
        if !is_well {
            nudge(bed);
        }
        is_well.then_some(())
    })
    .await;
}

async fn ended(bed: &Bed, id: ExecutionId) -> Execution {
    eventually(async || {
        nudge(bed);
        let execution = bed.engine.execution(id).await.ok()?;
        execution.state().is_terminal().then_some(execution)
    })
    .await
}

/// Runs an echo to its end.
async fn echoed(bed: &Bed, key: &str) -> ExecutionId {
    let id = bed.trigger_with("echo", Trigger::new(key, json!(key))).await.id();
    bed.ended(id).await;
    id
}

/// Triggers once for nothing, so that the engine learns of the trouble.
async fn provoke(bed: &Bed) -> ErrorCode {
    let trigger = Trigger::new("provoked", Value::Null);
    bed.engine.trigger("echo", trigger).await.unwrap_err().code()
}

async fn what_is_new_is_refused_while_the_store_is_full_and_reads_go_on(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    let id = echoed(&bed, "before").await;
    assert_eq!(bed.engine.health().degraded, None);
    fill(&store);
    let now = bed.clock.now();
    assert_eq!(provoke(&bed).await, ErrorCode::StorageFull);
    let Degraded { code, message, since } = bed.engine.health().degraded.unwrap();
    assert_eq!((code, since), (ErrorCode::StorageFull, now));
    assert!(message.contains("no space left"), "{message}");
    let refused = bed.engine.trigger("echo", Trigger::new("new", Value::Null)).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_retryable()), (ErrorCode::StorageFull, true));
    assert!(refused.message().contains("free some space"), "{refused}");
    assert_eq!(bed.get(id).await.status.result.as_deref(), Some(&json!("before")));
    assert_eq!(bed.engine.executions(&ExecutionQuery::default()).await.unwrap().items.len(), 1);
    assert!(bed.engine.timeline(id).await.is_ok());
    store.recover();
    well(&bed).await;
    echoed(&bed, "new").await;
}

async fn a_known_key_is_answered_while_the_store_is_full(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    let id = echoed(&bed, "known").await;
    fill(&store);
    provoke(&bed).await;
    let known = bed.engine.trigger("echo", Trigger::new("known", Value::Null)).await.unwrap();
    assert_eq!((known.execution.id(), known.replayed), (id, true));
    let run = bed.engine.run("echo", Trigger::new("known", Value::Null)).await.unwrap();
    assert_eq!(run.id(), id);
}

async fn forks_and_replays_are_refused_while_the_store_is_full(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    let id = echoed(&bed, "k").await;
    let wish = || Fork { idempotency_key: Some("f".to_owned()), ..Fork::default() };
    let fork = bed.engine.fork(id, wish()).await.unwrap().id();
    ended(&bed, fork).await;
    fill(&store);
    provoke(&bed).await;
    let refused = bed.engine.replay(id).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageFull);
    let refused = bed.engine.fork(id, Fork::default()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageFull);
    assert_eq!(bed.engine.fork(id, wish()).await.unwrap().id(), fork);
    store.recover();
    well(&bed).await;
    let replayed = bed.engine.replay(id).await.unwrap();
    assert_eq!(ended(&bed, replayed.id()).await.state(), ExecutionState::Complete);
}

async fn a_flow_that_is_called_while_the_store_is_full_runs_once_it_is_not(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    let gate = CancellationToken::new();
    let door = gate.clone();
    register(&bed, "echo", echo);
    register(&bed, "call", move |ctx: FlowContext| {
        let door = door.clone();
        async move {
            door.cancelled().await;
            Ok(FlowOutcome::Complete(ctx.call("echo", json!("child")).await?))
        }
    });
    let id = bed.trigger("call", "k").await.id();
    bed.until_state(id, ExecutionState::Running).await;
    fill(&store);
    provoke(&bed).await;
    gate.cancel();
    for _ in 0..50 {
        nudge(&bed);
        tokio::task::yield_now().await;
    }
    assert_eq!(bed.get(id).await.state(), ExecutionState::Running);
    store.recover();
    assert_eq!(ended(&bed, id).await.status.result.as_deref(), Some(&json!("child")));
    let children = ExecutionQuery { parent: Some(id), ..ExecutionQuery::default() };
    assert_eq!(bed.engine.executions(&children).await.unwrap().items.len(), 1);
}

async fn what_is_refused_is_not_even_tried(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    let inserts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&inserts);
    store.decide(move |call| match call {
        Call::Read => Fate::Pass,
        Call::Claim => Fate::Refuse(unavailable()),
        Call::Commit(batch) => {
            let is_insert = batch.ops.iter().any(|op| matches!(op, Op::Insert(_)));
            count.fetch_add(usize::from(is_insert), Ordering::SeqCst);
            Fate::Refuse(unavailable())
        }
    });
    assert_eq!(provoke(&bed).await, ErrorCode::StorageUnavailable);
    let tried = inserts.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(provoke(&bed).await, ErrorCode::StorageUnavailable);
    }
    assert_eq!(inserts.load(Ordering::SeqCst), tried);
}

async fn resumes_and_cancels_are_tried_all_the_same(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    register(&bed, "wait", async |_ctx: FlowContext| Ok(FlowOutcome::Wait(WaitSignal::default())));
    let waiting = bed.trigger("wait", "w").await.id();
    bed.until_state(waiting, ExecutionState::Waiting).await;
    fill(&store);
    provoke(&bed).await;
    for refused in [
        bed.engine.resume(waiting, None).await.unwrap_err(),
        bed.engine.cancel(waiting, None).await.unwrap_err(),
    ] {
        assert_eq!((refused.code(), refused.is_retryable()), (ErrorCode::StorageFull, true));
    }
    // Only what is written is refused: the cancel itself shows that the store is well again.
    store.recover();
    bed.engine.cancel(waiting, None).await.unwrap();
    assert_eq!(trouble(&bed), None);
}

async fn the_engine_goes_on_by_itself_though_nobody_triggers(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    register(&bed, "echo", echo);
    register(&bed, "stuck", stuck);
    let blocker = bed.trigger("stuck", "b").await.id();
    let queued = bed.trigger("echo", "q").await.id();
    assert_eq!(bed.get(queued).await.state(), ExecutionState::Queued);
    let is_cancel = |call: &Call<'_>| leads_to(call, ExecutionState::Failed);
    store.decide(move |call| match call {
        Call::Read => Fate::Pass,
        call if is_cancel(call) => Fate::Pass,
        _ => Fate::Refuse(full()),
    });
    provoke(&bed).await;
    bed.engine.cancel(blocker, None).await.unwrap();
    provoke(&bed).await;
    let start = bed.clock.now();
    while bed.clock.now().since(start) < Duration::from_secs(60) {
        nudge(&bed);
        tokio::task::yield_now().await;
    }
    assert_eq!(trouble(&bed), Some(ErrorCode::StorageFull));
    store.recover();
    let start = bed.clock.now();
    well(&bed).await;
    assert!(bed.clock.now().since(start) <= Duration::from_secs(10), "the pauses are too long");
    assert_eq!(ended(&bed, queued).await.state(), ExecutionState::Complete);
}

async fn what_was_achieved_meanwhile_is_stored_once_the_store_is_well(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    let (gate, runs) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (door, count) = (Arc::clone(&gate), Arc::clone(&runs));
    register(&bed, "echo", echo);
    register(&bed, "pay", move |ctx: FlowContext| {
        let (door, count) = (Arc::clone(&door), Arc::clone(&count));
        async move {
            door.notified().await;
            let pay = async { Ok(count.fetch_add(1, Ordering::SeqCst)) };
            let paid: usize = ctx.step("pay", pay).await?;
            Ok(FlowOutcome::Complete(json!(paid)))
        }
    });
    let id = bed.trigger("pay", "k").await.id();
    bed.until_state(id, ExecutionState::Running).await;
    fill(&store);
    provoke(&bed).await;
    gate.notify_one();
    eventually(async || (runs.load(Ordering::SeqCst) == 1).then_some(())).await;
    // Longer than the lease, which can't be renewed either.
    let start = bed.clock.now();
    while bed.clock.now().since(start) < Duration::from_secs(120) {
        nudge(&bed);
        tokio::task::yield_now().await;
    }
    store.recover();
    let ended = ended(&bed, id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(0)));
    assert_eq!((runs.load(Ordering::SeqCst), ended.status.epoch), (1, 1));
}

async fn a_step_that_must_not_run_twice_begins_only_once_its_beginning_is_noted(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    let (gate, runs) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (door, count) = (Arc::clone(&gate), Arc::clone(&runs));
    register(&bed, "echo", echo);
    register(&bed, "mail", move |ctx: FlowContext| {
        let (door, count) = (Arc::clone(&door), Arc::clone(&count));
        async move {
            door.notified().await;
            let send = async { Ok(count.fetch_add(1, Ordering::SeqCst)) };
            ctx.describe_step("mail").non_idempotent().run(|_| send).await?;
            Ok(done())
        }
    });
    let id = bed.trigger("mail", "k").await.id();
    bed.until_state(id, ExecutionState::Running).await;
    fill(&store);
    provoke(&bed).await;
    gate.notify_one();
    let start = bed.clock.now();
    while bed.clock.now().since(start) < Duration::from_secs(20) {
        nudge(&bed);
        tokio::task::yield_now().await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    store.recover();
    let ended = ended(&bed, id).await;
    assert_eq!((ended.state(), ended.status.retry_count), (ExecutionState::Complete, 0));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn a_store_that_answers_nothing_is_slow(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    echoed(&bed, "before").await;
    let answer = Arc::new(Notify::new());
    let is_insert = |call: &Call<'_>| match call {
        Call::Commit(batch) => batch.ops.iter().any(|op| matches!(op, Op::Insert(_))),
        Call::Claim | Call::Read => false,
    };
    let since = bed.clock.now();
    store.decide(once(is_insert, Fate::Hold(Arc::clone(&answer))));
    let slow = tokio::spawn({
        let engine = bed.engine.clone();
        async move { engine.trigger("echo", Trigger::new("slow", json!(1))).await }
    });
    eventually(async || {
        bed.store
            .execution_by_key(None, &"echo".parse().unwrap(), &"slow".parse().unwrap())
            .await
            .unwrap()
    })
    .await;
    for _ in 0..4 {
        bed.clock.advance(Duration::from_secs(1));
        assert_eq!(trouble(&bed), None);
    }
    eventually(async || {
        bed.clock.advance(Duration::from_secs(1));
        bed.engine.health().degraded
    })
    .await;
    let told = bed.engine.health().degraded.unwrap();
    assert_eq!(told.code, ErrorCode::StorageSlow);
    // Something from before may have been answered a moment later.
    assert!(told.since >= since && told.since < bed.clock.now(), "{told:?}");
    assert_eq!(provoke(&bed).await, ErrorCode::StorageSlow);
    answer.notify_one();
    let accepted = slow.await.unwrap().unwrap();
    assert_eq!(ended(&bed, accepted.execution.id()).await.state(), ExecutionState::Complete);
    well(&bed).await;
    echoed(&bed, "provoked").await;
}

async fn a_damaged_store_keeps_the_engine_degraded_until_it_takes_what_is_withheld(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    register(&bed, "wait", async |_ctx: FlowContext| Ok(FlowOutcome::Wait(WaitSignal::default())));
    let waiting = bed.trigger("wait", "w").await.id();
    bed.until_state(waiting, ExecutionState::Waiting).await;
    store.decide(|call| match leads_to(call, ExecutionState::Complete) {
        true => Fate::Refuse(StoreError::Corrupt { message: "page 7".to_owned() }),
        false => Fate::Pass,
    });
    let id = bed.trigger_with("echo", Trigger::new("k", json!(7))).await.id();
    eventually(async || trouble(&bed)).await;
    // Other commits succeed, and show nothing about what is damaged.
    bed.engine.cancel(waiting, None).await.unwrap();
    let start = bed.clock.now();
    while bed.clock.now().since(start) < Duration::from_secs(600) {
        nudge(&bed);
        tokio::task::yield_now().await;
        assert_eq!(trouble(&bed), Some(ErrorCode::StorageCorrupt));
    }
    assert_eq!(provoke(&bed).await, ErrorCode::StorageCorrupt);
    assert_eq!(bed.get(id).await.state(), ExecutionState::Running);
    store.recover();
    assert_eq!(ended(&bed, id).await.status.result.as_deref(), Some(&json!(7)));
    well(&bed).await;
    echoed(&bed, "provoked").await;
}

async fn a_trigger_that_meets_damage_does_not_degrade_the_engine_for_ever(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    echoed(&bed, "before").await;
    let is_insert = |call: &Call<'_>| {
        leads_to(call, ExecutionState::Running) || leads_to(call, ExecutionState::Queued)
    };
    let damage = StoreError::Corrupt { message: "page 7".to_owned() };
    store.decide(once(is_insert, Fate::Refuse(damage)));
    assert_eq!(provoke(&bed).await, ErrorCode::StorageCorrupt);
    assert_eq!(trouble(&bed), Some(ErrorCode::StorageCorrupt));
    well(&bed).await;
    echoed(&bed, "provoked").await;
}

async fn a_shutdown_in_trouble_comes_to_its_end(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    let (gate, runs) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (door, count) = (Arc::clone(&gate), Arc::clone(&runs));
    let pay = move |ctx: FlowContext| {
        let (door, count) = (Arc::clone(&door), Arc::clone(&count));
        async move {
            let pay = async { Ok(count.fetch_add(1, Ordering::SeqCst)) };
            let paid: usize = ctx.step("pay", pay).await?;
            door.notified().await;
            Ok(FlowOutcome::Complete(json!(paid)))
        }
    };
    register(&bed, "pay", pay.clone());
    register(&bed, "echo", echo);
    let id = bed.trigger("pay", "k").await.id();
    let queued = bed.trigger("echo", "q").await.id();
    eventually(async || (bed.store.journal(id).await.unwrap().len() == 1).then_some(())).await;
    fill(&store);
    provoke(&bed).await;
    gate.notify_one();
    let start = bed.clock.now();
    shut_down(&bed).await;
    assert!(bed.clock.now().since(start) <= Duration::from_secs(60));
    if kind == Kind::Memory {
        return;
    }
    drop(store);
    let (clock, dir) = (bed.clock.clone(), Arc::clone(&bed.dir));
    drop(bed);
    let bed = Bed::open(kind, EngineConfig::default(), clock, dir).await;
    register(&bed, "pay", pay);
    register(&bed, "echo", echo);
    gate.notify_one();
    assert_eq!(ended(&bed, id).await.status.result.as_deref(), Some(&json!(0)));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(ended(&bed, queued).await.state(), ExecutionState::Complete);
}

async fn a_shutdown_comes_to_its_end_though_the_store_answers_nothing(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    register(&bed, "echo", echo);
    echoed(&bed, "before").await;
    let never = Arc::new(Notify::new());
    let silent = Arc::clone(&never);
    store.decide(move |call| match call {
        Call::Read => Fate::Pass,
        Call::Commit(_) | Call::Claim => Fate::Hold(Arc::clone(&silent)),
    });
    let _trigger = tokio::spawn({
        let engine = bed.engine.clone();
        async move { engine.trigger("echo", Trigger::new("lost", Value::Null)).await }
    });
    let start = bed.clock.now();
    shut_down(&bed).await;
    assert!(bed.clock.now().since(start) <= Duration::from_secs(60));
}

/// Shuts the engine down while the clock goes on a bit at a time.
async fn shut_down(bed: &Bed) {
    let engine = bed.engine.clone();
    let stopping = tokio::spawn(async move { engine.shutdown().await });
    while !stopping.is_finished() {
        // Real time, because the store's writer is a thread of its own.
        tokio::time::sleep(Duration::from_millis(5)).await;
        bed.clock.advance(Duration::from_millis(500));
    }
    // A store that answers nothing can't be said goodbye to.
    let _ = stopping.await.unwrap();
}
