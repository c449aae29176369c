//! A process that was killed and starts again, and the memory of what waits.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::child::Child;
use crate::options::{Options, directory};
use crate::report::{Aim, Report};

/// The files of a database that was left behind.
const FILES: [&str; 2] = ["bench.db", "bench.db-wal"];

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let waiting = options.size(10_000, 100_000);
    let interrupted = options.size(1_000, 10_000);
    let dir = directory();
    memory(report, "waiting", waiting, Child::start("waiting", dir.path(), waiting));
    let other = directory();
    memory(report, "sleeping", waiting, Child::start("sleeping", other.path(), waiting));
    idle(report, dir.path());
    assert!(Child::start("interrupted", dir.path(), interrupted).told()["running"].is_u64());
    let found: Vec<_> = (0..options.size(1, 3))
        .map(|_| restart(report, dir.path(), waiting, interrupted))
        .collect();
    tell(report, waiting, interrupted, &found);
}

/// Reports what one paused execution takes; the child is killed in the end.
fn memory(report: &mut Report, what: &str, number: u64, mut child: Child) {
    let found = child.told();
    let name = format!("SQLite FULL, resident memory for each of {number} {what}");
    let (Some(before), Some(after)) = (found["before"].as_f64(), found["after"].as_f64()) else {
        return report.skip(&name, "this system has no /proc");
    };
    let note = "VmRSS of a process of its own once all of them wait, less what it had with \
                the first 5,000; what caches of fixed size have gathered is in it";
    let added = found["added"].as_f64().unwrap_or(f64::NAN);
    let each = (after - before) * 1024.0 * 1024.0 / added;
    report.figure(&name, each, "B", Aim::None, note);
}

/// Reports the memory of a process that has found them all in its file.
fn idle(report: &mut Report, dir: &Path) {
    let empty = directory();
    for (name, dir) in [("nothing", empty.path()), ("all that wait", dir)] {
        let name = format!("SQLite FULL, resident memory after a start with {name}");
        let copy = copy_of(dir);
        match Child::start("restart", copy.path(), 0).told()["memory"].as_f64() {
            Some(memory) => report.figure(&name, memory, "MiB", Aim::None, "VmRSS, engine alone"),
            None => report.skip(&name, "this system has no /proc"),
        }
    }
}

/// Starts once on a copy of what the killed process left.
fn restart(report: &mut Report, dir: &Path, waiting: u64, interrupted: u64) -> Value {
    let copy = copy_of(dir);
    let found = Child::start("restart", copy.path(), interrupted).told();
    let is_whole = found["waiting"] == waiting && found["finished"] == interrupted;
    if !is_whole || found["resumed"] != true {
        report.fail(&format!("after a restart: {found}"));
    }
    found
}

/// Copies what is left of a database; there may be nothing.
fn copy_of(dir: &Path) -> TempDir {
    let copy = directory();
    for file in FILES {
        if dir.join(file).exists() {
            fs::copy(dir.join(file), copy.path().join(file)).expect("a copy");
        }
    }
    copy
}

fn tell(report: &mut Report, waiting: u64, interrupted: u64, found: &[Value]) {
    let note = "after SIGKILL, in a new process, the file in the system's cache; best start";
    let name = format!("restart, {waiting} waiting and {interrupted} interrupted");
    for (key, what, aim) in [
        ("opened", "store open", Aim::None),
        ("ready", "engine ready", Aim::AtMost(1_000.0)),
        ("first", "first interrupted one runs", Aim::AtMost(1_000.0)),
        ("all", "all interrupted ones have ended", Aim::None),
    ] {
        let times = found.iter().filter_map(|found| found[key].as_f64());
        let best = times.fold(f64::INFINITY, f64::min);
        report.figure(&format!("{name}, {what}"), best, "ms", aim, note);
    }
}
