//! Following the files of a project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use runcor::{Project, Runcor};
use tokio::sync::mpsc;

use crate::console::{Console, Paint};
use crate::failure::Failure;
use crate::target::load_project;

/// How long files must be quiet before they are read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// A watch over a project's files; it ends when it is dropped.
pub(crate) struct Changes {
    _watcher: RecommendedWatcher,
    signals: mpsc::Receiver<()>,
}

/// Begins to watch the configuration file and the folder of flows.
pub(crate) fn watch(project: &Project) -> Result<Changes, Failure> {
    let (sender, signals) = mpsc::channel(1);
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
    let failed = |error: notify::Error| {
        Failure::new("WATCH_FAILED", format!("files can't be watched: {error}"))
    };
    let mut watcher = notify::recommended_watcher(on_event).map_err(failed)?;
    // The folder, because editors replace the file itself; the flows' folder may appear later.
    let root = project
        .file()
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    watcher.watch(root, RecursiveMode::NonRecursive).map_err(failed)?;
    if project.flows_dir().is_dir() {
        watcher.watch(&project.flows_dir(), RecursiveMode::Recursive).map_err(failed)?;
    }
    Ok(Changes { _watcher: watcher, signals })
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
        let flows_folder = path.file_name() == self.flows.file_name();
        is_config || is_yaml || flows_folder
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
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.signals.recv()).await {}
        let Some(new) = read_again(&project, console) else { continue };
        match new.reload(runcor, &project) {
            Ok(reloaded) => {
                report(console, &reloaded);
                if let Ok(watching) = watch(&new) {
                    changes = watching;
                }
                project = new;
            }
            Err(error) => console.warn(format!("nothing was changed: {error}")),
        }
    }
}

fn read_again(project: &Project, console: &Console) -> Option<Project> {
    match load_project(Some(project.file())) {
        Ok(new) => new,
        Err(failure) => {
            console.warn(format!("nothing was changed: {}", failure.message));
            None
        }
    }
}

fn report(console: &Console, reloaded: &runcor::Reloaded) {
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
