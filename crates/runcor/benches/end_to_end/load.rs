//! The load: a trivial flow, and clients that run it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runcor::engine::EngineConfig;
use runcor::execution::{ExecutionQuery, ExecutionState};
use runcor::flow::{FlowName, FlowOutcome};
use runcor::store::{Durability, SqliteConfig, SqliteStore, Store};
use runcor::{Flow, FlowContext, Runcor, Runtime as _, Trigger};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// The flow that does nothing.
pub(crate) const FLOW: &str = "trivial";

/// Makes a runtime with as many threads as the machine has cores, at least two.
pub(crate) fn runtime() -> Runtime {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    runtime_of(cores.max(2))
}

/// Makes a runtime with a number of threads.
pub(crate) fn runtime_of(threads: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .expect("a tokio runtime")
}

/// Starts a runtime with the trivial flow that runs `concurrency` handlers at once.
pub(crate) async fn start(store: impl Store + 'static, concurrency: usize) -> Runcor {
    let limits = EngineConfig { concurrency, ..EngineConfig::default() };
    let runcor = Runcor::builder().store(store).limits(limits).start().await.expect("it starts");
    let name = FlowName::new(FLOW).expect("a name");
    let trivial = Flow::new(name, async |_: FlowContext| Ok(FlowOutcome::Complete(Value::Null)));
    runcor.register(trivial).expect("it registers");
    runcor
}

/// Opens the SQLite store in `dir`.
pub(crate) fn sqlite(dir: &Path, durability: Durability) -> SqliteStore {
    let config = SqliteConfig { durability, ..SqliteConfig::default() };
    SqliteStore::open(dir.join("bench.db"), config).expect("the store opens")
}

/// Returns the `n`th key; keys are scattered, as those of callers are.
pub(crate) fn key(n: u64) -> String {
    // A multiplication by an odd number gives every n another key.
    format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Makes a trigger with the `n`th key.
pub(crate) fn trigger(n: u64) -> Trigger {
    Trigger::new(key(n), Value::Null)
}

/// Lets `clients` run `total` executions in all, each waiting for the end of
/// one before it triggers the next, and returns how long it took.
pub(crate) async fn run(runcor: &Runcor, clients: u64, total: u64, first: u64) -> Duration {
    run_flow(runcor, FLOW, clients, total, first).await
}

/// As [`run`], with another flow.
pub(crate) async fn run_flow(
    runcor: &Runcor,
    flow: &str,
    clients: u64,
    total: u64,
    first: u64,
) -> Duration {
    let flow: Arc<str> = flow.into();
    spread(runcor, clients, total, move |runcor, n| {
        let flow = Arc::clone(&flow);
        async move {
            runcor.run(&flow, trigger(first + n)).await.expect("it runs");
        }
    })
    .await
}

/// Lets `clients` do `total` pieces of work in all, each one after the other,
/// and returns how long it took.
pub(crate) async fn spread<F>(
    runcor: &Runcor,
    clients: u64,
    total: u64,
    work: impl Fn(Runcor, u64) -> F + Clone + Send + 'static,
) -> Duration
where
    F: Future<Output = ()> + Send,
{
    let step = usize::try_from(clients).expect("not that many clients");
    let began = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let (runcor, work) = (runcor.clone(), work.clone());
            tokio::spawn(async move {
                for n in (client..total).step_by(step) {
                    work(runcor.clone(), n).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no client panics");
    }
    began.elapsed()
}

/// Counts what the store holds in a state.
pub(crate) async fn count(runcor: &Runcor, state: ExecutionState) -> u64 {
    let mut query =
        ExecutionQuery { state: Some(state), limit: 1_000, ..ExecutionQuery::default() };
    let mut count = 0;
    loop {
        let page = runcor.executions(&query).await.expect("a page");
        count += page.items.len() as u64;
        match page.next {
            Some(next) => query.after = Some(next),
            None => return count,
        }
    }
}

/// Returns how many a second that is.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Returns the value below which a share of the samples lies; it sorts them.
pub(crate) fn percentile(samples: &mut [Duration], share: f64) -> Duration {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    samples.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// Returns a time in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
