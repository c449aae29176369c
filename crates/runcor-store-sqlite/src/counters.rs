//! The numbers that only grow: of creations and of events.

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
    /// Executions were removed, so that the table alone no longer tells the highest number.
    removed: bool,
}

impl Counters {
    /// Reads the numbers from the database.
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let highest: i64 = one(conn, "SELECT coalesce(max(number), 0) FROM executions")?;
        let noted = conn
            .query_row("SELECT value FROM counters WHERE name = 'number'", [], |row| row.get(0))
            .optional()?;
        // The newest event is never pruned, so that the table does tell its number.
        let newest_event: i64 = one(conn, "SELECT coalesce(max(seq), 0) FROM events")?;
        let oldest: Option<i64> = one(conn, "SELECT min(seq) FROM events")?;
        Ok(Self {
            next_number: highest.max(noted.unwrap_or(0)).saturating_add(1),
            next_event: newest_event.saturating_add(1),
            oldest_event: oldest.unwrap_or(1),
            removed: false,
        })
    }

    /// Notes that executions were removed.
    pub(crate) fn note_removal(&mut self) {
        self.removed = true;
    }

    /// Writes what the tables do not tell by themselves; called before each COMMIT.
    pub(crate) fn save(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.removed) {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO counters (name, value) VALUES ('number', ?1)",
            )?
            .execute([self.next_number - 1])?;
        }
        Ok(())
    }
}

fn one<T: rusqlite::types::FromSql>(conn: &Connection, sql: &str) -> rusqlite::Result<T> {
    conn.query_row(sql, [], |row| row.get(0))
}
