//! Trigger requests a second over HTTP.

mod client;

use std::sync::Arc;
use std::time::{Duration, Instant};

use runcor::Runcor;
use runcor::execution::ExecutionState;
use runcor::http::{HttpConfig, HttpParts, Server};
use runcor::store::{Durability, MemoryStore};

use self::client::Load;
use crate::load::{count, micros, percentile, rate, runtime, sqlite, start};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

const CONNECTIONS: u64 = 64;

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let tokio = runtime();
    let runcor = tokio.block_on(start(MemoryStore::new(), 1_000));
    tokio.block_on(serve(options, report, "memory", 15_000.0, &runcor));
    let dir = directory();
    let runcor = tokio.block_on(start(sqlite(dir.path(), Durability::Full), 1_000));
    tokio.block_on(serve(options, report, "SQLite FULL", 5_000.0, &runcor));
}

async fn serve(options: &Options, report: &mut Report, store: &str, aim: f64, runcor: &Runcor) {
    let config = HttpConfig { port: 0, ..HttpConfig::default() };
    let parts = HttpParts::new(Arc::new(runcor.engine().clone()));
    let server = Server::bind(config, parts).await.expect("a port").start();
    let (mut best, mut sent, mut latencies) = (0.0_f64, 0, Vec::new());
    for round in 0..options.repeats() {
        let time = Duration::from_millis(options.size(1_000, 3_000));
        let load = Load { address: server.local_addr(), first: round << 32, time };
        let began = Instant::now();
        let done = load.run(CONNECTIONS).await;
        settle(runcor).await;
        sent += done.len() as u64;
        let rate = rate(done.len() as u64, began.elapsed());
        if rate > best {
            (best, latencies) = (rate, done);
        }
    }
    let note = "64 keep-alive connections, one request at a time each; the clients have a thread \
                of this process and so one of the cores; the executions' ends are included";
    let name = format!("HTTP triggers, {store}");
    report.figure(&name, best, "1/s", Aim::AtLeast(aim), note);
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        let value = micros(percentile(&mut latencies, share));
        let name = format!("HTTP triggers, {store}, {name} of the answer's time");
        report.figure(&name, value, "µs", Aim::None, "closed loop: under full load");
    }
    let complete = count(runcor, ExecutionState::Complete).await;
    if complete != sent {
        report.fail(&format!("{sent} requests were answered and {complete} executions completed"));
    }
    server.stop().await;
    runcor.shutdown().await.expect("it stops");
}

/// Waits until everything has run.
async fn settle(runcor: &Runcor) {
    while runcor.active() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
