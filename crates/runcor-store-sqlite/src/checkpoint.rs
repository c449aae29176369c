//! Checkpoints: from the log into the file, when nobody waits for it.

use std::time::Duration;

use rusqlite::Connection;

/// From how many pages of log on a checkpoint is due (16 MiB).
const DUE_PAGES: usize = 4096;
/// From how many pages of log on readers are waited for (64 MiB), a moment.
const URGENT_PAGES: usize = 16_384;
const MOMENT: Duration = Duration::from_millis(50);
/// The pages that a small batch adds to the log, roughly.
const PAGES_PER_JOB: usize = 4;
const PAGE_BYTES: usize = 4096;

/// Keeps count of the log and brings it into the file.
#[derive(Debug, Default)]
pub(crate) struct Checkpointer {
    /// An estimate, put right by each checkpoint.
    pages: usize,
    /// Log pages that a reader kept from being written back.
    held_back: usize,
}

impl Checkpointer {
    /// Notes a commit and makes a checkpoint where one is due.
    pub(crate) fn after_commit(&mut self, conn: &Connection, jobs: usize, bytes: usize) {
        // A value stands in its record and, as a result, in an event.
        self.pages += jobs * PAGES_PER_JOB + 2 * bytes / PAGE_BYTES;
        if self.pages >= DUE_PAGES {
            let mode = if self.held_back >= URGENT_PAGES { "RESTART" } else { "PASSIVE" };
            self.checkpoint(conn, mode);
        }
    }

    /// Returns whether there may be anything in the log that is not in the file.
    pub(crate) fn is_behind(&self) -> bool {
        self.pages > 0
    }

    /// Makes a checkpoint in an idle moment.
    pub(crate) fn when_idle(&mut self, conn: &Connection) {
        self.checkpoint(conn, "PASSIVE");
    }

    /// Makes the last checkpoint and leaves an empty log.
    pub(crate) fn at_the_end(&mut self, conn: &Connection) {
        self.checkpoint(conn, "TRUNCATE");
    }

    fn checkpoint(&mut self, conn: &Connection, mode: &str) {
        self.pages = 0;
        let made = self.patiently(conn, mode).and_then(|()| {
            conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
                let (log, done): (i64, i64) = (row.get(1)?, row.get(2)?);
                Ok(log.saturating_sub(done))
            })
        });
        match made {
            Ok(left) => self.held_back = usize::try_from(left).unwrap_or(0),
            // The log keeps everything; a later checkpoint does it.
            Err(error) => tracing::warn!(%error, "a checkpoint failed"),
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
