//! The check of a database file against the rules, without an engine.

mod budgets;
mod events;
mod journals;
mod ledger;
mod links;
mod notes;
mod records;
mod report;
mod tables;

use std::path::Path;
use std::time::Duration;

use runcor_core::StoreError;
use rusqlite::{Connection, OpenFlags};

pub use report::{Checked, Finding, Report};

use crate::error::Error;
use crate::schema;

/// How long a checkpoint of the database's owner is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Checks the database at `path` against the rules.
///
/// The file is opened for reading only, and without its lock: the check runs
/// beside a live engine as well as on a file that nobody uses. It sees one
/// state of the database however much is written meanwhile; the write-ahead
/// log of a live database grows as long as the check lasts. What is damaged
/// becomes a finding, and the check goes on behind it.
///
/// # Errors
/// - [`StoreError::Unavailable`] when the file can't be opened.
/// - [`StoreError::Corrupt`] when it is no database of runcor, or of a newer one.
pub fn verify(path: impl AsRef<Path>) -> Result<Report, StoreError> {
    let conn = open(path.as_ref())?;
    let mut report = Report { version: schema::version(&conn)?, ..Report::default() };
    let outcome = tables::integrity(&conn, &mut report);
    report.note_failure("the file", outcome);
    let outcome = events::check(&conn, &mut report);
    report.note_failure("the events", outcome);
    if report.version == schema::newest() {
        let outcome = tables::orphans(&conn, &mut report);
        report.note_failure("the tables", outcome);
        let outcome = records::check(&conn, &mut report);
        report.note_failure("the executions", outcome);
        let outcome = ledger::check(&conn, &mut report);
        report.note_failure("the ledger", outcome);
        let outcome = budgets::check(&conn, &mut report);
        report.note_failure("the budgets", outcome);
        let outcome = notes::check(&conn, &mut report);
        report.note_failure("the memories, evaluations and flags", outcome);
    }
    Ok(report)
}

/// Opens a database of ours to read one state of it, whoever else uses it.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let name = path.display().to_string();
    let unusable = |why: &str| StoreError::Unavailable { message: format!("{name} {why}") };
    // Not opened here: closing a file again would end the locks of this process on it.
    let found =
        std::fs::metadata(path).map_err(|error| unusable(&format!("can't be read: {error}")))?;
    if !found.is_file() {
        return Err(unusable("is not a file"));
    }
    let connect = || -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(PATIENCE)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; BEGIN")?;
        schema::check(&conn, &name)?;
        if schema::version(&conn)? == 0 {
            let message = format!("{name} is empty; choose a database of runcor");
            return Err(StoreError::Corrupt { message }.into());
        }
        Ok(conn)
    };
    connect().map_err(StoreError::from)
}
