//! Leases: two owners of one execution, a process that was stopped for long, a clock that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{
    Clock, ExecutionId, ExecutionQuery, ExecutionState, FlowContext, FlowError, FlowHandler,
    FlowOutcome, ManualClock, Runtime, Timestamp,
};
use runcor_engine::{Engine, EngineConfig, EngineParts};
use serde_json::json;
use tokio::sync::Notify;

use crate::bed::{Bed, Kind, done, echo, eventually, flow, on_every_store, stuck};

on_every_store!(
    what_another_took_over_is_stopped_when_its_old_owner_comes_back,
    an_old_owner_begins_no_step_before_it_knows_that_it_is_none,
    a_step_under_way_in_an_old_owner_is_its_last,
    an_old_owner_does_not_try_again_what_another_has_ended,
    an_old_owner_calls_no_flows,
    an_old_owner_ends_nothing,
    what_nobody_took_over_goes_on_after_a_long_stop,
    work_that_was_queued_before_the_clock_was_set_back_runs_all_the_same,
    a_retry_is_not_put_off_by_a_clock_that_is_set_back,
);

const HOUR: Duration = Duration::from_secs(3_600);

/// Another engine on the same store. Its clock is its own, so that the first
/// engine's may stand still, as that of a stopped process does.
struct Rival {
    engine: Engine,
    clock: ManualClock,
}

impl Rival {
    async fn of(bed: &Bed) -> Self {
        let clock = ManualClock::at(bed.clock.now());
        let parts = EngineParts {
            clock: Arc::new(clock.clone()),
            config: config(),
            ..EngineParts::new(Arc::clone(&bed.store))
        };
        Self { engine: Engine::start(parts).await.unwrap(), clock }
    }

    /// Lets the lease of everybody else run out and takes an execution over.
    async fn take_over(&self, bed: &Bed, id: ExecutionId) {
        eventually(async || {
            self.clock.advance(Duration::from_secs(5));
            tokio::task::yield_now().await;
            (bed.get(id).await.status.epoch == 2).then_some(())
        })
        .await;
    }

    fn register(&self, name: &str, handler: impl FlowHandler + 'static) {
        self.engine.register(endless(name, handler)).unwrap();
    }
}

fn config() -> EngineConfig {
    EngineConfig { retention: Duration::ZERO, ..EngineConfig::default() }
}

/// A flow without a timeout: nobody knows how far the clock is moved.
fn endless(name: &str, handler: impl FlowHandler + 'static) -> runcor_core::Flow {
    flow(name, handler).with_timeout(Duration::ZERO)
}

/// What a handler has done that a test looks at.
#[derive(Default)]
struct Deeds {
    gate: Notify,
    inside: AtomicUsize,
    runs: AtomicUsize,
    effects: AtomicUsize,
    errors: Mutex<Vec<String>>,
}

/// Being in a handler; dropping it is leaving.
struct Inside(Arc<Deeds>);

impl Inside {
    fn enter(deeds: &Arc<Deeds>) -> Self {
        deeds.inside.fetch_add(1, Ordering::SeqCst);
        deeds.runs.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(deeds))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Deeds {
    fn note<T>(&self, result: &Result<T, FlowError>) {
        let code = result.as_ref().err().map(|error| error.code().unwrap_or("none").to_owned());
        self.errors.lock().extend(code);
    }

    fn effect(self: &Arc<Self>) -> impl Future<Output = Result<usize, FlowError>> + use<> {
        let deeds = Arc::clone(self);
        async move { Ok(deeds.effects.fetch_add(1, Ordering::SeqCst)) }
    }
}

/// A bed that runs `work` with `handler`, and a rival that has taken that over with `other`.
async fn taken_over<H: FlowHandler + 'static>(
    kind: Kind,
    handler: impl FnOnce(Arc<Deeds>) -> H,
    other: impl FlowHandler + 'static,
) -> (Bed, Rival, Arc<Deeds>, ExecutionId) {
    let bed = Bed::with(kind, config()).await;
    let deeds = Arc::new(Deeds::default());
    bed.engine.register(endless("work", handler(Arc::clone(&deeds)))).unwrap();
    bed.engine.register(endless("child", echo)).unwrap();
    let id = bed.trigger("work", "k").await.id();
    eventually(async || (deeds.runs.load(Ordering::SeqCst) == 1).then_some(())).await;
    if deeds.inside.load(Ordering::SeqCst) == 0 {
        bed.until_state(id, ExecutionState::Retrying).await;
    }
    let rival = Rival::of(&bed).await;
    rival.register("work", other);
    rival.take_over(&bed, id).await;
    (bed, rival, deeds, id)
}

/// Waits until nothing runs any more in the old owner.
async fn idle(bed: &Bed) {
    eventually(async || (bed.engine.active() == 0).then_some(())).await;
}

async fn rivals_result(_ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    Ok(FlowOutcome::Complete(json!("rival")))
}

async fn what_another_took_over_is_stopped_when_its_old_owner_comes_back(kind: Kind) {
    let handler = |deeds: Arc<Deeds>| {
        move |_ctx: FlowContext| {
            let inside = Inside::enter(&deeds);
            async move {
                let _inside = inside;
                std::future::pending().await
            }
        }
    };
    let (bed, rival, deeds, id) = taken_over(kind, handler, stuck).await;
    assert_eq!(deeds.inside.load(Ordering::SeqCst), 1);
    bed.clock.set(rival.clock.now());
    eventually(async || (deeds.inside.load(Ordering::SeqCst) == 0).then_some(())).await;
    idle(&bed).await;
    let execution = bed.get(id).await;
    assert_eq!((execution.state(), execution.status.epoch), (ExecutionState::Running, 2));
    // While it claims, it holds more slots for a moment.
    eventually(async || (rival.engine.active() == 1).then_some(())).await;
}

async fn an_old_owner_begins_no_step_before_it_knows_that_it_is_none(kind: Kind) {
    let handler = |deeds: Arc<Deeds>| {
        move |ctx: FlowContext| {
            let deeds = Arc::clone(&deeds);
            async move {
                let _inside = Inside::enter(&deeds);
                deeds.gate.notified().await;
                let step = ctx.step("effect", deeds.effect()).await;
                deeds.note(&step);
                Ok(done())
            }
        }
    };
    let (bed, rival, deeds, id) = taken_over(kind, handler, stuck).await;
    // The handler goes on before anything else in that process does.
    deeds.gate.notify_one();
    bed.clock.set(rival.clock.now());
    idle(&bed).await;
    assert_eq!(deeds.effects.load(Ordering::SeqCst), 0);
    let errors = deeds.errors.lock().clone();
    assert!(errors.iter().all(|code| code == "EXECUTION_LOST"), "{errors:?}");
    assert_eq!(bed.get(id).await.state(), ExecutionState::Running);
}

async fn a_step_under_way_in_an_old_owner_is_its_last(kind: Kind) {
    let handler = |deeds: Arc<Deeds>| {
        move |ctx: FlowContext| {
            let deeds = Arc::clone(&deeds);
            async move {
                let _inside = Inside::enter(&deeds);
                let gated = async {
                    deeds.gate.notified().await;
                    Ok("old")
                };
                // Whatever comes of it: this handler never gives up.
                let first: Result<String, _> =
                    ctx.step("first", async { gated.await.map(str::to_owned) }).await;
                deeds.note(&first);
                let second = ctx.step("second", deeds.effect()).await;
                deeds.note(&second);
                Ok(done())
            }
        }
    };
    let other = async |ctx: FlowContext| {
        let first: String = ctx.step("first", async { Ok("new".to_owned()) }).await?;
        Ok(FlowOutcome::Complete(json!(first)))
    };
    let (bed, _rival, deeds, id) = taken_over(kind, handler, other).await;
    bed.until_state(id, ExecutionState::Complete).await;
    // By its own clock, its lease is not over.
    deeds.gate.notify_one();
    idle(&bed).await;
    assert_eq!(deeds.errors.lock().first().map(String::as_str), Some("EXECUTION_LOST"));
    assert_eq!(deeds.effects.load(Ordering::SeqCst), 0);
    let journal = bed.store.journal(id).await.unwrap();
    assert_eq!(journal.len(), 1);
    assert_eq!(bed.get(id).await.status.result.as_deref(), Some(&json!("new")));
}

async fn an_old_owner_does_not_try_again_what_another_has_ended(kind: Kind) {
    let handler = |deeds: Arc<Deeds>| {
        move |_ctx: FlowContext| {
            drop(Inside::enter(&deeds));
            async { Err(FlowError::retryable_after("later", Duration::from_secs(20))) }
        }
    };
    let (bed, rival, deeds, id) = taken_over(kind, handler, rivals_result).await;
    bed.until_state(id, ExecutionState::Complete).await;
    bed.clock.set(rival.clock.now());
    idle(&bed).await;
    assert_eq!(deeds.runs.load(Ordering::SeqCst), 1);
    assert_eq!(bed.get(id).await.status.result.as_deref(), Some(&json!("rival")));
}

async fn an_old_owner_calls_no_flows(kind: Kind) {
    let handler = |deeds: Arc<Deeds>| {
        move |ctx: FlowContext| {
            let deeds = Arc::clone(&deeds);
            async move {
                let _inside = Inside::enter(&deeds);
                deeds.gate.notified().await;
                let called = ctx.call("child", json!(1)).await;
                deeds.note(&called);
                Ok(done())
            }
        }
    };
    let (bed, _rival, deeds, id) = taken_over(kind, handler, stuck).await;
    deeds.gate.notify_one();
    idle(&bed).await;
    assert_eq!(*deeds.errors.lock(), ["EXECUTION_LOST"]);
    let children = ExecutionQuery { parent: Some(id), ..ExecutionQuery::default() };
    assert!(bed.engine.executions(&children).await.unwrap().items.is_empty());
}

async fn an_old_owner_ends_nothing(kind: Kind) {
    let handler = |deeds: Arc<Deeds>| {
        move |_ctx: FlowContext| {
            let deeds = Arc::clone(&deeds);
            async move {
                let _inside = Inside::enter(&deeds);
                deeds.gate.notified().await;
                Ok(FlowOutcome::Complete(json!("old")))
            }
        }
    };
    let (bed, rival, deeds, id) = taken_over(kind, handler, stuck).await;
    deeds.gate.notify_one();
    idle(&bed).await;
    let execution = bed.get(id).await;
    assert_eq!((execution.state(), execution.status.epoch), (ExecutionState::Running, 2));
    // While it claims, it holds more slots for a moment.
    eventually(async || (rival.engine.active() == 1).then_some(())).await;
}

async fn what_nobody_took_over_goes_on_after_a_long_stop(kind: Kind) {
    let bed = Bed::with(kind, config()).await;
    let deeds = Arc::new(Deeds::default());
    let inner = Arc::clone(&deeds);
    let handler = move |ctx: FlowContext| {
        let deeds = Arc::clone(&inner);
        async move {
            let _inside = Inside::enter(&deeds);
            deeds.gate.notified().await;
            ctx.step("effect", deeds.effect()).await?;
            Ok(done())
        }
    };
    bed.engine.register(endless("work", handler)).unwrap();
    let id = bed.trigger("work", "k").await.id();
    eventually(async || (deeds.runs.load(Ordering::SeqCst) == 1).then_some(())).await;
    deeds.gate.notify_one();
    bed.clock.advance(HOUR);
    let ended = bed.ended(id).await;
    assert_eq!((ended.state(), ended.status.epoch), (ExecutionState::Complete, 1));
    assert_eq!(deeds.effects.load(Ordering::SeqCst), 1);
}

async fn work_that_was_queued_before_the_clock_was_set_back_runs_all_the_same(kind: Kind) {
    let bed = Bed::with(kind, EngineConfig { concurrency: 1, ..config() }).await;
    bed.engine.register(endless("stuck", stuck)).unwrap();
    bed.engine.register(endless("echo", echo)).unwrap();
    let start = bed.clock.now();
    let blocker = bed.trigger("stuck", "b").await.id();
    bed.clock.advance(HOUR);
    let queued = bed.trigger("echo", "q").await.id();
    bed.clock.set(start);
    bed.engine.cancel(blocker, None).await.unwrap();
    assert_eq!(bed.ended(queued).await.state(), ExecutionState::Complete);
    let next = bed.trigger("echo", "n").await;
    assert!(next.spec.queued_at >= start.after(HOUR), "the engine's time went back");
}

async fn a_retry_is_not_put_off_by_a_clock_that_is_set_back(kind: Kind) {
    let bed = Bed::with(kind, config()).await;
    let asks = async |ctx: FlowContext| match ctx.retry_count() {
        0 => Err(FlowError::retryable_after("later", Duration::from_secs(20))),
        _ => Ok(done()),
    };
    bed.engine.register(endless("busy", asks)).unwrap();
    let id = bed.trigger("busy", "k").await.id();
    bed.until_state(id, ExecutionState::Retrying).await;
    bed.clock.set(Timestamp::from_millis(bed.clock.now().as_millis() - 3_600_000));
    // Whoever asks for the time next finds it out.
    assert_eq!(bed.engine.uptime(), Duration::ZERO);
    eventually(async || {
        bed.clock.next_wake().filter(|wake| *wake <= bed.clock.now().after(HOUR / 2))
    })
    .await;
    bed.clock.advance(Duration::from_secs(21));
    assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
}

#[tokio::test]
async fn work_that_was_queued_before_the_clock_was_set_back_runs_after_a_restart() {
    let config = EngineConfig { concurrency: 1, ..config() };
    let bed = Bed::with(Kind::Sqlite, config.clone()).await;
    bed.engine.register(endless("stuck", stuck)).unwrap();
    let running = bed.trigger("stuck", "r").await.id();
    bed.until_state(running, ExecutionState::Running).await;
    let queued = bed.trigger("stuck", "q").await.id();
    bed.stop().await;
    bed.clock.set(Timestamp::from_millis(bed.clock.now().as_millis() - 3_600_000));
    let (clock, dir) = (bed.clock.clone(), Arc::clone(&bed.dir));
    let bed = Bed::open(Kind::Sqlite, config, clock, dir).await;
    bed.engine.register(endless("stuck", echo)).unwrap();
    for id in [running, queued] {
        assert_eq!(bed.ended(id).await.state(), ExecutionState::Complete);
    }
}
