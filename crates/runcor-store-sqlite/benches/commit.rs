//! Durable executions a second, beside the flushes of the same disk.
//!
//! One execution is two commits: it is inserted already claimed with one
//! event, and it completes with two. `raw/append+fdatasync` is what the disk
//! does in the same run; read every other number as a multiple of it.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking and documents itself")]

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runcor_core::{
    Batch, Change, Clock, Execution, ExecutionId, ExecutionQuery, ExecutionSpec, FlowName,
    IdempotencyKey, Store, SystemClock, WorkerId,
};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

static KEYS: AtomicU64 = AtomicU64::new(0);

struct Bench {
    // In this order: the store goes before its directory.
    store: Arc<SqliteStore>,
    worker: WorkerId,
    dir: TempDir,
}

impl Bench {
    fn new(durability: Durability) -> Self {
        let dir = tempfile::tempdir_in(place()).unwrap();
        let config = SqliteConfig { durability, ..SqliteConfig::default() };
        let store = Arc::new(SqliteStore::open(dir.path().join("bench.db"), config).unwrap());
        Self { store, worker: WorkerId::mint(SystemClock.now()), dir }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("bench.db")
    }

    /// Runs `count` executions to their end, by `clients` at once.
    async fn run(&self, clients: u64, count: u64) -> Duration {
        let left = Arc::new(AtomicU64::new(count));
        let began = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let (store, left, worker) =
                    (Arc::clone(&self.store), Arc::clone(&left), self.worker);
                tokio::spawn(async move {
                    while left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                        .is_ok()
                    {
                        cycle(&store, worker).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        began.elapsed()
    }

    /// Fills in `count` finished executions.
    async fn history(&self, count: u64) {
        let mut done = 0;
        while done < count {
            let mut batch = Batch::new();
            for _ in 0..500 {
                let mut execution = fresh();
                execution.status = finished(&mut execution.clone(), self.worker);
                batch = batch.insert(execution);
            }
            self.store.commit(batch).await.unwrap();
            done += 500;
        }
    }
}

/// The directory to measure in: `RUNCOR_BENCH_DIR`, or the temporary one.
fn place() -> std::path::PathBuf {
    std::env::var_os("RUNCOR_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into)
}

fn fresh() -> Execution {
    let now = SystemClock.now();
    let key = KEYS.fetch_add(1, Ordering::Relaxed);
    Execution::queued(ExecutionSpec::new(
        ExecutionId::mint(now),
        FlowName::new("morning-brief").unwrap(),
        IdempotencyKey::new(format!(
            "request-{key:x}-{:016x}",
            key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ))
        .unwrap(),
        json!({ "topic": "weather", "city": "Lisbon", "days": 3, "units": ["C", "mm"] }),
        now,
    ))
}

fn finished(execution: &mut Execution, worker: WorkerId) -> runcor_core::ExecutionStatus {
    let now = SystemClock.now();
    execution.status = execution.apply(Change::Claim { worker }, now).unwrap().status;
    execution.apply(completion(), now).unwrap().status
}

fn completion() -> Change {
    Change::Complete {
        result: json!({ "text": "Sunny, with a light wind from the north.", "tokens": 132 }),
        expires: Some(SystemClock.now().after(Duration::from_secs(3_600))),
    }
}

async fn cycle(store: &SqliteStore, worker: WorkerId) {
    let mut execution = fresh();
    let applied = execution.apply(Change::Claim { worker }, SystemClock.now()).unwrap();
    execution.status = applied.status;
    let insert = Batch::new().insert(execution.clone()).emit_all(applied.events);
    store.commit(insert).await.unwrap();
    let applied = execution.apply(completion(), SystemClock.now()).unwrap();
    store.commit(Batch::new().update(&execution, applied)).await.unwrap();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn disk(c: &mut Criterion) {
    let dir = tempfile::tempdir_in(place()).unwrap();
    let mut file = File::create(dir.path().join("raw")).unwrap();
    let mut group = c.benchmark_group("raw");
    group.throughput(Throughput::Elements(1));
    group.bench_function("append+fdatasync", |b| {
        b.iter(|| {
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
        });
    });
    group.finish();
}

fn cycles(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("cycles");
    group.throughput(Throughput::Elements(1));
    for durability in [Durability::Full, Durability::Normal, Durability::Memory] {
        for clients in [1_u64, 64, 256] {
            let bench = Bench::new(durability);
            let name = format!("{durability:?}").to_lowercase();
            group.bench_function(BenchmarkId::new(name, clients), |b| {
                b.iter_custom(|count| runtime.block_on(bench.run(clients, count)));
            });
        }
    }
    group.finish();
}

fn flatness(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("history");
    for finished in [0_u64, 100_000, 1_000_000] {
        let mut bench = Bench::new(Durability::Full);
        runtime.block_on(bench.history(finished));
        group.bench_function(BenchmarkId::new("cycle", finished), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(1, count)));
        });
        group.bench_function(BenchmarkId::new("cycle-of-64", finished), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(64, count)));
        });
        let path = bench.path();
        group.bench_function(BenchmarkId::new("reopen", finished), |b| {
            b.iter(|| {
                runtime.block_on(bench.store.close()).unwrap();
                bench.store = Arc::new(SqliteStore::open(&path, SqliteConfig::default()).unwrap());
            });
        });
        let query = ExecutionQuery {
            state: Some(runcor_core::ExecutionState::Complete),
            flow: FlowName::new("morning-brief").ok(),
            order: runcor_core::Order::Newest,
            ..ExecutionQuery::default()
        };
        group.bench_function(BenchmarkId::new("page-of-50", finished), |b| {
            b.iter(|| runtime.block_on(bench.store.executions(&query)).unwrap());
        });
        group.bench_function(BenchmarkId::new("next-due", finished), |b| {
            b.iter(|| runtime.block_on(bench.store.next_due(SystemClock.now())).unwrap());
        });
    }
    group.finish();
}

/// A read of one record on the caller's thread, and one of nothing by way of a blocking thread.
fn reads(c: &mut Criterion) {
    let runtime = runtime();
    let bench = Bench::new(Durability::Full);
    let execution = fresh();
    let (id, insert) = (execution.id(), Batch::new().insert(execution));
    runtime.block_on(bench.store.commit(insert)).unwrap();
    let mut group = c.benchmark_group("reads");
    group.bench_function("record-here", |b| {
        b.iter(|| runtime.block_on(bench.store.execution(id)).unwrap());
    });
    group.bench_function("empty-journal-aside", |b| {
        b.iter(|| runtime.block_on(bench.store.journal(id)).unwrap());
    });
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

criterion_group! { name = benches; config = settings(); targets = disk, cycles, reads, flatness }
criterion_main!(benches);
