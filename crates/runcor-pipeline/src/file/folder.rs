//! A folder of flow files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use runcor_core::FlowName;

use super::read::{Placed, read_flow};
use super::yaml::MAX_FILE_BYTES;
use crate::error::{Place, Problem};
use crate::spec::PipelineSpec;

/// How many flow files one folder may have.
const MAX_FILES: usize = 10_000;

/// A flow and the file that it was read from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file.
    pub file: PathBuf,
    /// The flow.
    pub spec: PipelineSpec,
}

/// Reads every `*.yaml` and `*.yml` file of `folder`, in the order of their names.
///
/// A broken file hides no other: what could be read is returned beside all
/// mistakes. Of two flows with the same name the first one counts. Subfolders
/// and hidden files are left alone. It reads from disk and therefore blocks.
#[must_use]
pub fn load_dir(folder: impl AsRef<Path>) -> (Vec<Loaded>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut loaded: Vec<Loaded> = Vec::new();
    for file in flow_files(folder.as_ref(), &mut problems) {
        let name = file.display().to_string();
        let placed = match read_file(&file) {
            Ok(text) => read_flow(&text, &name),
            Err(message) => Err(vec![problem(&name, None, "", message)]),
        };
        match placed {
            Ok(placed) => match namesake(&loaded, &placed.spec.name) {
                Some(first) => problems.push(duplicate(&name, &placed, first)),
                None => loaded.push(Loaded { file, spec: placed.spec }),
            },
            Err(mistakes) => problems.extend(mistakes),
        }
    }
    (loaded, problems)
}

fn namesake<'l>(loaded: &'l [Loaded], name: &FlowName) -> Option<&'l Loaded> {
    loaded.iter().find(|loaded| loaded.spec.name == *name)
}

fn duplicate(file: &str, placed: &Placed, first: &Loaded) -> Problem {
    let message =
        format!("the flow {:?} is defined in {} already", placed.spec.name, first.file.display());
    problem(file, placed.name_at, "name", message)
}

fn problem(file: &str, place: Option<Place>, path: &str, message: String) -> Problem {
    Problem { file: file.to_owned(), place, path: path.to_owned(), message }
}

/// Lists the flow files of a folder, sorted by name.
fn flow_files(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let name = folder.display().to_string();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(problem(&name, None, "", format!("can't read the folder: {error}")));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_flow_file(path))
        .collect();
    files.sort();
    if files.len() > MAX_FILES {
        problems.push(problem(&name, None, "", format!("has more than {MAX_FILES} flow files")));
        files.truncate(MAX_FILES);
    }
    files
}

fn is_flow_file(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    yaml && !hidden && !path.is_dir()
}

/// Reads a file of a reasonable size; what is not a plain file may have no end.
fn read_file(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("can't read the file: {error}");
    if !path.metadata().map_err(failed)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut text = String::new();
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(failed)?.take(limit).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
