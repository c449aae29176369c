//! What a trigger takes while more and more ended executions lie in the store.

use std::ops::Range;
use std::time::{Duration, Instant};

use runcor::engine::{Clock as _, SystemClock};
use runcor::execution::{Execution, ExecutionId, ExecutionSpec, IdempotencyKey};
use runcor::flow::FlowName;
use runcor::store::{Batch, Durability, MemoryStore, Store};
use runcor::{Runcor, Runtime as _};
use runcor_core::{Change, WorkerId};
use serde_json::json;

use crate::load::{FLOW, key, micros, percentile, runtime, sqlite, start, trigger};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

/// Where the keys of triggers begin, beyond those of the history.
const TRIGGERS: u64 = 1 << 40;
/// How many executions one batch brings.
const BATCH: u64 = 500;

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let sizes = options.size([0, 10_000, 100_000], [0, 100_000, 1_000_000]);
    runtime().block_on(async {
        in_memory(options, report, sizes).await;
        on_sqlite(options, report, sizes).await;
    });
}

async fn in_memory(options: &Options, report: &mut Report, sizes: [u64; 3]) {
    let runcor = start(MemoryStore::new(), 100).await;
    let mut medians = Vec::new();
    let mut stored = 0;
    for (n, size) in sizes.into_iter().enumerate() {
        let longest = fill(&**runcor.store(), stored..size).await;
        stored = size;
        if n == 2 {
            let note = "what others may have to wait for: tables that grow do so in one go";
            let name = format!("store in memory, longest batch of {BATCH} on the way to {size}");
            report.figure(&name, micros(longest) / 1e3, "ms", Aim::None, note);
        }
        let samples = options.size(20_000, 50_000);
        let times = latencies(&runcor, samples, TRIGGERS * (n as u64 + 1)).await;
        medians.push(tell(report, "memory", size, times));
    }
    flatness(report, "memory", &medians);
    runcor.shutdown().await.expect("it stops");
}

async fn on_sqlite(options: &Options, report: &mut Report, sizes: [u64; 3]) {
    let dir = directory();
    let mut medians = Vec::new();
    let mut stored = 0;
    for (n, size) in sizes.into_iter().enumerate() {
        // History is written without flushes, and measured with them.
        let store = sqlite(dir.path(), Durability::Memory);
        fill(&store, stored..size).await;
        store.close().await.expect("it closes");
        stored = size;
        let runcor = start(sqlite(dir.path(), Durability::Full), 100).await;
        let samples = options.size(500, 2_000);
        let times = latencies(&runcor, samples, TRIGGERS * (n as u64 + 1)).await;
        medians.push(tell(report, "SQLite FULL", size, times));
        runcor.shutdown().await.expect("it stops");
    }
    flatness(report, "SQLite FULL", &medians);
}

/// Writes ended executions as the engine would leave them, and returns the longest commit.
async fn fill(store: &dyn Store, numbers: Range<u64>) -> Duration {
    let mut longest = Duration::ZERO;
    let worker = WorkerId::mint(SystemClock.now());
    let mut next = numbers.start;
    while next < numbers.end {
        let until = (next + BATCH).min(numbers.end);
        let batch = (next..until).fold(Batch::new(), |batch, n| batch.insert(ended(n, worker)));
        let began = Instant::now();
        store.commit(batch).await.expect("a commit");
        longest = longest.max(began.elapsed());
        next = until;
    }
    longest
}

fn ended(n: u64, worker: WorkerId) -> Execution {
    let now = SystemClock.now();
    let flow = FlowName::new(FLOW).expect("a name");
    let key = IdempotencyKey::new(key(n)).expect("a key");
    let input = json!({ "topic": "weather", "city": "Lisbon", "days": 3 });
    let mut execution =
        Execution::queued(ExecutionSpec::new(ExecutionId::mint(now), flow, key, input, now));
    let expires = Some(now.after(Duration::from_secs(86_400)));
    let result = json!({ "text": "Sunny, with a light wind from the north." });
    for change in [Change::Claim { worker }, Change::Complete { result, expires }] {
        execution.status = execution.apply(change, now).expect("it is legal").status;
    }
    execution
}

/// Triggers one execution after the other; the time until its end is not counted.
async fn latencies(runcor: &Runcor, samples: u64, first: u64) -> Vec<Duration> {
    let runcor = runcor.clone();
    let task = tokio::spawn(async move {
        let mut times = Vec::new();
        let warmup = samples / 10;
        for n in 0..samples + warmup {
            let trigger = trigger(first + n);
            let began = Instant::now();
            let triggered = runcor.trigger(FLOW, trigger).await.expect("it is accepted");
            let time = began.elapsed();
            runcor.finished(triggered.execution.id()).await.expect("it ends");
            if n >= warmup {
                times.push(time);
            }
        }
        times
    });
    task.await.expect("no panic")
}

/// Reports the latencies beside one size of history, and returns their median.
fn tell(report: &mut Report, store: &str, size: u64, mut times: Vec<Duration>) -> f64 {
    let note = "one trigger after the other, until its acknowledgement";
    let median = micros(percentile(&mut times, 0.5));
    let p99 = micros(percentile(&mut times, 0.99));
    let name = format!("trigger, {store}, {size} ended executions");
    report.figure(&format!("{name}, median"), median, "µs", Aim::None, note);
    report.figure(&format!("{name}, p99"), p99, "µs", Aim::None, note);
    median
}

fn flatness(report: &mut Report, store: &str, medians: &[f64]) {
    if let (Some(empty), Some(full)) = (medians.first(), medians.last()) {
        let name = format!("trigger, {store}, median with the largest history ÷ without");
        report.figure(&name, full / empty, "", Aim::AtMost(1.1), "1 is flat");
    }
}
