//! Executions a second in memory, and whether the rate stays the same as they add up.

use std::time::Duration;

use runcor::engine::EngineConfig;
use runcor::store::MemoryStore;

use crate::load::{rate, run, runtime, runtime_of, start};
use crate::options::Options;
use crate::report::{Aim, Report};

const AIM: f64 = 100_000.0;

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let note = "trigger to complete, every client waits for the end of one before the next; \
                clients share the cores; best of several rounds";
    for clients in [1, 100, 1_000] {
        let best = best_rate(options, &runtime(), clients, 1_000);
        let name = format!("in memory, {clients} clients");
        report.figure(&name, best, "1/s", Aim::AtLeast(AIM), note);
    }
    let default = EngineConfig::default().concurrency;
    let best = best_rate(options, &runtime(), 1_000, default);
    let name = format!("in memory, 1000 clients, {default} slots: most are queued");
    report.figure(&name, best, "1/s", Aim::None, note);
    let best = best_rate(options, &runtime_of(1), 100, 1_000);
    report.figure("in memory, 100 clients, one thread for all", best, "1/s", Aim::None, note);
    tenths(options, report);
}

fn best_rate(
    options: &Options,
    tokio: &tokio::runtime::Runtime,
    clients: u64,
    slots: usize,
) -> f64 {
    let total = options.size(50_000, 200_000);
    tokio.block_on(async {
        let runcor = start(MemoryStore::new(), slots).await;
        run(&runcor, clients, total / 10, 0).await;
        let mut best = 0.0_f64;
        for round in 1..=options.repeats() {
            best = best.max(rate(total, spawned(&runcor, clients, total, round * total).await));
        }
        runcor.shutdown().await.expect("it stops");
        best
    })
}

/// The first and the last tenth of a million executions, none of which is forgotten.
fn tenths(options: &Options, report: &mut Report) {
    let tenth = options.size(20_000, 100_000);
    let (mut first, mut last) = (0.0_f64, 0.0_f64);
    for _ in 0..options.repeats() {
        let rates = rates_of_tenths(tenth);
        first = first.max(rates.first().copied().unwrap_or_default());
        last = last.max(rates.last().copied().unwrap_or_default());
    }
    let note = format!("100 clients, {} executions kept in the end; best round", 10 * tenth);
    report.figure("in memory, first tenth", first, "1/s", Aim::None, &note);
    report.figure("in memory, last tenth", last, "1/s", Aim::None, &note);
    report.figure(
        "in memory, last tenth ÷ first tenth",
        last / first,
        "",
        Aim::AtLeast(1.0),
        &note,
    );
}

fn rates_of_tenths(tenth: u64) -> Vec<f64> {
    runtime().block_on(async {
        let runcor = start(MemoryStore::new(), 1_000).await;
        run(&runcor, 100, 10_000, 10 * tenth).await;
        let mut rates = Vec::new();
        for n in 0..10 {
            rates.push(rate(tenth, spawned(&runcor, 100, tenth, n * tenth).await));
        }
        runcor.shutdown().await.expect("it stops");
        rates
    })
}

/// Runs from a task, as an application does; `block_on` itself is on no worker's thread.
async fn spawned(runcor: &runcor::Runcor, clients: u64, total: u64, first: u64) -> Duration {
    let runcor = runcor.clone();
    tokio::spawn(async move { run(&runcor, clients, total, first).await })
        .await
        .expect("no client panics")
}
