//! A consistent copy of a database, also while an engine writes to it.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use runcor_core::StoreError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::error::Error;
use crate::file::{cannot, private, sibling};
use crate::verify;

/// How many pages are copied between two reports of progress (4 MiB).
const PAGES_AT_ONCE: std::ffi::c_int = 1024;

/// How far a copy is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupProgress {
    /// How many bytes are copied.
    pub bytes: u64,
    /// How many there are in all.
    pub total_bytes: u64,
}

/// Copies the database at `source` into the new file `target`, as it stands at one instant.
///
/// The source may be in use: whoever writes goes on, and what is committed
/// after the beginning is not in the copy. The copy is complete and on the
/// disk when the function returns, and readable by its owner alone; before
/// that it bears another name. `progress` is told from time to time. Returns
/// the size of the copy in bytes.
///
/// # Errors
/// - [`StoreError::Unavailable`] when `target` exists, or a file can't be read or written.
/// - [`StoreError::Corrupt`] when the source is damaged, or no database of runcor.
/// - [`StoreError::Full`] when the disk is full.
pub fn backup(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    mut progress: impl FnMut(BackupProgress),
) -> Result<u64, StoreError> {
    let (source, target) = (source.as_ref(), target.as_ref());
    let from = verify::open(source)?;
    let target = Reserved::take(target)?;
    let part = Reserved::take(&sibling(target.path(), ".part"))?;
    let copied = copy(&from, part.path(), &mut progress).map_err(StoreError::from)?;
    settle(part, target)?;
    Ok(copied)
}

fn copy(
    from: &Connection,
    to: &Path,
    progress: &mut impl FnMut(BackupProgress),
) -> Result<u64, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut to = Connection::open_with_flags(to, flags)?;
    // A copy that is cut short is thrown away whole.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let page: i64 = from.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let bytes = |pages: std::ffi::c_int| u64::from(pages.unsigned_abs()) * page.unsigned_abs();
    let copy = Backup::new(from, &mut to)?;
    loop {
        let step = copy.step(PAGES_AT_ONCE)?;
        let pages = copy.progress();
        let reached = BackupProgress {
            bytes: bytes(pages.pagecount - pages.remaining),
            total_bytes: bytes(pages.pagecount),
        };
        progress(reached);
        match step {
            StepResult::Done => return Ok(reached.bytes),
            StepResult::More => {}
            _ => {
                let message = "the database is busy; try again".to_owned();
                return Err(StoreError::Unavailable { message }.into());
            }
        }
    }
}

/// Brings the copy onto the disk and gives it its name.
fn settle(part: Reserved, target: Reserved) -> Result<(), StoreError> {
    let settled = || -> std::io::Result<()> {
        File::open(part.path())?.sync_all()?;
        std::fs::rename(part.path(), target.path())?;
        // The name is durable only with its directory.
        File::open(directory(target.path()))?.sync_all()
    };
    settled().map_err(|error| cannot("write", target.path(), &error))?;
    part.keep();
    target.keep();
    Ok(())
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A file that was created here, and goes again unless it is kept.
struct Reserved {
    path: PathBuf,
    is_kept: bool,
}

impl Reserved {
    fn take(path: &Path) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        match private(&mut options).open(path) {
            Ok(_) => Ok(Self { path: path.to_owned(), is_kept: false }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let name = path.display();
                let message = format!("{name} exists; move it away or choose another path");
                Err(StoreError::Unavailable { message })
            }
            Err(error) => Err(cannot("create", path, &error)),
        }
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
