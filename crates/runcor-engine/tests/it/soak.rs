//! A soak: random operations against flaky handlers and a store that fails now and then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{
    Event, Execution, ExecutionId, ExecutionQuery, ExecutionState, FlowContext, FlowError,
    FlowOutcome, Runtime, Trigger, WaitSignal,
};
use runcor_engine::EngineConfig;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, eventually, flow};
use crate::fickle::{Call, Fate, full, unavailable};

const CONCURRENCY: usize = 5;

/// Numbers from a seed (`splitmix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let index = usize::try_from(self.below(from.len().max(1) as u64)).unwrap();
        from.get(index).copied()
    }
}

/// Who is in a handler right now.
#[derive(Default)]
struct Watch {
    inside: HashSet<ExecutionId>,
    most: usize,
    twice: Vec<ExecutionId>,
}

/// Being in a handler; dropping it is leaving.
struct Inside(Arc<Mutex<Watch>>, ExecutionId);

impl Inside {
    fn enter(watch: &Arc<Mutex<Watch>>, id: ExecutionId) -> Self {
        let mut inner = watch.lock();
        if !inner.inside.insert(id) {
            inner.twice.push(id);
        }
        inner.most = inner.most.max(inner.inside.len());
        drop(inner);
        Self(Arc::clone(watch), id)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.lock().inside.remove(&self.1);
    }
}

/// A handler that does all that a handler may do, by its input and attempt.
async fn moody(ctx: FlowContext, watch: Arc<Mutex<Watch>>) -> Result<FlowOutcome, FlowError> {
    let _inside = Inside::enter(&watch, ctx.execution_id());
    let mood = ctx.input()["mood"].as_u64().unwrap_or(0);
    tokio::task::yield_now().await;
    let number: u64 = ctx.step("number", async { Ok(mood) }).await?;
    match number % 8 {
        0 if ctx.retry_count() < 2 => Err(FlowError::retryable("not yet")),
        1 if ctx.retry_count() == 0 => {
            Err(FlowError::retryable_after("later", Duration::from_secs(20)))
        }
        2 => {
            let answer = ctx.wait_for(WaitSignal::default()).await?;
            ctx.step("after", async { Ok(1) }).await?;
            Ok(FlowOutcome::Complete(answer))
        }
        3 if !ctx.is_resumed() => Ok(FlowOutcome::Wait(WaitSignal::default())),
        4 => Err(FlowError::permanent("no")),
        5 if ctx.retry_count() == 0 => panic!("moody"),
        6 => {
            ctx.clock().sleep(Duration::from_secs(3)).await;
            Ok(FlowOutcome::Complete(json!("slept")))
        }
        _ => Ok(FlowOutcome::Complete(json!(number))),
    }
}

/// What the soak has accepted and deleted.
#[derive(Default)]
struct Book {
    ids: Vec<ExecutionId>,
    deleted: HashSet<ExecutionId>,
    keys: HashMap<String, ExecutionId>,
}

async fn operate(bed: &Bed, book: &mut Book, chance: &mut Chance) {
    let engine = &bed.engine;
    let some = chance.pick(&book.ids);
    match chance.below(20) {
        0..8 => {
            let key = format!("k{}", chance.below(1_000));
            let input = json!({ "mood": chance.below(1_000) });
            if let Ok(accepted) = engine.trigger("moody", Trigger::new(&key, input)).await {
                let id = accepted.execution.id();
                let known = book.keys.get(&key).filter(|id| !book.deleted.contains(id));
                if let Some(known) = known {
                    assert_eq!((*known, accepted.replayed), (id, true), "{key} ran twice");
                } else {
                    book.ids.push(id);
                }
                book.keys.insert(key, id);
            }
        }
        8 => {
            // A caller that goes away in the middle.
            let call = engine
                .trigger("moody", Trigger::new(format!("gone{}", chance.below(100)), Value::Null));
            let _ = futures_util::FutureExt::now_or_never(call);
        }
        9..12 => {
            if let Some(id) = some {
                let _ = engine.resume(id, Some(json!(chance.below(3)))).await;
            }
        }
        12..14 => {
            if let Some(id) = some {
                let _ = engine.cancel(id, None).await;
            }
        }
        14 => {
            if let Some(id) = some
                && let Ok(replay) = engine.replay(id).await
            {
                book.ids.push(replay.id());
            }
        }
        15 => {
            // A delete whose answer was lost may have happened.
            if let Some(id) = some
                && engine.delete(id).await.map_or_else(|error| error.is_retryable(), |()| true)
            {
                book.deleted.insert(id);
            }
        }
        16..18 => bed.clock.advance(Duration::from_millis(chance.below(4_000))),
        _ => {
            for _ in 0..chance.below(10) {
                tokio::task::yield_now().await;
            }
        }
    }
}

fn check_edges(execution: &Execution) {
    let mut state = ExecutionState::Queued;
    for step in &execution.status.transitions {
        assert_eq!(step.from, state, "{execution:?}");
        assert!(step.from.may_become(step.to), "{execution:?}");
        state = step.to;
    }
    assert_eq!(state, execution.state());
}

async fn everything(bed: &Bed) -> Vec<Execution> {
    let query = ExecutionQuery { limit: 10_000, ..ExecutionQuery::default() };
    bed.store.executions(&query).await.unwrap().items
}

/// Numbers of events without a gap, and exactly one end for what has ended.
async fn check_events(bed: &Bed, all: &[Execution]) {
    let (mut after, mut ends) = (0, HashMap::<ExecutionId, usize>::new());
    loop {
        let page = bed.store.events(after, 1_000).await.unwrap();
        if page.is_empty() {
            break;
        }
        for record in page {
            assert!(after == 0 || record.seq == after + 1, "a gap after {after}");
            after = record.seq;
            if let Event::ExecutionComplete(end) = record.event {
                *ends.entry(end.execution_id).or_default() += 1;
            }
        }
    }
    assert_eq!(bed.store.last_event().await.unwrap(), after);
    for execution in all {
        let count = ends.get(&execution.id()).copied().unwrap_or(0);
        assert!(count <= 1, "{} ended {count} times", execution.id());
        if !execution.state().is_terminal() {
            assert_eq!(count, 0);
        }
    }
}

async fn soak(kind: Kind, seed: u64, operations: usize) {
    let config = EngineConfig {
        concurrency: CONCURRENCY,
        retention: Duration::ZERO,
        ..EngineConfig::default()
    };
    let (bed, store) = Bed::fickle(kind, config).await;
    let watch = Arc::new(Mutex::new(Watch::default()));
    let watching = Arc::clone(&watch);
    let handler = move |ctx: FlowContext| moody(ctx, Arc::clone(&watching));
    bed.engine
        .register(
            flow("moody", handler).with_timeout(Duration::ZERO).with_wait_timeout(Duration::ZERO),
        )
        .unwrap();
    let trouble = Mutex::new(Chance(seed ^ 0xFA11));
    store.decide(move |call| match (call, trouble.lock().below(60)) {
        (Call::Read, 0) => Fate::Refuse(unavailable()),
        (Call::Commit(_) | Call::Claim, 0) => Fate::Refuse(full()),
        (Call::Commit(_) | Call::Claim, 1) => Fate::Lose(unavailable()),
        _ => Fate::Pass,
    });
    let (mut book, mut chance) = (Book::default(), Chance(seed));
    for _ in 0..operations {
        operate(&bed, &mut book, &mut chance).await;
    }
    store.recover();
    let is_settled = |execution: &Execution| {
        execution.state().is_terminal() || execution.state() == ExecutionState::Waiting
    };
    // Nothing is left that neither ends nor waits, however long it takes by the clock.
    eventually(async || {
        bed.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(1)).await;
        (bed.engine.active() == 0 && everything(&bed).await.iter().all(is_settled)).then_some(())
    })
    .await;
    let all = everything(&bed).await;
    let stored: HashSet<_> = all.iter().map(Execution::id).collect();
    for id in book.ids.iter().filter(|id| !book.deleted.contains(id)) {
        assert!(stored.contains(id), "{id} was accepted and is lost");
    }
    all.iter().for_each(check_edges);
    check_events(&bed, &all).await;
    bed.stop().await;
    let watch = watch.lock();
    assert_eq!(watch.twice, [], "ran twice at once");
    assert!(watch.most <= CONCURRENCY, "{} ran at once", watch.most);
}

#[tokio::test]
async fn random_operations_on_memory_lose_nothing_and_run_nothing_twice_at_once() {
    for seed in 1..=4 {
        soak(Kind::Memory, seed, 1_000).await;
    }
}

#[tokio::test]
async fn random_operations_on_sqlite_lose_nothing_and_run_nothing_twice_at_once() {
    soak(Kind::Sqlite, 5, 800).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_operations_on_many_threads_lose_nothing_and_run_nothing_twice_at_once() {
    soak(Kind::Memory, 6, 3_000).await;
    soak(Kind::Sqlite, 7, 500).await;
}
