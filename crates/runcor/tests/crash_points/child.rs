//! The child process: runs a scenario and dies at the point that it is told.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use runcor::{Runtime, Trigger};
use serde_json::Value;

use crate::effects::Effects;
use crate::points::{self, Passing, append};
use crate::runtime;
use crate::scenario::Scenario;

/// What the child is told, by environment variables.
const DIR: &str = "RUNCOR_CRASH_DIR";
const SCENARIO: &str = "RUNCOR_CRASH_SCENARIO";
const DEATH: &str = "RUNCOR_CRASH_AT";
const PORT: &str = "RUNCOR_CRASH_PORT";

/// The signal by which a process aborts itself.
const ABORTED: i32 = 6;

/// The keys of the executions that a child triggers.
pub(crate) const KEYS: [&str; 2] = ["one", "two"];

/// Runs a child to its end or its death; returns whether it died as it was told.
pub(crate) fn spawn(dir: &Path, scenario: Scenario, death: Option<&Passing>, port: u16) -> bool {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["child_process", "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(SCENARIO, scenario.name())
        .env(PORT, port.to_string())
        .env("RUST_BACKTRACE", "0");
    if let Some(death) = death {
        command.env(DEATH, format!("{}:{}", death.point, death.hit));
    }
    let output = command.output().unwrap();
    let is_dead = output.status.signal() == Some(ABORTED);
    // Not every passing is met again: some depend on who is faster.
    let as_told = output.status.success() || (is_dead && death.is_some());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(as_told, "the child of {scenario:?} at {death:?}: {}\n{said}", output.status);
    is_dead
}

/// Runs the scenario in this process, as it was told.
pub(crate) fn run() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let dir = PathBuf::from(dir);
    let name = std::env::var(SCENARIO).unwrap();
    let scenario = Scenario::ALL.into_iter().find(|known| known.name() == name).unwrap();
    let port = std::env::var(PORT).unwrap().parse().unwrap();
    let death = std::env::var(DEATH).ok().map(|at| {
        let (point, hit) = at.split_once(':').unwrap();
        Passing { point: point.to_owned(), hit: hit.parse().unwrap() }
    });
    points::arm(&dir, death.as_ref());
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    tokio.unwrap().block_on(work(&dir, scenario, port));
}

async fn work(dir: &Path, scenario: Scenario, port: u16) {
    let runtime = runtime::start(dir, scenario, port).await;
    let effects = Effects::of(dir);
    let mut ids = Vec::new();
    for key in KEYS {
        let id = runtime.trigger("main", Trigger::new(key, Value::Null)).await.unwrap();
        let id = id.execution.id();
        append(&dir.join("accepted"), &format!("{key} {id}"));
        ids.push(id);
    }
    for id in ids {
        scenario.see_through(&runtime, id, &effects).await;
    }
    runtime.shutdown().await.unwrap();
}
