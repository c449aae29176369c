//! How many commits governance needs on SQLite, and how many flushes they share.

#![expect(clippy::cast_precision_loss, reason = "few things are counted")]

use std::fmt;
use std::path::PathBuf;

use runcor::store::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

use crate::bed::{Bed, Stage};
use crate::runtime;

/// The calls by which an execution differs from one without any.
const CALLS: u64 = 20;
/// How often each execution is run.
const RUNS: u64 = 10;

/// Makes a directory on a real disk: under `RUNCOR_BENCH_DIR`, or in the target directory.
pub(crate) fn directory() -> TempDir {
    let place = std::env::var_os("RUNCOR_BENCH_DIR");
    let place = place.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    tempfile::tempdir_in(place).expect("a directory to measure in")
}

/// What one execution needs.
struct Needs {
    commits: f64,
    flushes: f64,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2})", self.commits, self.flushes)
    }
}

/// Prints the table.
pub(crate) fn print() {
    println!("| commits (flushes) on SQLite | one more call | an execution without | with one |");
    println!("|---|--:|--:|--:|");
    for pauses in [0, 3] {
        for stage in Stage::ALL {
            let [none, one, many] = [0, 1, CALLS].map(|calls| needs(stage, pauses, calls));
            let more = CALLS as f64 - 1.0;
            let call = Needs {
                commits: (many.commits - one.commits) / more,
                flushes: (many.flushes - one.flushes) / more,
            };
            let waits = if pauses == 0 { "" } else { ", a provider that waits" };
            println!("| {}{waits} | {call} | {none} | {one} |", stage.name());
        }
    }
}

/// Counts what an execution with so many calls needs, on the average of some.
fn needs(stage: Stage, pauses: u32, calls: u64) -> Needs {
    let dir = directory();
    let path = dir.path().join("bench.db");
    runtime().block_on(async {
        let store = SqliteStore::open(path, SqliteConfig::default()).expect("the store opens");
        let statistics = store.statistics();
        let bed = Bed::start(stage, store, pauses).await;
        bed.run(calls).await;
        bed.settle().await;
        let (commits, flushes) = (statistics.commits(), statistics.transactions());
        for _ in 0..RUNS {
            bed.run(calls).await;
            bed.settle().await;
        }
        let each = |more: u64| more as f64 / RUNS as f64;
        let commits = each(statistics.commits() - commits);
        let flushes = each(statistics.transactions() - flushes);
        bed.stop().await;
        Needs { commits, flushes }
    })
}
