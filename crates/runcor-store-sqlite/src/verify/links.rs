//! Families and waits: who called whom, and whether what is waited for can still come.

use runcor_core::{Execution, ExecutionId, ExecutionState};
use rusqlite::{Connection, OptionalExtension};

use super::journals::{self, Places};
use super::report::Report;
use crate::decode::{self, COLUMNS};
use crate::error::Error;

pub(super) fn check(
    conn: &Connection,
    execution: &Execution,
    places: &Places,
    report: &mut Report,
) -> Result<(), Error> {
    if !journals::is_free(places, execution) {
        let message = "it waits for an answer that its journal has";
        report.find("waits-can-end", &execution.id(), message);
    }
    awaited(conn, execution, report)?;
    children(conn, execution, places, report)
}

/// A child that is waited for has not ended: its end would have ended the wait.
fn awaited(conn: &Connection, execution: &Execution, report: &mut Report) -> Result<(), Error> {
    let Some(wait) = &execution.status.wait else { return Ok(()) };
    if execution.state() != ExecutionState::Waiting {
        return Ok(());
    }
    for child in &wait.awaits {
        let found: Option<(i64, Option<Vec<u8>>)> = conn
            .prepare_cached("SELECT state, parent FROM executions WHERE id = ?1")?
            .query_row([child.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        // What was removed is known to nobody any more.
        let Some((state, parent)) = found else { continue };
        let is_own = parent.as_deref() == Some(execution.id().as_bytes().as_slice());
        report.find_all(
            "waits-can-end",
            &execution.id(),
            [
                (state > 3, "it waits for an execution that has ended"),
                (!is_own, "it waits for an execution that it has not called"),
            ],
        );
    }
    Ok(())
}

/// Every child has its call in the journal, and none lives on after a failed caller.
fn children(
    conn: &Connection,
    execution: &Execution,
    places: &Places,
    report: &mut Report,
) -> Result<(), Error> {
    let id: ExecutionId = execution.id();
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM executions INDEXED BY executions_parent WHERE parent = ?1"
    ))?;
    let mut rows = statement.query([id.as_bytes()])?;
    while let Some(row) = rows.next()? {
        // One that can't be read is found where all are looked at.
        let Ok(child) = decode::execution(row) else { continue };
        let Some(parent) = &child.spec.parent else { continue };
        // Whoever reruns what has diverged may have put something else there.
        let is_called = places.contains_key(&parent.path);
        let lives_on = execution.state() == ExecutionState::Failed && !child.state().is_terminal();
        report.find_all(
            "calls-are-journaled",
            &child.id(),
            [
                (!is_called, "the journal of its caller has nothing where it was called"),
                (parent.depth == 0, "it was called and its depth is zero"),
                (lives_on, "its caller has failed and it has not ended"),
            ],
        );
    }
    Ok(())
}
