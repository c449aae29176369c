//! Connections: how the one that writes and those that read are opened.

use std::path::PathBuf;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use runcor_core::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::config::SqliteConfig;
use crate::error::{Error, from_sqlite};
use crate::file::Found;
use crate::{file, renew, schema};

/// How many prepared statements a connection keeps; the store has fewer.
const STATEMENTS: usize = 192;
/// Nobody else writes, so that only a checkpoint by a foreign tool can be met.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a reading connection uses for pages, in KiB.
const READER_CACHE_KIB: u32 = 4096;

/// How to reach the database, as long as the store lives.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) config: SqliteConfig,
}

impl Place {
    /// Opens the writing connection for the first time: checks, creates and migrates.
    pub(crate) fn open(&self) -> Result<Connection, StoreError> {
        match file::prepare(&self.path)? {
            // What the log brings back is looked at afterwards.
            Found::Empty | Found::Torn => {}
            found => self.inspect(found)?,
        }
        renew::renew(&self.path)?;
        let conn = self.connect().map_err(|error| from_sqlite(&error))?;
        // Again, now with whatever SQLite has recovered.
        schema::check(&conn, &self.name()).map_err(StoreError::from)?;
        schema::migrate(&conn).map_err(StoreError::from)?;
        self.to_wal(&conn).map_err(StoreError::from)?;
        Ok(conn)
    }

    /// Opens the writing connection again.
    pub(crate) fn reopen(&self) -> Result<Connection, StoreError> {
        let conn = self.connect().map_err(|error| from_sqlite(&error))?;
        schema::check(&conn, &self.name()).map_err(StoreError::from)?;
        self.to_wal(&conn).map_err(StoreError::from)?;
        Ok(conn)
    }

    /// Opens the writing connection again, and believes nothing of the log that
    /// is not on the disk. No other connection may be open.
    pub(crate) fn reopen_in_doubt(&self) -> Result<Connection, StoreError> {
        renew::renew(&self.path)?;
        self.reopen()
    }

    /// Returns the manager of the reading connections.
    pub(crate) fn readers(&self) -> SqliteConnectionManager {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        SqliteConnectionManager::file(&self.path).with_flags(flags).with_init(|conn| {
            conn.busy_timeout(PATIENCE)?;
            conn.set_prepared_statement_cache_capacity(STATEMENTS);
            conn.execute_batch(&format!(
                "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; \
                 PRAGMA cache_size = -{READER_CACHE_KIB};"
            ))
        })
    }

    /// Looks at a file without the right to change it, lest a foreign one be touched.
    fn inspect(&self, found: Found) -> Result<(), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let look = || -> Result<(), Error> {
            let conn = Connection::open_with_flags(&self.path, flags)?;
            schema::check(&conn, &self.name())
        };
        match look() {
            // A crash in the very first transaction needs a writer to take it back.
            Err(Error::Sqlite(error)) if found == Found::Marked && needs_recovery(&error) => Ok(()),
            outcome => outcome.map_err(StoreError::from),
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(PATIENCE)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        let config = &self.config;
        conn.execute_batch(&format!(
            "PRAGMA synchronous = {}; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{}; \
             PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;",
            config.durability.synchronous(),
            (config.cache_bytes >> 10).clamp(256, 16 << 20),
        ))?;
        self.limit_size(&conn)?;
        Ok(conn)
    }

    fn limit_size(&self, conn: &Connection) -> rusqlite::Result<()> {
        let Some(bytes) = self.config.max_size_bytes else { return Ok(()) };
        let page: u32 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = u32::try_from(bytes / u64::from(page.max(1))).unwrap_or(u32::MAX - 1).max(1);
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    }

    fn to_wal(&self, conn: &Connection) -> Result<(), Error> {
        let mode: String =
            conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            let message = format!("the file system allows no write-ahead log (mode {mode})");
            return Err(StoreError::Unavailable { message }.into());
        }
        // The writer makes the checkpoints itself, when nobody waits for it.
        let kept = self.config.log_bytes.saturating_mul(4).min(1 << 40);
        conn.execute_batch(&format!(
            "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {kept};"
        ))?;
        Ok(())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

fn needs_recovery(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(ReadOnly | CannotOpen))
}
