//! How long a flow of three steps takes where there is nothing else to do.

use std::time::{Duration, Instant};

use runcor::store::Durability;

use crate::disk::flush_times;
use crate::flows;
use crate::load::{micros, percentile, runtime, sqlite, start, trigger};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

/// The steps of the flow.
const STEPS: u32 = 3;
/// How long the machine rests between two executions.
const REST: Duration = Duration::from_millis(2);

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let dir = directory();
    let samples = options.size(300, 2_000);
    let mut flushes = flush_times(dir.path(), samples);
    let mut times = latencies(samples);
    flushes.extend(flush_times(dir.path(), samples));

    let note = "4 KiB over what is there and fdatasync, with the same rest between two, before \
                and after";
    let flush = tell(report, "disk, one flush", &mut flushes, note);
    let note = "one at a time, 2 ms of rest between two; from the call to the end, which is five \
                flushes one after the other: trigger, three results, completion";
    let flow = tell(report, "SQLite FULL, flow of 3 steps", &mut times, note);
    for (share, flow, flush) in [("median", flow.0, flush.0), ("p99", flow.1, flush.1)] {
        let note = "1 is three flushes and nothing else; five flushes are 1.67";
        let name = format!("flow of 3 steps, {share} ÷ three times the disk's");
        report.figure(&name, flow / (3.0 * flush), "", Aim::None, note);
    }
    let note = "what the median has beyond three times the disk's own median";
    let beyond = (flow.0 - 3.0 * flush.0) / 1e3;
    report.figure("flow of 3 steps beyond three flushes", beyond, "ms", Aim::AtMost(0.3), note);
}

fn latencies(samples: usize) -> Vec<Duration> {
    let dir = directory();
    runtime().block_on(async {
        let runcor = start(sqlite(dir.path(), Durability::Full), 100).await;
        let flow = flows::of_steps(STEPS, 0);
        let name = flow.info.name.clone();
        runcor.register(flow).expect("it registers");
        let client = runcor.clone();
        let task = tokio::spawn(async move {
            let mut times = Vec::new();
            let warmup = samples / 10;
            for n in 0..samples + warmup {
                tokio::time::sleep(REST).await;
                let began = Instant::now();
                client.run(name.as_str(), trigger(n as u64)).await.expect("it runs");
                if n >= warmup {
                    times.push(began.elapsed());
                }
            }
            times
        });
        let times = task.await.expect("no panic");
        runcor.shutdown().await.expect("it stops");
        times
    })
}

/// Reports the median and p99, and returns them in microseconds.
fn tell(report: &mut Report, name: &str, times: &mut [Duration], note: &str) -> (f64, f64) {
    let median = micros(percentile(times, 0.5));
    let p99 = micros(percentile(times, 0.99));
    report.figure(&format!("{name}, median"), median, "µs", Aim::None, note);
    report.figure(&format!("{name}, p99"), p99, "µs", Aim::None, note);
    (median, p99)
}
