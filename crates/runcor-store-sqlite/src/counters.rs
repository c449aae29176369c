//! The numbers that only grow: of creations, events, rows of the ledger and writings.

use rusqlite::{Connection, OptionalExtension};

/// What the writer knows of the numbers; restored when a transaction is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The creation number of the next execution.
    pub(crate) next_number: i64,
    /// The number of the next event.
    pub(crate) next_event: i64,
    /// The oldest event that is still stored.
    pub(crate) oldest_event: i64,
    /// The number of the next row of the ledger.
    pub(crate) next_row: i64,
    /// The number of the next evaluation, flag, or writing to a memory.
    pub(crate) next_writing: i64,
    /// Executions were removed, so that the table alone no longer tells the highest number.
    removed: bool,
    /// Rows of the ledger were removed.
    trimmed: bool,
    /// The number of writings that is stored.
    noted_writing: i64,
}

/// The counters that a database has.
pub(crate) const NAMES: [&str; 3] = ["number", "ledger", "writing"];

impl Counters {
    /// Reads the numbers from the database.
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let highest: i64 = one(conn, "SELECT coalesce(max(number), 0) FROM executions")?;
        let highest_row: i64 = one(conn, "SELECT coalesce(max(number), 0) FROM ledger")?;
        // The newest event is never pruned, so that the table does tell its number.
        let newest_event: i64 = one(conn, "SELECT coalesce(max(seq), 0) FROM events")?;
        let oldest: Option<i64> = one(conn, "SELECT min(seq) FROM events")?;
        let next_writing = noted(conn, "writing")?.saturating_add(1);
        Ok(Self {
            next_number: highest.max(noted(conn, "number")?).saturating_add(1),
            next_event: newest_event.saturating_add(1),
            oldest_event: oldest.unwrap_or(1),
            next_row: highest_row.max(noted(conn, "ledger")?).saturating_add(1),
            next_writing,
            removed: false,
            trimmed: false,
            noted_writing: next_writing,
        })
    }

    /// Notes that executions were removed.
    pub(crate) fn note_removal(&mut self) {
        self.removed = true;
    }

    /// Notes that rows of the ledger were removed.
    pub(crate) fn note_trim(&mut self) {
        self.trimmed = true;
    }

    /// Returns a number that no other writing has.
    pub(crate) fn writing(&mut self) -> i64 {
        let number = self.next_writing;
        self.next_writing += 1;
        number
    }

    /// Writes what the tables do not tell by themselves; called before each COMMIT.
    pub(crate) fn save(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.removed) {
            note(conn, "number", self.next_number - 1)?;
        }
        if std::mem::take(&mut self.trimmed) {
            note(conn, "ledger", self.next_row - 1)?;
        }
        if self.noted_writing != self.next_writing {
            note(conn, "writing", self.next_writing - 1)?;
            self.noted_writing = self.next_writing;
        }
        Ok(())
    }
}

fn one<T: rusqlite::types::FromSql>(conn: &Connection, sql: &str) -> rusqlite::Result<T> {
    conn.query_row(sql, [], |row| row.get(0))
}

fn noted(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    let sql = "SELECT value FROM counters WHERE name = ?1";
    Ok(conn.query_row(sql, [name], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn note(conn: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO counters (name, value) VALUES (?1, ?2)")?
        .execute((name, value))
        .map(drop)
}
