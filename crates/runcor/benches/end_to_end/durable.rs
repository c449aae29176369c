//! Durable executions a second on SQLite, beside the flushes of the same disk.

use std::time::Duration;

use runcor::store::Durability;

use crate::disk::Flushes;
use crate::load::{rate, run, runtime, sqlite, start};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let dir = directory();
    let window = Duration::from_millis(options.size(400, 1_500));
    let mut flushes = Flushes::default();
    flushes.measure(dir.path(), window);
    for clients in [64, 256] {
        let best = best_rate(options, clients);
        flushes.measure(dir.path(), window);
        let name = format!("SQLite FULL, {clients} clients");
        let note = "trigger and completion each flushed before they are answered, two commits an \
                    execution; every client waits for the end of one before the next; best round";
        report.figure(&name, best, "1/s", Aim::AtLeast(5_000.0), note);
        let name = format!("SQLite FULL, {clients} clients, executions ÷ flushes of the disk");
        let note = "the rate above ÷ the disk's own for flushes over what is there";
        report.figure(&name, best / flushes.overwrite, "", Aim::None, note);
    }
    let note = "4 KiB and fdatasync, one after the other, in the same run; best window";
    report.figure("disk, append and flush", flushes.append, "1/s", Aim::None, note);
    let cached = "; no medium is that fast: a cache below the file system answers, so the figures \
                  on SQLite are those of this machine and not of one whose disk waits";
    let note =
        if flushes.overwrite > 5_000.0 { format!("{note}{cached}") } else { note.to_owned() };
    report.figure("disk, overwrite and flush", flushes.overwrite, "1/s", Aim::None, &note);
}

fn best_rate(options: &Options, clients: u64) -> f64 {
    let dir = directory();
    let total = options.size(8_000, 40_000);
    runtime().block_on(async {
        let runcor = start(sqlite(dir.path(), Durability::Full), 1_000).await;
        run(&runcor, clients, total / 10, 0).await;
        let mut best = 0.0_f64;
        for round in 1..=options.repeats() {
            best = best.max(rate(total, run(&runcor, clients, total, round * total).await));
        }
        runcor.shutdown().await.expect("it stops");
        best
    })
}
