//! Durable executions a second, beside the flushes of the same disk.
//!
//! One execution is two commits: it is inserted already claimed with one
//! event, and it completes with two. `raw/append+fdatasync` is what the disk
//! does in the same run; read every other number as a multiple of it.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking and documents itself")]

mod bed;
mod work;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runcor_core::{
    Batch, Change, Clock, Execution, ExecutionQuery, FlowName, Store, SystemClock, WorkerId,
};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};

use bed::{Bench, place, runtime, settings};
use work::{completion, fresh};

/// Fills in `count` finished executions.
async fn fill(bench: &Bench, count: u64) {
    let mut done = 0;
    while done < count {
        let mut batch = Batch::new();
        for _ in 0..500 {
            let mut execution = fresh();
            execution.status = finished(&mut execution.clone(), bench.worker);
            batch = batch.insert(execution);
        }
        bench.store.commit(batch).await.unwrap();
        done += 500;
    }
}

fn finished(execution: &mut Execution, worker: WorkerId) -> runcor_core::ExecutionStatus {
    let now = SystemClock.now();
    execution.status = execution.apply(Change::Claim { worker }, now).unwrap().status;
    execution.apply(completion(), now).unwrap().status
}

async fn cycle(store: Arc<SqliteStore>, worker: WorkerId) {
    let mut execution = fresh();
    let applied = execution.apply(Change::Claim { worker }, SystemClock.now()).unwrap();
    execution.status = applied.status;
    let insert = Batch::new().insert(execution.clone()).emit_all(applied.events);
    store.commit(insert).await.unwrap();
    let applied = execution.apply(completion(), SystemClock.now()).unwrap();
    store.commit(Batch::new().update(&execution, applied)).await.unwrap();
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
                b.iter_custom(|count| runtime.block_on(bench.run(clients, count, cycle)));
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
        runtime.block_on(fill(&bench, finished));
        group.bench_function(BenchmarkId::new("cycle", finished), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(1, count, cycle)));
        });
        group.bench_function(BenchmarkId::new("cycle-of-64", finished), |b| {
            b.iter_custom(|count| runtime.block_on(bench.run(64, count, cycle)));
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

criterion_group! { name = benches; config = settings(); targets = disk, cycles, reads, flatness }
criterion_main!(benches);
