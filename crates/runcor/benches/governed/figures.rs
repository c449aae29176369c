//! Medians in one run: the stages take turns, so that what disturbs one disturbs all.

#![expect(clippy::cast_precision_loss, reason = "no time of a bench comes near that")]

use runcor::store::{MemoryStore, SqliteConfig, SqliteStore};

use crate::bed::{Bed, Stage};
use crate::{CALLS, commits, load, runtime};

/// How often each stage has its turn.
const TURNS: usize = 25;
/// The executions of one turn.
const EXECUTIONS: u64 = 300;

/// What was measured of one stage, by turn.
#[derive(Default)]
struct Turns {
    medians: Vec<f64>,
    tails: Vec<f64>,
}

impl Turns {
    fn add(&mut self, mut samples: Vec<u64>) {
        samples.sort_unstable();
        let at = |hundredth: usize| {
            let index = (samples.len() * hundredth / 100).min(samples.len().saturating_sub(1));
            micros(samples.get(index).copied().unwrap_or(0))
        };
        self.medians.push(at(50));
        self.tails.push(at(99));
    }

    /// The best and the median of the turns' medians, and the median of their p99.
    fn columns(mut self) -> (f64, f64, f64) {
        (least(&self.medians), middle(&mut self.medians), middle(&mut self.tails))
    }
}

fn least(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::INFINITY, f64::min)
}

fn middle(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}

fn row(name: &str, turns: Turns) {
    let (best, median, tail) = turns.columns();
    println!("| {name} | {best:.2} | {median:.2} | {tail:.2} |");
}

fn head(of: &str) {
    println!("\n| {of}, µs | p50, best turn | p50, median of turns | p99 |\n|---|--:|--:|--:|");
}

/// Prints the tables.
pub(crate) fn print() {
    load_now();
    calls_in_memory();
    executions_in_memory();
    calls_on_sqlite();
    load_now();
}

fn load_now() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load: {}", load.trim());
}

fn calls_in_memory() {
    let runtime = runtime();
    let mut bare = Turns::default();
    let mut stages = Stage::ALL.map(|stage| (stage, Turns::default()));
    for _ in 0..TURNS {
        bare.add(runtime.block_on(load::bare(CALLS)));
        for (stage, turns) in &mut stages {
            turns.add(runtime.block_on(async {
                let bed = Bed::start(*stage, MemoryStore::new(), 0).await;
                warm(&bed).await;
                bed.run(CALLS).await;
                let samples = bed.take_samples();
                bed.stop().await;
                samples
            }));
        }
    }
    head("one model call in memory");
    row("bare provider", bare);
    stages.into_iter().for_each(|(stage, turns)| row(stage.name(), turns));
}

async fn warm(bed: &Bed) {
    bed.run(100).await;
    bed.take_samples();
}

fn executions_in_memory() {
    let runtime = runtime();
    let mut stages = Stage::ALL.map(|stage| (stage, Turns::default(), Vec::new()));
    for _ in 0..TURNS {
        for (stage, turns, whole) in &mut stages {
            let took = runtime.block_on(async {
                let bed = Bed::start(*stage, MemoryStore::new(), 0).await;
                load::executions(&bed, 50).await;
                let took = load::executions(&bed, EXECUTIONS).await;
                bed.stop().await;
                took
            });
            whole.push(took.whole.as_secs_f64() * 1e6 / took.each.len() as f64);
            turns.add(took.each);
        }
    }
    head("one execution with one call in memory");
    for (stage, turns, mut whole) in stages {
        row(stage.name(), turns);
        println!(
            "| … and all that follows its end, mean | {:.2} | {:.2} | |",
            least(&whole),
            middle(&mut whole)
        );
    }
}

fn calls_on_sqlite() {
    let runtime = runtime();
    let mut stages = Stage::ALL.map(|stage| (stage, Turns::default()));
    for _ in 0..TURNS / 5 {
        for (stage, turns) in &mut stages {
            let dir = commits::directory();
            let path = dir.path().join("bench.db");
            turns.add(runtime.block_on(async {
                let store = SqliteStore::open(path, SqliteConfig::default()).expect("it opens");
                let bed = Bed::start(*stage, store, 0).await;
                warm(&bed).await;
                bed.run(CALLS).await;
                let samples = bed.take_samples();
                bed.stop().await;
                samples
            }));
        }
    }
    head("one model call on SQLite, every commit flushed");
    stages.into_iter().for_each(|(stage, turns)| row(stage.name(), turns));
}

/// Does one thing alone, for `callgrind` and `perf`: `profile call 3 2000`, `profile execution 6 500`.
pub(crate) fn profile() {
    let args: Vec<_> = std::env::args().filter(|arg| !arg.starts_with('-')).skip(2).collect();
    let [kind, stage, count] = args.as_slice() else {
        return eprintln!("which of call and execution, the number of a stage, how many");
    };
    let stage = stage.parse().ok().and_then(|stage: usize| Stage::ALL.get(stage).copied());
    let (stage, count) = (stage.expect("there is that stage"), count.parse().expect("a number"));
    runtime().block_on(async {
        let bed = Bed::start(stage, MemoryStore::new(), 0).await;
        if kind == "call" {
            bed.run(count).await;
        } else {
            load::executions(&bed, count).await;
        }
        bed.stop().await;
    });
}
