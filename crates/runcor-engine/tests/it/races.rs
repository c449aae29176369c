//! Races and failures in between: answers that get lost, stops that come too early, panics in odd places.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcor_core::{
    Clock, ErrorCode, Execution, ExecutionQuery, ExecutionState, FlowContext, FlowError,
    FlowHandler, FlowOutcome, Op, Runtime, StoreError, Trigger, WaitSignal,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::bed::{Bed, Kind, code, done, echo, eventually, flow, on_every_store, stuck};
use crate::fickle::{Call, Fate, Fickle, full, leads_to, once, unavailable};

on_every_store!(
    an_outcome_whose_answer_was_lost_is_told_to_those_who_wait,
    a_retry_whose_answer_was_lost_is_made,
    an_insertion_whose_answer_was_lost_is_no_failure,
    an_insertion_that_nobody_can_look_up_runs_all_the_same,
    a_claim_whose_answer_was_lost_runs_all_the_same,
    a_resume_whose_answer_was_lost_goes_on,
    a_cancel_whose_answer_was_lost_is_no_failure,
    queued_work_is_claimed_soon_after_the_store_has_recovered,
    waits_that_can_not_be_ended_do_not_hold_up_the_shutdown,
    a_result_that_can_not_be_stored_fails_the_execution,
    a_handler_that_panics_while_it_is_dropped_has_timed_out,
    a_handler_that_panics_before_it_has_a_future_has_failed,
    a_step_that_can_not_be_recorded_for_a_while_is_not_run_again,
    a_step_whose_answer_was_lost_is_not_run_again,
    a_journal_that_can_not_be_read_for_a_while_is_no_failure,
    a_child_that_can_not_be_stored_for_a_while_is_no_failure,
    a_store_that_panics_once_does_not_end_the_dispatcher,
    who_waits_is_told_of_a_cancel_that_nobody_could_look_up,
    a_clock_that_jumps_takes_nothing_away_from_who_runs_it,
);

/// Moves the clock on, a bit at a time, until an execution has ended.
async fn ended_in_time(bed: &Bed, id: runcor_core::ExecutionId) -> Execution {
    eventually(async || {
        nudge(bed);
        let execution = bed.engine.execution(id).await.ok()?;
        execution.state().is_terminal().then_some(execution)
    })
    .await
}

/// Moves the clock on to the next instant that somebody waits for, if it is near.
fn nudge(bed: &Bed) {
    let near = bed.clock.now().after(Duration::from_secs(5));
    if let Some(wake) = bed.clock.next_wake().filter(|wake| *wake <= near) {
        bed.clock.set(wake);
    }
}

/// Registers a flow without a timeout: nobody knows how far the clock is moved.
fn register(bed: &Bed, name: &str, handler: impl FlowHandler + 'static) {
    bed.engine.register(flow(name, handler).with_timeout(Duration::ZERO)).unwrap();
}

/// Triggers until a trigger gets a slot at once, because the dispatcher has looked around.
async fn calm(bed: &Bed, flow: &str) {
    let mut n = 0;
    loop {
        n += 1;
        let execution = bed.trigger(flow, &format!("calm{n}")).await;
        bed.ended(execution.id()).await;
        if execution.state() == ExecutionState::Running {
            return;
        }
    }
}

async fn fickle_bed(kind: Kind, concurrency: usize) -> (Bed, Arc<Fickle>) {
    let config = EngineConfig { concurrency, retention: Duration::ZERO, ..EngineConfig::default() };
    Bed::fickle(kind, config).await
}

async fn an_outcome_whose_answer_was_lost_is_told_to_those_who_wait(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    let mut reads = 0;
    let mut lose = once(|call| leads_to(call, ExecutionState::Complete), Fate::Lose(unavailable()));
    let mut lost = false;
    store.decide(move |call| {
        // The store is away for a while: the first looks fail as well.
        if lost && matches!(call, Call::Read) && reads < 2 {
            reads += 1;
            return Fate::Refuse(unavailable());
        }
        let fate = lose(call);
        lost |= matches!(fate, Fate::Lose(_));
        fate
    });
    let engine = bed.engine.clone();
    let run = tokio::spawn(async move { engine.run("echo", Trigger::new("k", json!(7))).await });
    eventually(async || {
        nudge(&bed);
        run.is_finished().then_some(())
    })
    .await;
    // The caller's own look may be the one that failed.
    if let Ok(ended) = run.await.unwrap() {
        assert_eq!(ended.status.result.as_deref(), Some(&json!(7)));
    }
    let calls = bed.engine.trigger("echo", Trigger::new("k", json!(7))).await.unwrap();
    assert_eq!(calls.execution.state(), ExecutionState::Complete);
}

async fn a_retry_whose_answer_was_lost_is_made(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "flaky", async |ctx: FlowContext| match ctx.retry_count() {
        0 => Err(FlowError::retryable("once")),
        _ => Ok(done()),
    });
    let (mut lost, mut refused) = (false, false);
    store.decide(move |call| match call {
        call if leads_to(call, ExecutionState::Retrying) && !lost => {
            lost = true;
            Fate::Lose(unavailable())
        }
        Call::Read if lost && !refused => {
            refused = true;
            Fate::Refuse(unavailable())
        }
        _ => Fate::Pass,
    });
    let id = bed.trigger("flaky", "k").await.id();
    let ended = ended_in_time(&bed, id).await;
    assert_eq!((ended.state(), ended.status.retry_count), (ExecutionState::Complete, 1));
}

async fn an_insertion_whose_answer_was_lost_is_no_failure(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    calm(&bed, "echo").await;
    store.decide(once(|call| leads_to(call, ExecutionState::Running), Fate::Lose(unavailable())));
    let accepted = bed.engine.trigger("echo", Trigger::new("k", json!(1))).await.unwrap();
    assert!(!accepted.replayed);
    assert_eq!(
        ended_in_time(&bed, accepted.execution.id()).await.state(),
        ExecutionState::Complete
    );
}

async fn an_insertion_that_nobody_can_look_up_runs_all_the_same(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    calm(&bed, "echo").await;
    let mut lost = false;
    store.decide(move |call| {
        if leads_to(call, ExecutionState::Running) && !lost {
            lost = true;
            return Fate::Lose(unavailable());
        }
        if lost { Fate::Refuse(unavailable()) } else { Fate::Pass }
    });
    let refused = bed.engine.trigger("echo", Trigger::new("k", json!(1))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageUnavailable);
    store.recover();
    let known = bed.engine.trigger("echo", Trigger::new("k", json!(1))).await.unwrap();
    assert!(known.replayed);
    let ended = ended_in_time(&bed, known.execution.id()).await;
    assert_eq!(ended.state(), ExecutionState::Complete);
}

async fn a_claim_whose_answer_was_lost_runs_all_the_same(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    register(&bed, "stuck", stuck);
    register(&bed, "echo", echo);
    let blocker = bed.trigger("stuck", "b").await.id();
    let queued = bed.trigger("echo", "q").await.id();
    store.decide(once(|call| matches!(call, Call::Claim), Fate::Lose(unavailable())));
    bed.engine.cancel(blocker, None).await.unwrap();
    assert_eq!(ended_in_time(&bed, queued).await.state(), ExecutionState::Complete);
}

async fn a_resume_whose_answer_was_lost_goes_on(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "ask", async |ctx: FlowContext| {
        let answer = ctx.wait_for(WaitSignal::default()).await?;
        Ok(FlowOutcome::Complete(answer))
    });
    for (key, reads_fail) in [("a", false), ("b", true)] {
        // The store is seen to be well a moment after it has stored the end of the first.
        let trigger = async || bed.engine.trigger("ask", Trigger::new(key, Value::Null)).await.ok();
        let id = eventually(trigger).await.execution.id();
        bed.until_state(id, ExecutionState::Waiting).await;
        let mut lost = false;
        store.decide(move |call| {
            if leads_to(call, ExecutionState::Running) && !lost {
                lost = true;
                return Fate::Lose(unavailable());
            }
            if lost && reads_fail { Fate::Refuse(unavailable()) } else { Fate::Pass }
        });
        let resumed = bed.engine.resume(id, Some(json!("yes"))).await;
        assert_eq!(resumed.is_err(), reads_fail);
        store.recover();
        let ended = ended_in_time(&bed, id).await;
        assert_eq!(ended.status.result.as_deref(), Some(&json!("yes")));
    }
}

async fn a_cancel_whose_answer_was_lost_is_no_failure(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "stuck", stuck);
    let id = bed.trigger("stuck", "k").await.id();
    store.decide(once(|call| leads_to(call, ExecutionState::Failed), Fate::Lose(unavailable())));
    let cancelled = bed.engine.cancel(id, None).await.unwrap();
    assert_eq!(code(&cancelled), "CANCELLED");
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
}

async fn queued_work_is_claimed_soon_after_the_store_has_recovered(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    register(&bed, "stuck", stuck);
    register(&bed, "echo", echo);
    let blocker = bed.trigger("stuck", "b").await.id();
    let queued = bed.trigger("echo", "q").await.id();
    let claims = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&claims);
    store.decide(move |call| match call {
        Call::Claim => {
            count.fetch_add(1, Ordering::SeqCst);
            Fate::Refuse(full())
        }
        _ => Fate::Pass,
    });
    bed.engine.cancel(blocker, None).await.unwrap();
    eventually(async || (claims.load(Ordering::SeqCst) > 0).then_some(())).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert!(claims.load(Ordering::SeqCst) < 10, "it spins");
    store.recover();
    let (start, ended) = (bed.clock.now(), ended_in_time(&bed, queued).await);
    assert_eq!(ended.state(), ExecutionState::Complete);
    assert!(bed.clock.now().since(start) <= Duration::from_secs(2));
}

async fn waits_that_can_not_be_ended_do_not_hold_up_the_shutdown(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 300).await;
    let wait = async |_ctx: FlowContext| Ok(FlowOutcome::Wait(WaitSignal::default()));
    bed.engine.register(flow("wait", wait).with_wait_timeout(Duration::from_secs(5))).unwrap();
    let calls: Vec<_> = (0..300)
        .map(|n| {
            let engine = bed.engine.clone();
            tokio::spawn(async move {
                engine.trigger("wait", Trigger::new(format!("k{n}"), Value::Null)).await
            })
        })
        .collect();
    for call in calls {
        let id = call.await.unwrap().unwrap().execution.id();
        bed.until_state(id, ExecutionState::Waiting).await;
    }
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    store.decide(move |call| {
        if leads_to(call, ExecutionState::Failed) {
            count.fetch_add(1, Ordering::SeqCst);
            return Fate::Refuse(full());
        }
        Fate::Pass
    });
    bed.advance(Duration::from_secs(6)).await;
    eventually(async || (attempts.load(Ordering::SeqCst) > 0).then_some(())).await;
    bed.stop().await;
    assert!(attempts.load(Ordering::SeqCst) < 3_000, "it spins");
}

// In memory only: there the commit of the cancel and the stop are one moment.
#[tokio::test]
async fn the_handler_of_a_cancelled_execution_does_not_begin() {
    let (bed, store) = fickle_bed(Kind::Memory, 1).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    register(&bed, "stuck", stuck);
    register(&bed, "counted", move |_ctx: FlowContext| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(done()) }
    });
    register(&bed, "echo", echo);
    calm(&bed, "echo").await;
    let blocker = bed.trigger("stuck", "b").await.id();
    let queued = bed.trigger("counted", "q").await.id();
    let answer = Arc::new(Notify::new());
    store.decide(once(|call| matches!(call, Call::Claim), Fate::Hold(Arc::clone(&answer))));
    bed.engine.cancel(blocker, None).await.unwrap();
    bed.until_state(queued, ExecutionState::Running).await;
    let cancel = tokio::spawn({
        let engine = bed.engine.clone();
        async move { engine.cancel(queued, None).await }
    });
    bed.until_state(queued, ExecutionState::Failed).await;
    answer.notify_one();
    cancel.await.unwrap().unwrap();
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
    assert_eq!(code(&bed.get(queued).await), "CANCELLED");
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

async fn a_result_that_can_not_be_stored_fails_the_execution(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 10).await;
    register(&bed, "echo", echo);
    store.decide(|call| {
        if leads_to(call, ExecutionState::Complete) {
            return Fate::Refuse(StoreError::Unstorable { message: "too deep".to_owned() });
        }
        Fate::Pass
    });
    let id = bed.trigger("echo", "k").await.id();
    let ended = ended_in_time(&bed, id).await;
    assert_eq!((ended.state(), code(&ended)), (ExecutionState::Failed, "INVALID_RESULT"));
    assert!(ended.status.error.unwrap().message.contains("too deep"));
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

async fn a_handler_that_panics_while_it_is_dropped_has_timed_out(kind: Kind) {
    let (bed, _store) = fickle_bed(kind, 1).await;
    bed.engine
        .register(
            flow("bomb", async |_ctx: FlowContext| {
                let _bomb = Bomb;
                std::future::pending().await
            })
            .with_timeout(Duration::from_secs(1)),
        )
        .unwrap();
    register(&bed, "echo", echo);
    let id = bed.trigger("bomb", "k").await.id();
    let ended = ended_in_time(&bed, id).await;
    assert_eq!(code(&ended), "TIMEOUT");
    let cancelled = bed.trigger("bomb", "c").await.id();
    bed.engine.cancel(cancelled, None).await.unwrap();
    let next = bed.trigger("echo", "next").await.id();
    assert_eq!(bed.ended(next).await.state(), ExecutionState::Complete);
}

/// A handler that is no `async fn` and panics at once.
struct Hasty;

impl FlowHandler for Hasty {
    fn run<'me, 'future>(
        &'me self,
        _ctx: FlowContext,
    ) -> Pin<Box<dyn Future<Output = Result<FlowOutcome, FlowError>> + Send + 'future>>
    where
        'me: 'future,
        Self: 'future,
    {
        panic!("no future")
    }
}

async fn a_handler_that_panics_before_it_has_a_future_has_failed(kind: Kind) {
    let (bed, _store) = fickle_bed(kind, 1).await;
    register(&bed, "hasty", Hasty);
    let id = bed.trigger("hasty", "k").await.id();
    assert_eq!(code(&bed.ended(id).await), "HANDLER_PANICKED");
}

/// A flow with one step that is counted and whose record meets `fate` once or for a while.
async fn step_under(kind: Kind, mut fates: Vec<Fate>) {
    let (bed, store) = fickle_bed(kind, 1).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    register(&bed, "pay", move |ctx: FlowContext| {
        let counter = Arc::clone(&counter);
        async move {
            let pay = async {
                counter.fetch_add(1, Ordering::SeqCst);
                Ok("receipt".to_owned())
            };
            let receipt: String = ctx.step("charge", pay).await?;
            Ok(FlowOutcome::Complete(json!(receipt)))
        }
    });
    store.decide(move |call| match call {
        Call::Commit(batch) if batch.ops.iter().any(|op| matches!(op, Op::Journal { .. })) => {
            fates.pop().unwrap_or(Fate::Pass)
        }
        _ => Fate::Pass,
    });
    let id = bed.trigger("pay", "k").await.id();
    let ended = ended_in_time(&bed, id).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!("receipt")));
    assert_eq!((runs.load(Ordering::SeqCst), ended.status.retry_count), (1, 0));
    assert_eq!(bed.store.journal(id).await.unwrap().len(), 1);
}

async fn a_step_that_can_not_be_recorded_for_a_while_is_not_run_again(kind: Kind) {
    step_under(kind, vec![Fate::Refuse(full()), Fate::Refuse(full()), Fate::Refuse(full())]).await;
}

async fn a_step_whose_answer_was_lost_is_not_run_again(kind: Kind) {
    step_under(kind, vec![Fate::Lose(unavailable())]).await;
}

async fn a_store_that_panics_once_does_not_end_the_dispatcher(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    register(&bed, "stuck", stuck);
    register(&bed, "echo", echo);
    let panics = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&panics);
    store.decide(move |call| {
        let first = matches!(call, Call::Claim) && count.fetch_add(1, Ordering::SeqCst) == 0;
        assert!(!first, "a bug in the store");
        Fate::Pass
    });
    bed.engine.register(flow("other", echo)).unwrap();
    eventually(async || (panics.load(Ordering::SeqCst) > 0).then_some(())).await;
    store.recover();
    let blocker = bed.trigger("stuck", "b").await.id();
    let queued = bed.trigger("echo", "q").await.id();
    bed.engine.cancel(blocker, None).await.unwrap();
    assert_eq!(ended_in_time(&bed, queued).await.state(), ExecutionState::Complete);
}

async fn who_waits_is_told_of_a_cancel_that_nobody_could_look_up(kind: Kind) {
    let (bed, store) = fickle_bed(kind, 1).await;
    register(&bed, "wait", async |_ctx: FlowContext| Ok(FlowOutcome::Wait(WaitSignal::default())));
    let id = bed.trigger("wait", "w").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    let engine = bed.engine.clone();
    let waiter = tokio::spawn(async move { engine.finished(id).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let mut lost = false;
    store.decide(move |call| {
        if leads_to(call, ExecutionState::Failed) && !lost {
            lost = true;
            return Fate::Lose(unavailable());
        }
        if lost { Fate::Refuse(unavailable()) } else { Fate::Pass }
    });
    let error = bed.engine.cancel(id, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
    store.recover();
    eventually(async || {
        nudge(&bed);
        waiter.is_finished().then_some(())
    })
    .await;
    assert_eq!(code(&waiter.await.unwrap().unwrap()), "CANCELLED");
}

async fn a_clock_that_jumps_takes_nothing_away_from_who_runs_it(kind: Kind) {
    let (bed, _store) = fickle_bed(kind, 2).await;
    let gate = Arc::new(Notify::new());
    let door = Arc::clone(&gate);
    register(&bed, "gated", move |_ctx: FlowContext| {
        let door = Arc::clone(&door);
        async move {
            door.notified().await;
            Ok(done())
        }
    });
    register(&bed, "echo", echo);
    let gated = bed.trigger("gated", "g").await.id();
    let hour = Duration::from_secs(3_600);
    let start = bed.clock.now();
    for (n, at) in [start.after(hour), start, start.after(hour * 48)].into_iter().enumerate() {
        bed.clock.set(at);
        // A new flow sends the dispatcher to claim at that instant.
        register(&bed, &format!("other{n}"), echo);
        for m in 0..5 {
            let id = bed.trigger("echo", &format!("{n}:{m}")).await.id();
            ended_in_time(&bed, id).await;
        }
    }
    gate.notify_one();
    assert_eq!(bed.ended(gated).await.status.epoch, 1);
}

#[tokio::test]
async fn a_task_that_never_ends_does_not_hold_up_the_shutdown_for_ever() {
    let config = EngineConfig { drain_timeout: Duration::ZERO, ..EngineConfig::default() };
    let (bed, store) = Bed::fickle(Kind::Memory, config).await;
    register(&bed, "echo", echo);
    // A handler that never yields looks the same to the engine: a task that can't be stopped.
    let never = Arc::new(Notify::new());
    store.decide(once(
        |call| leads_to(call, ExecutionState::Complete),
        Fate::Hold(Arc::clone(&never)),
    ));
    let id = bed.trigger("echo", "k").await.id();
    bed.until_state(id, ExecutionState::Complete).await;
    let engine = bed.engine.clone();
    let stopping = tokio::spawn(async move { engine.shutdown().await });
    eventually(async || {
        bed.clock.advance(Duration::from_secs(1));
        stopping.is_finished().then_some(())
    })
    .await;
    stopping.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_in_memory_leaves_nothing_active_behind() {
    let (bed, _store) = fickle_bed(Kind::Memory, 1).await;
    register(&bed, "wait", async |ctx: FlowContext| {
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(done())
    });
    register(&bed, "stuck", stuck);
    let waiting = bed.trigger("wait", "w").await.id();
    bed.until_state(waiting, ExecutionState::Waiting).await;
    let _blocker = bed.trigger("stuck", "b").await;
    let resumed = bed.engine.resume(waiting, None).await.unwrap();
    assert_eq!((resumed.state(), resumed.status.owner), (ExecutionState::Running, None));
    let waiter = tokio::spawn({
        let engine = bed.engine.clone();
        async move { engine.finished(waiting).await }
    });
    let query = ExecutionQuery::default();
    assert_eq!(bed.engine.executions(&query).await.unwrap().items.len(), 2);
    bed.stop().await;
    assert_eq!(code(&waiter.await.unwrap().unwrap()), "SHUTDOWN");
}

async fn a_journal_that_can_not_be_read_for_a_while_is_no_failure(kind: Kind) {
    let (bed, fickle) = fickle_bed(kind, 2).await;
    let handler = async |ctx: FlowContext| {
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(done())
    };
    let flow = flow("wait", handler).with_max_retries(0).with_timeout(Duration::ZERO);
    bed.engine.register(flow).unwrap();
    let id = bed.trigger("wait", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    // The first read finds the execution that is to be resumed.
    let mut reads = 0;
    fickle.decide(move |call| {
        reads += usize::from(matches!(call, Call::Read));
        let is_refused = matches!(call, Call::Read) && (2..5).contains(&reads);
        if is_refused { Fate::Refuse(unavailable()) } else { Fate::Pass }
    });
    bed.engine.resume(id, None).await.unwrap();
    let ended = ended_in_time(&bed, id).await;
    assert_eq!((ended.state(), ended.status.retry_count), (ExecutionState::Complete, 0));
}

async fn a_child_that_can_not_be_stored_for_a_while_is_no_failure(kind: Kind) {
    let (bed, fickle) = fickle_bed(kind, 2).await;
    let handler = async |ctx: FlowContext| match ctx.input().is_null() {
        true => ctx.call("self", 1).await.map(FlowOutcome::Complete),
        false => Ok(done()),
    };
    let flow = flow("self", handler).with_max_retries(0).with_timeout(Duration::ZERO);
    bed.engine.register(flow).unwrap();
    let is_child = |op: &Op| matches!(op, Op::Insert(child) if child.spec.parent.is_some());
    let starts = move |call: &Call<'_>| matches!(call, Call::Commit(batch) if batch.ops.iter().any(is_child));
    fickle.decide(once(starts, Fate::Refuse(full())));
    let id = bed.trigger("self", "k").await.id();
    let ended = ended_in_time(&bed, id).await;
    assert_eq!((ended.state(), ended.status.retry_count), (ExecutionState::Complete, 0));
}
