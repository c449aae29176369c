//! The file itself, and rows that belong to nothing.

use rusqlite::Connection;

use super::report::Report;
use crate::error::Error;

/// The most that SQLite tells about a damaged file.
const MOST_DAMAGES: usize = 100;

/// Has SQLite check the file: every page, every index against its table.
pub(super) fn integrity(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({MOST_DAMAGES})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let verdict: String = row.get(0)?;
        if verdict != "ok" {
            report.find("file-is-sound", &"the file", verdict);
        }
    }
    Ok(())
}

/// Looks for rows of executions that do not exist.
pub(super) fn orphans(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    for (table, message) in [
        ("journal", "the journal has entries of an execution that does not exist"),
        ("packs", "there is a packed journal of an execution that does not exist"),
        ("inputs", "there is an input of an execution that does not exist"),
    ] {
        let sql = format!(
            "SELECT DISTINCT number FROM {table} WHERE NOT EXISTS \
             (SELECT 1 FROM executions WHERE executions.number = {table}.number)"
        );
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            report.find("rows-belong-to-executions", &format!("creation number {number}"), message);
        }
    }
    Ok(())
}
