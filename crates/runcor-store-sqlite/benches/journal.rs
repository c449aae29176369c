//! Durable steps: how many a second, what the thousandth costs, how journals are read and packed.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking and documents itself")]

mod bed;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runcor_core::{
    Batch, Change, Clock, Execution, ExecutionId, JournalEntry, JournalKind, Op, Store,
    SystemClock, Timestamp, WorkerId,
};
use runcor_store_sqlite::{Durability, SqliteStore};
use serde_json::{Value, json};

use bed::{Bench, place, runtime, settings};
use work::{completion, fresh};

/// Inserts an execution that `worker` has claimed.
async fn begin(store: &SqliteStore, worker: WorkerId) -> Execution {
    let mut execution = fresh();
    let applied = execution.apply(Change::Claim { worker }, SystemClock.now()).unwrap();
    execution.status = applied.status;
    let insert = Batch::new().insert(execution.clone()).emit_all(applied.events);
    store.commit(insert).await.unwrap();
    execution
}

async fn step(store: &SqliteStore, execution: &Execution, n: usize, value: Value) {
    let path = format!("step#{n}");
    let entry = JournalEntry::done(path, JournalKind::Step, value, SystemClock.now());
    store.commit(Batch::new().journal(execution, entry)).await.unwrap();
}

async fn end(store: &SqliteStore, execution: &Execution) {
    let applied = execution.apply(completion(), SystemClock.now()).unwrap();
    store.commit(Batch::new().update(execution, applied)).await.unwrap();
}

fn small(n: usize) -> Value {
    json!({ "receipt": n, "state": "charged", "by": "card" })
}

/// Words like those of an answer, so that they can be packed like one.
fn text(bytes: usize) -> Value {
    let words = ["the", "model", "says", "that", "refund", "order", "is", "due", "because", "of"];
    let mut seed = 1_usize;
    let mut text = String::with_capacity(bytes + 10);
    while text.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        text.push_str(words[(seed >> 40) % words.len()]);
        text.push(' ');
    }
    json!({ "text": text })
}

async fn flow_of(store: Arc<SqliteStore>, worker: WorkerId, steps: usize) {
    let execution = begin(&store, worker).await;
    for n in 1..=steps {
        step(&store, &execution, n, small(n)).await;
    }
    end(&store, &execution).await;
}

async fn one_step(store: Arc<SqliteStore>, worker: WorkerId) {
    flow_of(store, worker, 1).await;
}

async fn nine_steps(store: Arc<SqliteStore>, worker: WorkerId) {
    flow_of(store, worker, 9).await;
}

/// Whole executions: three commits with one step, eleven with nine.
fn flows(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("executions");
    group.throughput(Throughput::Elements(1));
    for clients in [64_u64, 256] {
        let bench = Bench::new(Durability::Full);
        group.bench_function(BenchmarkId::new("one-step", clients), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(clients, count, one_step)));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("steps");
    group.throughput(Throughput::Elements(9));
    for clients in [64_u64, 256] {
        let bench = Bench::new(Durability::Full);
        group.bench_function(BenchmarkId::new("in-flows-of-nine", clients), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(clients, count, nine_steps)));
        });
    }
    group.finish();
}

/// The cost of a step after so many others of the same execution; it must not grow.
fn growth(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("step");
    for before in [10_usize, 1_000, 10_000] {
        let bench = Bench::new(Durability::Memory);
        group.bench_function(BenchmarkId::new("after", before), |b| {
            b.iter_custom(|count| runtime.block_on(steps_after(&bench, before, count)));
        });
    }
    group.finish();
}

/// Measures steps in portions of a hundred, each in a new execution with `before` steps.
async fn steps_after(bench: &Bench, before: usize, count: u64) -> Duration {
    let store = &bench.store;
    let (mut spent, mut left) = (Duration::ZERO, count);
    while left > 0 {
        let execution = begin(store, bench.worker).await;
        let mut batch = Batch::new();
        for n in 1..=before {
            let path = format!("step#{n}");
            let entry = JournalEntry::done(path, JournalKind::Step, small(n), Timestamp::default());
            batch = batch.journal(&execution, entry);
        }
        store.commit(batch).await.unwrap();
        // The log of so large a batch is written back before the next one is served.
        for n in 1..=5 {
            step(store, &execution, before + n, small(n)).await;
        }
        let portion = left.min(100);
        let began = Instant::now();
        for n in 6..=5 + usize::try_from(portion).unwrap() {
            step(store, &execution, before + n, small(n)).await;
        }
        spent += began.elapsed();
        left -= portion;
    }
    spent
}

async fn journal_of(
    store: &SqliteStore,
    worker: WorkerId,
    steps: usize,
    bytes: usize,
) -> Execution {
    let execution = begin(store, worker).await;
    let value = text(bytes);
    for n in 1..=steps {
        step(store, &execution, n, value.clone()).await;
    }
    execution
}

/// Reading a whole journal of a thousand steps, and one result of it.
fn reads(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("journal-of-1000");
    for bytes in [100_usize, 1_000, 4_000, 8_000, 16_000] {
        let bench = Bench::new(Durability::Memory);
        let id = runtime.block_on(journal_of(&bench.store, bench.worker, 1_000, bytes)).id();
        group.bench_function(BenchmarkId::new("read", bytes), |b| {
            b.iter(|| runtime.block_on(bench.store.journal(id)).unwrap());
        });
        group.bench_function(BenchmarkId::new("one-value", bytes), |b| {
            b.iter(|| runtime.block_on(bench.store.journal_value(id, "step#500")).unwrap());
        });
    }
    group.finish();
}

async fn ended(bench: &Bench, count: usize, steps: usize, bytes: usize) -> Vec<ExecutionId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let execution = journal_of(&bench.store, bench.worker, steps, bytes).await;
        end(&bench.store, &execution).await;
        ids.push(execution.id());
    }
    ids
}

/// Packing: its price for one execution, and on standard error what it saves.
fn packing(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("packing");
    for (steps, bytes) in [(1_usize, 60_usize), (9, 60), (9, 2_000), (9, 20_000)] {
        let bench = Bench::new(Durability::Memory);
        group.bench_function(format!("{steps}-steps-of-{bytes}"), |b| {
            b.iter_custom(|count| {
                let count = usize::try_from(count).unwrap();
                runtime.block_on(ended(&bench, count, steps, bytes));
                let op = Op::Compact { ended_before: Timestamp::MAX, limit: count };
                let began = Instant::now();
                runtime.block_on(bench.store.commit(Batch::new().with(op))).unwrap();
                began.elapsed()
            });
        });
        let saved = runtime.block_on(saving(steps, bytes));
        eprintln!("packing {steps} steps of {bytes} bytes: {saved}");
    }
    group.finish();
}

/// Tells the bytes that journals take, loose and packed.
async fn saving(steps: usize, bytes: usize) -> String {
    let bench = Bench::new(Durability::Memory);
    let ids = ended(&bench, 200, steps, bytes).await;
    let count = |what: &str| -> i64 {
        let conn = rusqlite::Connection::open(bench.path()).unwrap();
        conn.query_row(&format!("SELECT {what}"), [], |row| row.get(0)).unwrap()
    };
    let used = || {
        count("(page_count - freelist_count) * 4096 FROM pragma_page_count, pragma_freelist_count")
    };
    let before = used();
    let read = Instant::now();
    bench.store.journal(ids[7]).await.unwrap();
    let loose = read.elapsed();
    let op = Op::Compact { ended_before: Timestamp::MAX, limit: 200 };
    bench.store.commit(Batch::new().with(op)).await.unwrap();
    let read = Instant::now();
    bench.store.journal(ids[7]).await.unwrap();
    let packed = read.elapsed();
    let of_each = |bytes: i64| bytes / 200;
    format!(
        "{} bytes an execution before, {} after; read in {loose:?} before, {packed:?} after ({})",
        of_each(before),
        of_each(used()),
        place().display(),
    )
}

criterion_group! { name = benches; config = settings(); targets = flows, growth, reads, packing }
criterion_main!(benches);
