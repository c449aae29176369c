//! The database file before SQLite sees it: where it is, whose it is, who may read it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use runcor_core::StoreError;

use crate::error::damaged;
use crate::schema::APPLICATION_ID;

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;
/// The first bytes of a rollback journal that is to be played back.
const JOURNAL_MAGIC: &[u8] = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
/// The first bytes of a write-ahead log, but for the last bit.
const LOG_MAGIC: &[u8] = b"\x37\x7f\x06";

/// Returns the one name of the file, so that two ways to it meet at the same lock.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    if let Ok(whole) = path.canonicalize() {
        return Ok(whole);
    }
    let Some(name) = path.file_name() else {
        return Err(unusable(format!("{} is not a file name", path.display())));
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match parent.canonicalize() {
        Ok(parent) => Ok(parent.join(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unusable(format!(
            "the directory {} does not exist; create it or choose another path",
            parent.display()
        ))),
        Err(error) => Err(unusable(format!("can't use {}: {error}", parent.display()))),
    }
}

/// Returns the path with `suffix` added to its last part.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut whole = OsString::from(path);
    whole.push(suffix);
    PathBuf::from(whole)
}

/// What a file looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is new, or empty.
    Empty,
    /// Its header bears our mark.
    Marked,
    /// It is SQLite's and does not bear our mark.
    Unmarked,
    /// A power cut tore its header, and what belongs there stands in a log beside it.
    Torn,
}

/// Sees to it that the file exists and may be ours.
///
/// A file that is not SQLite's, or is shorter than it says itself, is refused untouched.
pub(crate) fn prepare(path: &Path) -> Result<Found, StoreError> {
    let length = match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(unusable(format!("{} is not a file", path.display())));
        }
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(path).map_err(|error| cannot("create", path, &error))?;
            return Ok(Found::Empty);
        }
        Err(error) => return Err(cannot("read", path, &error)),
    };
    if length == 0 {
        return Ok(Found::Empty);
    }
    let header = read_start(path, HEADER_BYTES).map_err(|error| cannot("read", path, &error))?;
    let begins = |suffix, magic: &[u8]| {
        read_start(&sibling(path, suffix), magic.len()).is_ok_and(|start| start == magic)
    };
    if !header.starts_with(MAGIC)
        && (begins("-wal", LOG_MAGIC) || begins("-journal", JOURNAL_MAGIC))
    {
        return Ok(Found::Torn);
    }
    check(path, &header, length)?;
    let is_ours = number(&header, 68, 4) == u64::try_from(APPLICATION_ID).ok();
    Ok(if is_ours { Found::Marked } else { Found::Unmarked })
}

fn check(path: &Path, header: &[u8], length: u64) -> Result<(), StoreError> {
    if header.len() < HEADER_BYTES || !header.starts_with(MAGIC) {
        return Err(StoreError::Corrupt {
            message: format!(
                "{} is not an SQLite database; move it away or choose another path",
                path.display()
            ),
        });
    }
    // A log beside the file may hold the missing pages; then SQLite is to judge.
    let has = |suffix| std::fs::metadata(sibling(path, suffix)).is_ok_and(|log| log.len() > 0);
    let has_log = has("-wal") || has("-journal");
    match promised_length(header) {
        Some(promised) if promised > length && !has_log => Err(damaged(&format!(
            "{} is cut off: it has {length} of {promised} bytes",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Returns the length that the header tells of, where the header is up to date.
fn promised_length(header: &[u8]) -> Option<u64> {
    let page = match number(header, 16, 2)? {
        1 => 65_536,
        size => size,
    };
    let is_current = number(header, 24, 4)? == number(header, 92, 4)?;
    is_current.then_some(number(header, 28, 4)?.saturating_mul(page))
}

/// Reads a big-endian number of the header.
fn number(header: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let part = header.get(at..at + bytes)?;
    Some(part.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

fn read_start(path: &Path, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(bytes);
    File::open(path)?.take(bytes as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Creates the file for its owner alone; SQLite gives the files beside it the same mode.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let file = private(&mut options).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.sync_all()?;
    sync_directory(path)
}

/// Flushes the directory that a file is in: its name is durable only with that.
pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Makes a file that is created with these options readable by its owner alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Says what can't be done with a file, and that the disk is full where it is.
pub(crate) fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> StoreError {
    let message = format!("can't {verb} {}: {error}", path.display());
    if error.kind() == ErrorKind::StorageFull {
        return StoreError::Full { message };
    }
    StoreError::Unavailable { message }
}

fn unusable(message: String) -> StoreError {
    StoreError::Unavailable { message }
}
