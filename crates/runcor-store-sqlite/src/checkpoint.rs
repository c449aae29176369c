//! Checkpoints: from the log into the file, when nobody waits for it.
//!
//! Each returns whether the connection is still to be believed. It is not after
//! a failure of the file: SQLite would flush the log again, hear that all is
//! well, and write over pages that only a log which is lost could bring back.

use std::time::Duration;

use fail::fail_point;
use rusqlite::Connection;

use crate::error::is_io_failure;

/// From how many times the due length on readers are waited for, a moment.
const URGENT: usize = 4;
const MOMENT: Duration = Duration::from_millis(50);
/// The pages that a small batch adds to the log, roughly.
const PAGES_PER_JOB: usize = 4;
const PAGE_BYTES: usize = 4096;

/// Keeps count of the log and brings it into the file.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    /// From how many pages of log on a checkpoint is due.
    due: usize,
    /// An estimate, put right by each checkpoint.
    pages: usize,
    /// Log pages that a reader kept from being written back.
    held_back: usize,
}

impl Checkpointer {
    /// Makes one for logs of this length.
    pub(crate) fn new(log_bytes: u64) -> Self {
        let bytes = usize::try_from(log_bytes).unwrap_or(usize::MAX);
        Self { due: (bytes / PAGE_BYTES).max(1), pages: 0, held_back: 0 }
    }

    /// Notes a commit and makes a checkpoint where one is due.
    pub(crate) fn after_commit(&mut self, conn: &Connection, jobs: usize, bytes: usize) -> bool {
        // A value stands in its record and, as a result, in an event.
        self.pages += jobs * PAGES_PER_JOB + 2 * bytes / PAGE_BYTES;
        if self.pages >= self.due {
            let is_urgent = self.held_back / URGENT >= self.due;
            let mode = if is_urgent { "RESTART" } else { "PASSIVE" };
            return self.checkpoint(conn, mode);
        }
        true
    }

    /// Returns whether there may be anything in the log that is not in the file.
    pub(crate) fn is_behind(&self) -> bool {
        self.pages > 0
    }

    /// Makes a checkpoint in an idle moment.
    pub(crate) fn when_idle(&mut self, conn: &Connection) -> bool {
        self.checkpoint(conn, "PASSIVE")
    }

    /// Makes the last checkpoint and leaves an empty log.
    pub(crate) fn at_the_end(&mut self, conn: &Connection) -> bool {
        self.checkpoint(conn, "TRUNCATE")
    }

    fn checkpoint(&mut self, conn: &Connection, mode: &str) -> bool {
        self.pages = 0;
        fail_point!("checkpoint.begins");
        let made = self.patiently(conn, mode).and_then(|()| {
            conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
                let (log, done): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(log.saturating_sub(done))
            })
        });
        match made {
            Ok(left) => {
                self.held_back = usize::try_from(left).unwrap_or(0);
                true
            }
            // The log keeps everything; a later checkpoint does it.
            Err(error) => {
                tracing::warn!(%error, "a checkpoint failed");
                !is_io_failure(&error)
            }
        }
    }

    fn patiently(&self, conn: &Connection, mode: &str) -> rusqlite::Result<()> {
        if mode == "RESTART" {
            tracing::warn!(pages = self.held_back, "a reader holds the write-ahead log back");
            return conn.busy_timeout(MOMENT);
        }
        Ok(())
    }
}
