//! The lock beside the database: one process owns the file, and its death ends that.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use runcor_core::StoreError;

use crate::file::{private, sibling};

/// The ownership of a database file; dropping it gives the file back.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    file: File,
}

impl OwnerLock {
    /// Takes the lock of the database at `path`, before anything else is touched.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let beside = sibling(path, ".lock");
        let mut file = open(&beside)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(refusal(path, &mut file)),
            Err(TryLockError::Error(error)) => {
                let message = format!("can't lock {}: {error}", beside.display());
                return Err(StoreError::Unavailable { message });
            }
        }
        let mut lock = Self { file };
        // The number is for the message to a second process only; the lock holds without it.
        let _ = lock.write(&std::process::id().to_string());
        Ok(lock)
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // The file stays: removing it would let two processes lock two different files.
        let _ = self.write("");
        let _ = self.file.unlock();
    }
}

fn open(path: &PathBuf) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options).open(path).map_err(|error| StoreError::Unavailable {
        message: format!("can't open {}: {error}", path.display()),
    })
}

fn refusal(path: &Path, file: &mut File) -> StoreError {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    let owner = match text.trim().parse::<u32>() {
        Ok(pid) if pid == std::process::id() => "this process already".to_owned(),
        Ok(pid) => format!("process {pid}"),
        Err(_) => "another process".to_owned(),
    };
    StoreError::Locked {
        message: format!(
            "the database {} is in use by {owner}; stop that first or choose another path",
            path.display()
        ),
    }
}
