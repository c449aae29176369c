//! The log, written anew before it is believed.
//!
//! When a flush fails, the kernel keeps what it could not write in memory and
//! takes it for written: whoever reads it sees it, a later flush succeeds
//! without it, and a power cut loses it. A process that finds a log can't know
//! whether that has happened to an earlier one. So it makes a copy, flushes
//! that, and puts it in the place of the log.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use runcor_core::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::file::{cannot, private, sibling, sync_directory};

/// How much is copied at once.
const PART_BYTES: usize = 1 << 20;
/// How long other programs that look at the file are waited for.
const MOMENT: Duration = Duration::from_millis(100);

/// Writes the log of the database at `path` anew, if there is one.
///
/// No connection of ours may be open: it would go on with the old one.
pub(crate) fn renew(path: &Path) -> Result<(), StoreError> {
    let (log, copy) = (sibling(path, "-wal"), sibling(path, "-wal.new"));
    if !std::fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
        // A power cut may have left one.
        let _ = std::fs::remove_file(copy);
        return Ok(());
    }
    let renewed = match alone(path) {
        // Elsewhere a file that is open can't be replaced.
        Ok(_alone) if cfg!(unix) => replace(&log, &copy),
        Ok(_alone) => write_over(&log),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            write_over(&log)
        }
        // What is wrong is said by whoever opens the database.
        Err(_) => return Ok(()),
    };
    renewed.map_err(|error| cannot("write", &log, &error))
}

/// Returns a connection beside which there is no other, of any process.
fn alone(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(MOMENT)?;
    // What is to be renewed must not be brought into the file.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")?;
    Ok(conn)
}

/// Puts a copy in the place of the log, which is whole at every moment.
fn replace(log: &Path, copy: &Path) -> io::Result<()> {
    let replaced = fill(log, copy).and_then(|()| {
        std::fs::rename(copy, log)?;
        sync_directory(log)
    });
    if replaced.is_err() {
        // Its room may be what is lacking.
        let _ = std::fs::remove_file(copy);
    }
    replaced
}

fn fill(log: &Path, copy: &Path) -> io::Result<()> {
    let mut from = File::open(log)?;
    let mut options = OpenOptions::new();
    let mut to = private(options.write(true).create(true).truncate(true)).open(copy)?;
    let mut part = vec![0; PART_BYTES];
    loop {
        let length = from.read(&mut part)?;
        match part.get(..length) {
            None | Some([]) => return to.sync_all(),
            Some(bytes) => to.write_all(bytes)?,
        }
    }
}

/// Writes into the log what it holds. Another program has it open, and would
/// not see a copy; it sees no change here.
fn write_over(log: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(log)?;
    let mut part = vec![0; PART_BYTES];
    let mut place = 0;
    loop {
        let length = file.read(&mut part)?;
        match part.get(..length) {
            None | Some([]) => return file.sync_all(),
            Some(bytes) => {
                file.seek(SeekFrom::Start(place))?;
                file.write_all(bytes)?;
                place += length as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A database whose log was left behind, and the log.
    fn abandoned(dir: &tempfile::TempDir) -> (PathBuf, PathBuf) {
        let (path, log) = (dir.path().join("a.db"), dir.path().join("a.db-wal"));
        let conn = Connection::open(&path).unwrap();
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(3000000));",
        )
        .unwrap();
        (path, log)
    }

    fn rows(path: &Path) -> i64 {
        let conn = Connection::open(path).unwrap();
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_log_is_replaced_by_its_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = abandoned(&dir);
        let (bytes, old) = (std::fs::read(&log).unwrap(), File::open(&log).unwrap());
        renew(&path).unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), bytes);
        assert!(!dir.path().join("a.db-wal.new").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let new = std::fs::metadata(&log).unwrap();
            assert_ne!(old.metadata().unwrap().ino(), new.ino());
            assert_eq!(new.mode() & 0o777, 0o600);
        }
        drop(old);
        assert_eq!(rows(&path), 1);
    }

    #[test]
    fn a_log_that_another_program_reads_stays_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = abandoned(&dir);
        let (bytes, old) = (std::fs::read(&log).unwrap(), File::open(&log).unwrap());
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t;").unwrap();
        renew(&path).unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), bytes);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let new = std::fs::metadata(&log).unwrap();
            assert_eq!(old.metadata().unwrap().ino(), new.ino());
        }
        drop(old);
        assert_eq!(rows(&path), 1);
    }

    #[test]
    fn without_a_log_there_is_nothing_to_do() {
        let dir = tempfile::tempdir().unwrap();
        renew(&dir.path().join("a.db")).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
