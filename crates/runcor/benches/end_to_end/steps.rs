//! Durable steps: how many a second, how many share a flush, and what they cost the disk.

use std::time::Duration;

use runcor::store::{Durability, SqliteStatistics};

use crate::disk::Flushes;
use crate::flows;
use crate::load::{rate, run_flow, runtime, sqlite, start};
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

/// What is run, and how fast it should be.
struct Kind {
    name: &'static str,
    steps: u32,
    /// How often a step's work looks whether it may go on, before it has its result.
    pauses: u32,
    /// Steps a second.
    aim: Aim,
}

const KINDS: [Kind; 3] = [
    Kind { name: "one step", steps: 1, pauses: 0, aim: Aim::AtLeast(5_000.0) },
    Kind { name: "nine steps", steps: 9, pauses: 0, aim: Aim::AtLeast(20_000.0) },
    Kind { name: "nine steps that wait", steps: 9, pauses: 3, aim: Aim::None },
];

/// The best round of one kind.
#[derive(Default)]
struct Best {
    /// Executions a second.
    executions: f64,
    /// How many commits one transaction, and so one flush of the log, was for.
    commits: f64,
    /// Transactions a second.
    transactions: f64,
}

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let dir = directory();
    let window = Duration::from_millis(options.size(400, 1_500));
    let mut flushes = Flushes::default();
    flushes.measure(dir.path(), window);
    for kind in &KINDS {
        for clients in [64, 256] {
            let best = rounds(options, kind, clients);
            flushes.measure(dir.path(), window);
            tell(report, kind, clients, &best, &flushes);
        }
    }
    let note = "4 KiB and fdatasync, one after the other, in the same run; best window";
    report.figure("disk, overwrite and flush", flushes.overwrite, "1/s", Aim::None, note);
}

fn rounds(options: &Options, kind: &Kind, clients: u64) -> Best {
    let dir = directory();
    let total = options.size(6_000, 40_000) / u64::from(kind.steps).min(4);
    runtime().block_on(async {
        let store = sqlite(dir.path(), Durability::Full);
        let statistics = store.statistics();
        let runcor = start(store, 1_000).await;
        let flow = flows::of_steps(kind.steps, kind.pauses);
        let name = flow.info.name.clone();
        runcor.register(flow).expect("it registers");
        run_flow(&runcor, name.as_str(), clients, total / 10, 0).await;
        let mut best = Best::default();
        for round in 1..=options.repeats() {
            let before = Counted::by(&statistics);
            let time = run_flow(&runcor, name.as_str(), clients, total, round * total).await;
            best = best.or(Counted::by(&statistics).since(before, total, time));
        }
        runcor.shutdown().await.expect("it stops");
        best
    })
}

/// What the store has counted up to an instant.
#[derive(Clone, Copy)]
struct Counted {
    commits: u64,
    transactions: u64,
}

impl Counted {
    fn by(statistics: &SqliteStatistics) -> Self {
        Self { commits: statistics.commits(), transactions: statistics.transactions() }
    }

    fn since(self, before: Self, executions: u64, time: Duration) -> Best {
        let transactions = self.transactions - before.transactions;
        Best {
            executions: rate(executions, time),
            commits: (self.commits - before.commits) as f64 / transactions.max(1) as f64,
            transactions: rate(transactions, time),
        }
    }
}

impl Best {
    fn or(self, other: Self) -> Self {
        if other.executions > self.executions { other } else { self }
    }
}

fn tell(report: &mut Report, kind: &Kind, clients: u64, best: &Best, flushes: &Flushes) {
    let name = format!("SQLite FULL, {}, {clients} clients", kind.name);
    let steps = best.executions * f64::from(kind.steps);
    let note = "trigger, every step's result and completion each flushed before they are \
                answered; every client waits for the end of one before the next; best round";
    let waits = "; each step's work waits a moment, so that its beginning is noted as well";
    let note = if kind.pauses > 0 { format!("{note}{waits}") } else { note.to_owned() };
    report.figure(&format!("{name}, steps"), steps, "1/s", kind.aim, &note);
    if kind.steps > 1 {
        report.figure(&format!("{name}, executions"), best.executions, "1/s", Aim::None, &note);
    }
    let note = "as the store counts them: commits, claims included, for each of its \
                transactions, and every transaction is one flush of the log";
    report.figure(&format!("{name}, commits a flush"), best.commits, "", Aim::None, note);
    let note = "transactions a second ÷ the disk's own flushes over what is there; checkpoints \
                are not counted";
    let share = best.transactions / flushes.overwrite;
    report.figure(&format!("{name}, share of the disk's flushes"), share, "", Aim::None, note);
}
