//! The whole measured from outside: engine, stores, router, HTTP and the binary.
//!
//! `cargo xtask bench` runs it and keeps the figures; alone it is
//! `cargo bench -p runcor --features full --bench end_to_end -- [--quick] [part…]`.
//! Every figure is one line of JSON on stdout, and a line for people on stderr.
//! Nothing here asserts a time; only work that got lost makes the run fail.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

mod burst;
mod child;
mod disk;
mod durable;
mod flows;
mod growth;
mod history;
mod http;
mod in_memory;
mod latency;
mod load;
mod model_calls;
mod options;
mod report;
mod restart;
mod startup;
mod steps;

use std::process::ExitCode;

use crate::options::Options;
use crate::report::Report;

/// One part of the bench: its name, as the command line selects it, and what it does.
type Part = (&'static str, fn(&Options, &mut Report));

const PARTS: [Part; 11] = [
    ("in-memory", in_memory::measure),
    ("durable", durable::measure),
    ("steps", steps::measure),
    ("latency", latency::measure),
    ("growth", growth::measure),
    ("restart", restart::measure),
    ("model-calls", model_calls::measure),
    ("http", http::measure),
    ("history", history::measure),
    ("startup", startup::measure),
    ("burst", burst::measure),
];

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    if child::work(&args) {
        return ExitCode::SUCCESS;
    }
    let options = Options::parse(args.into_iter());
    let mut report = Report::begin();
    for (name, measure) in PARTS {
        if options.wants(name) {
            report.part(name);
            measure(&options, &mut report);
        }
    }
    report.end()
}
