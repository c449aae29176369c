//! What one execution costs the store: insert, claim and complete, with its three events.
//!
//! The cycle is measured on an empty store and on one that holds a million
//! ended executions; both should cost the same. A claim is also measured from
//! a backlog of a hundred thousand.

#![expect(clippy::expect_used, reason = "a bench stops at what it does not expect")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use runcor_core::{
    Batch, Change, ClaimRequest, Execution, ExecutionId, ExecutionSpec, FlowName, IdempotencyKey,
    Op, Store, Timestamp, WorkerId,
};
use runcor_store_memory::MemoryStore;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const STORED: usize = 1_000_000;
const BACKLOG: usize = 100_000;

/// What the cycles share.
struct Bench {
    runtime: Runtime,
    store: MemoryStore,
    worker: WorkerId,
    flow: FlowName,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            store: MemoryStore::new(),
            worker: WorkerId::mint(NOW),
            flow: FlowName::new("bench").expect("a name"),
        };
        bench.commit(Batch::new().with(Op::Lease { worker: bench.worker, until: Timestamp::MAX }));
        bench
    }

    fn commit(&self, batch: Batch) {
        self.runtime.block_on(self.store.commit(batch)).expect("a commit");
    }

    fn execution(&self) -> Execution {
        let id = ExecutionId::mint(NOW);
        let key = IdempotencyKey::new(id.to_string()).expect("a key");
        let input = json!({ "name": "Ada", "n": 7 });
        Execution::queued(ExecutionSpec::new(id, self.flow.clone(), key, input, NOW))
    }

    fn completion(&self, execution: &Execution) -> Batch {
        let change = Change::Complete { result: json!({ "ok": true }), expires: None };
        let applied = execution.apply(change, NOW).expect("a completion");
        Batch::new().update(execution, applied)
    }

    fn claim(&self, limit: usize) -> usize {
        let flows = vec![self.flow.clone()];
        let request = ClaimRequest { worker: self.worker, now: NOW, limit, flows };
        self.runtime.block_on(self.store.claim(request)).expect("claims").len()
    }

    /// Insert, claim and complete, as the engine does for a trigger that must queue.
    fn cycle(&self, execution: Execution) {
        self.runtime.block_on(async {
            self.store.commit(Batch::new().insert(execution)).await.expect("an insert");
            let flows = vec![self.flow.clone()];
            let request = ClaimRequest { worker: self.worker, now: NOW, limit: 1, flows };
            for claim in self.store.claim(request).await.expect("a claim") {
                let completion = self.completion(&claim.execution);
                self.store.commit(completion).await.expect("a completion");
            }
        });
    }

    fn fill(&self, count: usize) {
        for _ in 0..count {
            self.cycle(self.execution());
        }
    }
}

fn cycles(c: &mut Criterion) {
    let mut group = c.benchmark_group("cycle");
    group.throughput(Throughput::Elements(1));
    for (name, stored) in [("empty", 0), ("million", STORED)] {
        let bench = Bench::new();
        bench.fill(stored);
        group.bench_function(name, |b| {
            b.iter_batched(
                || bench.execution(),
                |execution| bench.cycle(black_box(execution)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn backlog(c: &mut Criterion) {
    let mut group = c.benchmark_group("claim");
    group.throughput(Throughput::Elements(1));
    let bench = Bench::new();
    // What is claimed is replaced, so that the backlog keeps its length.
    for _ in 0..BACKLOG {
        bench.commit(Batch::new().insert(bench.execution()));
    }
    group.bench_function("backlog", |b| {
        b.iter_batched(
            || bench.commit(Batch::new().insert(bench.execution())),
            |()| bench.claim(black_box(1)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, cycles, backlog);
criterion_main!(benches);
