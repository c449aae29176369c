//! Executions per second, trigger to complete, of a trivial flow in memory.
#![expect(clippy::expect_used, reason = "a bench that can not be set up has to stop")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runcor_core::{Flow, FlowContext, FlowName, FlowOutcome, Trigger};
use runcor_engine::{Engine, EngineConfig, EngineParts};
use runcor_store_memory::MemoryStore;
use serde_json::Value;

async fn engine() -> Engine {
    let parts = EngineParts {
        config: EngineConfig { concurrency: 1_000, ..EngineConfig::default() },
        ..EngineParts::new(Arc::new(MemoryStore::new()))
    };
    let engine = Engine::start(parts).await.expect("it starts");
    let name = FlowName::new("trivial").expect("a name");
    let trivial = Flow::new(name, async |_ctx: FlowContext| Ok(FlowOutcome::Complete(Value::Null)));
    engine.register(trivial).expect("it registers");
    engine
}

/// Lets `clients` run `total` executions in all, and returns how long it took.
async fn run(engine: &Engine, clients: u64, total: u64, first_key: u64) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for n in (client..total).step_by(usize::try_from(clients).unwrap_or(1)) {
                    let key = format!("key-{}", first_key + n);
                    engine.run("trivial", Trigger::new(key, Value::Null)).await.expect("it runs");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no client panics");
    }
    start.elapsed()
}

fn in_memory(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("in_memory_executions");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for (name, threads) in [("one_thread", 1), ("two_threads", 2)] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .expect("a runtime");
        for clients in [1_u64, 100, 1_000] {
            group.bench_function(BenchmarkId::new(name, clients), |bencher| {
                let engine = runtime.block_on(engine());
                let mut key = 0;
                bencher.iter_custom(|total| {
                    key += total;
                    let engine = engine.clone();
                    runtime.block_on(async move {
                        tokio::spawn(async move { run(&engine, clients, total, key - total).await })
                            .await
                            .expect("no panic")
                    })
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, in_memory);
criterion_main!(benches);
