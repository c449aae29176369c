//! Following the files of a project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use runcor::{Project, Runcor};
use serde_json::json;
use tokio::sync::mpsc;

use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::target::load_project;

/// How long files must be quiet before they are read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// How long files may go on changing before they are read all the same.
const LONGEST_UNREST: Duration = Duration::from_secs(2);

/// A watch over a project's files; it ends when it is dropped.
pub(crate) struct Changes {
    /// What notices changes, and whom it tells. A new watcher tells the same receiver, so no
    /// change falls between two.
    watcher: RecommendedWatcher,
    sender: mpsc::Sender<()>,
    signals: mpsc::Receiver<()>,
}

/// Begins to watch the configuration file and the folder of flows.
pub(crate) fn watch(project: &Project) -> Result<Changes, Failure> {
    let (sender, signals) = mpsc::channel(1);
    let watcher = watcher(project, sender.clone()).map_err(|error| {
        Failure::new("WATCH_FAILED", format!("files can't be watched: {error}"))
    })?;
    Ok(Changes { watcher, sender, signals })
}

fn watcher(project: &Project, sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let interesting =
        Interesting { file: project.file().to_path_buf(), flows: project.flows_dir() };
    let on_event = move |event: notify::Result<notify::Event>| {
        let matters = event.is_ok_and(|event| {
            !event.kind.is_access() && event.paths.iter().any(|path| interesting.includes(path))
        });
        if matters {
            // A full channel holds a signal already.
            let _ = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(on_event)?;
    // Folders, because editors replace the file itself.
    let root = folder_of(project.file());
    watcher.watch(root, RecursiveMode::NonRecursive)?;
    // The flows' folder may appear later: then whatever it will appear in is watched.
    let flows = project.flows_dir();
    if let Some(existing) = flows.ancestors().find(|dir| dir.is_dir())
        && existing != root
    {
        watcher.watch(existing, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Which changes matter: the configuration and flow files, not the database beside them.
struct Interesting {
    file: PathBuf,
    flows: PathBuf,
}

impl Interesting {
    fn includes(&self, path: &Path) -> bool {
        let is_config = path.file_name() == self.file.file_name();
        let is_yaml =
            path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let is_flows_folder =
            self.flows.starts_with(path) || path.file_name() == self.flows.file_name();
        is_config || is_yaml || is_flows_folder
    }
}

/// Applies every change of the files until the watch ends. What runs goes on.
pub(crate) async fn follow(
    mut changes: Changes,
    runcor: &Runcor,
    mut project: Project,
    console: &Console,
) {
    while changes.signals.recv().await.is_some() {
        // Whether they became quiet or not, they are read now.
        let _ = tokio::time::timeout(LONGEST_UNREST, quiet(&mut changes.signals)).await;
        let Some(new) = read_again(&project, console) else { continue };
        // Before the flows are read: their folder may be new, or another.
        match watcher(&new, changes.sender.clone()) {
            Ok(watcher) => changes.watcher = watcher,
            Err(error) => console.warn(format!("some files can't be watched: {error}")),
        }
        match new.reload(runcor, &project) {
            Ok(reloaded) => {
                report(console, &reloaded);
                project = new;
            }
            Err(error) => failed(console, &Failure::from(error)),
        }
    }
}

async fn quiet(signals: &mut mpsc::Receiver<()>) {
    while let Ok(Some(())) = tokio::time::timeout(QUIET, signals.recv()).await {}
}

fn read_again(project: &Project, console: &Console) -> Option<Project> {
    match load_project(Some(project.file())) {
        Ok(new) => {
            for warning in new.iter().flat_map(Project::warnings) {
                console.warn(warning.to_string());
            }
            new
        }
        Err(failure) => {
            failed(console, &failure);
            None
        }
    }
}

fn failed(console: &Console, failure: &Failure) {
    if console.json {
        let error = failure.to_json();
        console.document(&json!({ "type": "reload_failed", "error": error["error"] }));
    } else {
        console.warn(format!("nothing was changed: {}", failure.message));
    }
}

fn report(console: &Console, reloaded: &runcor::Reloaded) {
    if console.json {
        let problems: Vec<_> = reloaded.problems.iter().map(ToString::to_string).collect();
        console.document(&json!({
            "type": "reloaded", "flows": reloaded.flows, "removed": reloaded.removed,
            "problems": problems, "needsRestart": reloaded.needs_restart,
        }));
        return;
    }
    for problem in &reloaded.problems {
        console.warn(problem.to_string());
    }
    let names: Vec<_> = reloaded.flows.iter().map(ToString::to_string).collect();
    let removed: Vec<_> = reloaded.removed.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "Reloaded: {}",
        if names.is_empty() { "no flows".to_owned() } else { names.join(", ") }
    );
    if !removed.is_empty() {
        text.push_str(&format!("; gone: {}", removed.join(", ")));
    }
    console.note(console.paint(Paint::Cyan, &text));
    if !reloaded.needs_restart.is_empty() {
        console.warn(format!(
            "changes of {} take effect after a restart of `runcor dev`",
            reloaded.needs_restart.join(", ")
        ));
    }
}
