//! What becomes due: waits, and the next instant at which anything does.

use runcor_core::{Execution, ExecutionState, Timestamp};
use rusqlite::{Connection, params};

use crate::decode::{self, COLUMNS};
use crate::encode::state_code;
use crate::error::Error;

/// Reads waiting executions that are due at `now`, most overdue first.
pub(crate) fn due_waits(
    conn: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Execution>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM executions INDEXED BY executions_due \
         WHERE state = 2 AND due <= ?1 ORDER BY due, executions.number"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([now.as_millis()])?;
    let mut due = Vec::new();
    while due.len() < limit
        && let Some(row) = rows.next()?
    {
        match decode::execution(row) {
            Ok(execution) => due.push(execution),
            // One damaged record must not keep the others waiting for ever.
            Err(error) => tracing::error!(%error, "a damaged execution waits on"),
        }
    }
    Ok(due)
}

/// Reads the earliest instant strictly after `now` at which anything becomes due.
pub(crate) fn next_due(conn: &Connection, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let now = now.as_millis();
    let mut soonest: Option<i64> = lease_end(conn, now)?;
    let mut statement = conn.prepare_cached(
        "SELECT min(due) FROM executions INDEXED BY executions_due WHERE state = ?1 AND due > ?2",
    )?;
    for state in ExecutionState::ALL {
        let due: Option<i64> =
            statement.query_row(params![state_code(state), now], |row| row.get(0))?;
        soonest = [soonest, due].into_iter().flatten().min();
    }
    Ok(soonest.map(Timestamp::from_millis))
}

/// Reads when the next lease under which anything is held ends.
fn lease_end(conn: &Connection, now: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT min(until) FROM leases WHERE until > ?1 AND EXISTS (
         SELECT 1 FROM executions INDEXED BY executions_ready
         WHERE ready IS NOT NULL AND owner = leases.worker)";
    Ok(conn.prepare_cached(sql)?.query_row([now], |row| row.get(0))?)
}
