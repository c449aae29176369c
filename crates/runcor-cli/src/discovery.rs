//! How commands find the runcor that runs a project: it leaves its address beside the database.

use std::path::{Path, PathBuf};

use runcor::Project;

/// An address file longer than this was not written by us.
const LONGEST: usize = 4_096;

/// A note of where the API is; it is taken away when it is dropped.
#[derive(Debug)]
pub(crate) struct AddressFile {
    path: PathBuf,
}

impl AddressFile {
    /// Notes where the API of a project is; `None` where executions are in memory, or the
    /// folder can't be written, in which case the configured address has to do.
    pub(crate) fn write(project: &Project, url: &str) -> Option<Self> {
        let path = place(&project.database()?);
        // Whole or not at all: a command may look at any time.
        let beside = path.with_extension("db-api-part");
        std::fs::write(&beside, url).ok()?;
        std::fs::rename(&beside, &path).ok()?;
        Some(Self { path })
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        // What is left behind names a server that does not answer, and is not believed.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Returns the address that was noted for a project; whether it answers is to be seen.
pub(crate) fn noted(project: &Project) -> Option<String> {
    let text = std::fs::read_to_string(place(&project.database()?)).ok()?;
    let url = text.trim();
    let is_url = url.starts_with("http://") && url.len() <= LONGEST;
    is_url.then(|| url.to_owned())
}

/// The file beside the database; `.gitignore` of a new project has it.
fn place(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-api");
    PathBuf::from(path)
}
