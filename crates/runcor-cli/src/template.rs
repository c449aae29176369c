//! Files that commands write into a folder.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A file to write: its path in the folder and its text.
pub(crate) type File = (&'static str, String);

/// Writes files into a folder; without `force` none is written when one exists already.
pub(crate) fn write(folder: &Path, files: &[File], force: bool) -> Result<Vec<PathBuf>, Failure> {
    if let Some((name, _)) = files.iter().find(|(name, _)| !force && folder.join(name).exists()) {
        let place = folder.join(name);
        let message = format!("{} exists already; pass --force to overwrite it", place.display());
        return Err(Failure::new("EXISTS", message));
    }
    files.iter().map(|(name, text)| write_one(folder.join(name), text)).collect()
}

fn write_one(path: PathBuf, text: &str) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("IO_ERROR", format!("can't write {}: {error}", path.display()))
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&path, text).map_err(failed)?;
    Ok(path)
}
