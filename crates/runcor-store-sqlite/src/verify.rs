//! The check of a database file against the rules, without an engine.

use std::path::Path;

use runcor_core::StoreError;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use crate::error::Error;
use crate::schema;

/// The most findings that a report lists.
const MOST_FINDINGS: usize = 200;

/// What a check of a database found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of the tables.
    pub version: i64,
    /// How much was looked at.
    pub checked: Checked,
    /// What is not as it must be; at most two hundred.
    pub findings: Vec<Finding>,
    /// How many more there are than are listed.
    pub left_out: u64,
}

/// How much a check has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Executions.
    pub executions: u64,
    /// Journal entries.
    pub journal_entries: u64,
    /// Stored events.
    pub events: u64,
}

/// Something in a database that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule, by a stable name.
    pub rule: &'static str,
    /// Where: an execution, a place of a journal, an event, or the file.
    pub place: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Report {
    /// Returns whether everything is as it must be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, rule: &'static str, place: impl Into<String>, message: impl Into<String>) {
        if self.findings.len() == MOST_FINDINGS {
            self.left_out += 1;
            return;
        }
        self.findings.push(Finding { rule, place: place.into(), message: message.into() });
    }
}

/// Checks the database at `path` against the rules.
///
/// The file is opened for reading only, and without its lock: the check runs
/// beside a live engine as well as on a file that nobody uses. It sees one
/// state of the database however much is written meanwhile; the write-ahead
/// log of a live database grows as long as the check lasts.
///
/// # Errors
/// - [`StoreError::Unavailable`] when the file can't be read.
/// - [`StoreError::Corrupt`] when it is no database of runcor, or of a newer one.
pub fn verify(path: impl AsRef<Path>) -> Result<Report, StoreError> {
    let path = path.as_ref();
    let conn = open(path)?;
    run(&conn, &path.display().to_string()).map_err(StoreError::from)
}

/// Opens a database of ours to read it, whoever else does.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let name = path.display().to_string();
    let found = std::fs::metadata(path).map_err(|error| StoreError::Unavailable {
        message: format!("can't read {name}: {error}"),
    })?;
    if !found.is_file() {
        return Err(StoreError::Unavailable { message: format!("{name} is not a file") });
    }
    let connect = || -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(std::time::Duration::from_secs(2))?;
        conn.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        schema::check(&conn, &name)?;
        Ok(conn)
    };
    connect().map_err(StoreError::from)
}

fn run(conn: &Connection, _name: &str) -> Result<Report, Error> {
    let mut report = Report { version: schema::version(conn)?, ..Report::default() };
    let count = |table: &str| -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM {table}");
        Ok(conn.query_row(&sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    };
    report.checked = Checked {
        executions: count("executions")?,
        journal_entries: count("journal")?,
        events: count("events")?,
    };
    let mut statement = conn.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let verdict: String = row.get(0)?;
        if verdict != "ok" {
            report.find("file-is-sound", "file", verdict);
        }
    }
    Ok(report)
}
