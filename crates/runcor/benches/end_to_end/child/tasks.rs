//! What child processes do.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use runcor::engine::EngineConfig;
use runcor::execution::{ExecutionQuery, ExecutionState, Runtime as _};
use runcor::store::{Durability, SqliteStore};
use runcor::{Flow, Runcor};
use serde_json::{Value, json};

use super::tell_and_wait;
use crate::flows::{self, INTERRUPTED, SLEEPING, WAITING};
use crate::load::{count, runtime, spread, sqlite, start, trigger};
use crate::startup::resident_mib;

/// How many clients fill a store.
const CLIENTS: u64 = 256;
/// What is paused before memory is read for the first time.
const WARMUP: u64 = 5_000;

pub(crate) fn work(task: &str, dir: &Path, number: u64) {
    let tokio = runtime();
    let found = tokio.block_on(async {
        match task {
            "waiting" => pauses(dir, number, flows::waiting(), WAITING).await,
            "sleeping" => pauses(dir, number, flows::sleeping(), SLEEPING).await,
            "interrupted" => interrupted(dir, number).await,
            "restart" => restart(dir, number).await,
            _ => json!(null),
        }
    });
    tell_and_wait(&found);
}

/// Has executions pause, and tells what each takes of the memory.
async fn pauses(dir: &Path, number: u64, flow: Flow, name: &'static str) -> Value {
    let runcor = start(sqlite(dir, Durability::Full), 1_000).await;
    runcor.register(flow).expect("it registers");
    pause(&runcor, name, 0, WARMUP).await;
    let before = memory();
    let added = number - WARMUP;
    pause(&runcor, name, WARMUP, added).await;
    json!({ "before": before, "after": memory(), "added": added })
}

async fn pause(runcor: &Runcor, flow: &'static str, first: u64, number: u64) {
    accept(runcor, flow, first, number).await;
    while runcor.active() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let paused = count(runcor, ExecutionState::Waiting).await;
    assert_eq!(paused, first + number, "not everything waits");
}

async fn accept(runcor: &Runcor, flow: &'static str, first: u64, number: u64) {
    spread(runcor, CLIENTS, number, move |runcor, n| async move {
        runcor.trigger(flow, trigger(first + n)).await.expect("it is accepted");
    })
    .await;
}

/// Lets executions begin that will be interrupted when this process is killed.
async fn interrupted(dir: &Path, number: u64) -> Value {
    let slots = usize::try_from(number).expect("not that many") + 1;
    let runcor = start(sqlite(dir, Durability::Full), slots).await;
    let begun = Arc::new(AtomicU64::new(0));
    runcor.register(flows::interrupted(Arc::clone(&begun))).expect("it registers");
    accept(&runcor, INTERRUPTED, 0, number).await;
    while begun.load(Ordering::SeqCst) < number {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    json!({ "running": runcor.active() })
}

/// Opens what a killed process left, and tells how long it takes until everything goes on.
async fn restart(dir: &Path, number: u64) -> Value {
    let began = Instant::now();
    let store: SqliteStore = sqlite(dir, Durability::Full);
    let opened = began.elapsed();
    let runcor = start(store, EngineConfig::default().concurrency).await;
    let first = Arc::new(OnceLock::new());
    let begin = {
        let first = Arc::clone(&first);
        move || _ = first.set(began.elapsed())
    };
    runcor.register(flows::waiting()).expect("it registers");
    runcor.register(flows::going_on(begin)).expect("it registers");
    let ready = began.elapsed();
    let mut finished = 0;
    while finished < number {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if runcor.active() == 0 {
            finished = count(&runcor, ExecutionState::Complete).await;
        }
    }
    let all = began.elapsed();
    if number == 0 {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let memory = memory();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    json!({
        "opened": millis(opened), "ready": millis(ready), "all": millis(all), "memory": memory,
        "first": first.get().copied().map(millis), "finished": finished,
        "waiting": count(&runcor, ExecutionState::Waiting).await,
        "resumed": resume_one(&runcor).await,
    })
}

/// Answers one of those that wait, and returns whether it came to its end.
async fn resume_one(runcor: &Runcor) -> bool {
    let query = ExecutionQuery {
        state: Some(ExecutionState::Waiting),
        limit: 1,
        ..ExecutionQuery::default()
    };
    let page = runcor.executions(&query).await.expect("a page");
    let Some(waiting) = page.items.first() else { return false };
    runcor.resume(waiting.id(), Some(json!("yes"))).await.expect("it is resumed");
    let ended = runcor.finished(waiting.id()).await.expect("it ends");
    ended.state() == ExecutionState::Complete
}

fn memory() -> Option<f64> {
    resident_mib(std::process::id())
}
