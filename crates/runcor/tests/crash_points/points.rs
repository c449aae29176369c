//! The named points, and what is done at them.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every point that the code passes; a test checks that none is missing here.
pub(crate) const ALL: &[&str] = &[
    "budget.before_reserve",
    "budget.reserved",
    "call.before_start",
    "call.started",
    "checkpoint.begins",
    "compact.after_commit",
    "compact.before_commit",
    "complete.after_commit",
    "complete.before_commit",
    "dispatch.before_claim",
    "dispatch.claimed",
    "expire.before_commit",
    "failed.after_commit",
    "failed.before_commit",
    "lapse.after_commit",
    "lapse.before_commit",
    "memory.before_commit",
    "memory.written",
    "migrate.after_step",
    "migrate.before_step",
    "resume.after_commit",
    "resume.before_commit",
    "retry.before_commit",
    "retry.timer_set",
    "run.after_commit",
    "run.before_commit",
    "shutdown.drain",
    "sqlite.after_commit_before_answer",
    "sqlite.before_commit",
    "step.effect_done_before_result",
    "step.intent_committed",
    "step.result_committed",
    "stream.read_before_result",
    "stream.result_committed",
    "sweep.after_commit",
    "sweep.before_commit",
    "trigger.after_commit_before_ack",
    "trigger.before_commit",
    "wait.before_commit",
    "wait.entered",
];

/// A passing of a point, at which the child dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passing {
    pub(crate) point: String,
    /// From 1.
    pub(crate) hit: usize,
}

/// Counts every passing into `dir/passings`, and dies at the one that is asked for.
pub(crate) fn arm(dir: &Path, death: Option<&Passing>) {
    for point in ALL.iter().copied() {
        let count = Arc::new(AtomicUsize::new(0));
        let deadly = death.filter(|death| death.point == point).map(|death| death.hit);
        let file = dir.join("passings");
        let pass = move || {
            let hit = count.fetch_add(1, Ordering::SeqCst) + 1;
            append(&file, point);
            if deadly == Some(hit) {
                std::process::abort();
            }
        };
        fail::cfg_callback(point, pass).unwrap();
    }
}

/// Returns how often each point was passed.
pub(crate) fn passed(dir: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(dir.join("passings")).unwrap_or_default();
    let mut counts = BTreeMap::new();
    for point in text.lines() {
        *counts.entry(point.to_owned()).or_insert(0) += 1;
    }
    counts
}

/// Appends a line; what a process has written this way outlives its death.
pub(crate) fn append(file: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
