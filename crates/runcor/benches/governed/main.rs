//! What governance costs: a model call and an execution, with one part of it after the other.
//!
//! ```sh
//! cargo bench -p runcor --features full --bench governed             # criterion's report
//! cargo bench -p runcor --features full --bench governed -- figures  # medians, one run
//! cargo bench -p runcor --features full --bench governed -- commits  # SQLite's commits
//! ```
//!
//! Every stage has all that the stages before it have, see [`bed::Stage`].

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its tables are for people")]

mod bed;
mod commits;
mod figures;
mod load;

use std::time::Duration;

use criterion::{Criterion, criterion_group};
use runcor::store::MemoryStore;
use tokio::runtime::{Builder, Runtime};

use crate::bed::{Bed, Stage};

/// The calls of one execution of the flow that is measured from inside.
const CALLS: u64 = 500;

/// Makes a runtime of a single thread, so that all work is in the time.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// One model call of a flow that makes many.
fn call(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("call");
    group.bench_function("bare provider", |bench| {
        bench.iter_custom(|calls| runtime.block_on(load::bare(calls)).iter().sum::<u64>().nanos());
    });
    for stage in Stage::ALL {
        group.bench_function(stage.name(), |bench| {
            bench.iter_custom(|calls| runtime.block_on(calls_of(stage, calls)));
        });
    }
    group.finish();
}

async fn calls_of(stage: Stage, calls: u64) -> Duration {
    let bed = Bed::start(stage, MemoryStore::new(), 0).await;
    let mut took = 0;
    for n in (0..calls).step_by(usize::try_from(CALLS).unwrap_or(1)) {
        bed.run(CALLS.min(calls - n)).await;
        took += bed.take_samples().iter().sum::<u64>();
    }
    bed.stop().await;
    took.nanos()
}

/// One execution with one model call, and whatever is done about it afterwards.
fn execution(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("execution");
    for stage in Stage::ALL {
        group.bench_function(stage.name(), |bench| {
            bench.iter_custom(|count| {
                runtime.block_on(async {
                    let bed = Bed::start(stage, MemoryStore::new(), 0).await;
                    let whole = load::executions(&bed, count).await.whole;
                    bed.stop().await;
                    whole
                })
            });
        });
    }
    group.finish();
}

trait Nanos {
    fn nanos(self) -> Duration;
}

impl Nanos for u64 {
    fn nanos(self) -> Duration {
        Duration::from_nanos(self)
    }
}

criterion_group!(benches, call, execution);

fn main() {
    let part = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    match part.as_deref() {
        Some("figures") => figures::print(),
        Some("commits") => commits::print(),
        Some("profile") => figures::profile(),
        _ => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
    }
}
