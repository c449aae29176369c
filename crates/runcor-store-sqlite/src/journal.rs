//! Journals: an entry for each place, written over until it has an answer.

use runcor_core::{ExecutionId, JournalEntry, Outcome, RequestHash};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use serde_json::Value;

use crate::apply::conflict;
use crate::decode::{self, ENTRY_COLUMNS};
use crate::encode::{EntryRow, integer};
use crate::error::Error;
use crate::pack::Numbered;

/// One statement finds the execution, sees to the preconditions and writes:
/// the cost of a step is the cost of this. It has one row of values, and no `SELECT` in
/// their place: for statements that may write many rows SQLite copies every page beforehand.
const WRITE: &str = "INSERT INTO journal (number, path, kind, request, attempts, begun, note, at, \
     outcome, spend, reused, bytes, value) \
     VALUES ((SELECT number FROM executions WHERE id = ?13 AND state = 1 AND epoch = ?14), \
     ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
     ON CONFLICT (number, path) DO UPDATE SET kind = excluded.kind, request = excluded.request, \
     attempts = excluded.attempts, begun = excluded.begun, note = excluded.note, at = excluded.at, \
     outcome = excluded.outcome, spend = excluded.spend, reused = excluded.reused, \
     bytes = excluded.bytes, value = excluded.value \
     WHERE ?15 OR journal.outcome IS NULL OR journal.outcome = 2";

const APPEND: &str = "INSERT INTO journal (number, path, kind, request, attempts, begun, note, at, \
     outcome, spend, reused, bytes, value) \
     VALUES (?13, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// Writes an entry at the end, or over one at the same path that has no answer yet.
pub(crate) fn write(
    conn: &Connection,
    id: ExecutionId,
    epoch: u64,
    entry: &EntryRow,
    replace: bool,
) -> Result<(), Error> {
    let written = match conn.prepare_cached(WRITE)?.execute(params![
        entry.path,
        entry.kind.as_str(),
        entry.request.as_ref().map(RequestHash::as_bytes),
        entry.attempts,
        entry.begun,
        entry.note,
        entry.at,
        entry.outcome,
        entry.spend,
        entry.reused,
        entry.bytes,
        entry.value,
        id.as_bytes(),
        integer(epoch),
        replace,
    ]) {
        // No number: nobody runs it under this epoch.
        Err(error) if is_null(&error) => 0,
        written => written?,
    };
    if written == 0 { Err(conflict(conn, id)) } else { Ok(()) }
}

fn is_null(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_CONSTRAINT_NOTNULL)
}

/// Begins the journal of an execution that never ran.
pub(crate) fn seed(conn: &Connection, id: ExecutionId, entries: &[EntryRow]) -> Result<(), Error> {
    let number: Option<i64> = conn
        .prepare_cached(
            "SELECT number FROM executions WHERE id = ?1 AND epoch = 0 AND NOT EXISTS \
             (SELECT 1 FROM journal WHERE journal.number = executions.number)",
        )?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(number) = number else { return Err(conflict(conn, id)) };
    for entry in entries {
        match append(conn, number, entry) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                return Err(conflict(conn, id));
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

fn append(conn: &Connection, number: i64, entry: &EntryRow) -> rusqlite::Result<()> {
    conn.prepare_cached(APPEND)?.execute(params![
        entry.path,
        entry.kind.as_str(),
        entry.request.as_ref().map(RequestHash::as_bytes),
        entry.attempts,
        entry.begun,
        entry.note,
        entry.at,
        entry.outcome,
        entry.spend,
        entry.reused,
        entry.bytes,
        entry.value,
        number,
    ])?;
    Ok(())
}

/// Reads a journal in the order in which its places were first met, large results left out.
pub(crate) fn whole(conn: &Connection, id: ExecutionId) -> Result<Vec<JournalEntry>, Error> {
    // Rows and pack in one state of the database: a compaction moves them.
    let conn = conn.unchecked_transaction()?;
    let Some(number) = number(&conn, id)? else { return Ok(Vec::new()) };
    let mut rows = unpacked(&conn, number, id)?;
    if let Some(packed) = packed(&conn, number, id)? {
        rows.extend(packed);
        rows.sort_unstable_by_key(|(entry, _)| *entry);
    }
    let entries = rows.into_iter().map(|(_, row)| decode::entry(row, id));
    Ok(entries.collect::<Result<_, _>>()?)
}

fn number(conn: &Connection, id: ExecutionId) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT number FROM executions WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()
}

/// Reads the rows of a journal that are not packed, large results left out.
pub(crate) fn unpacked(
    conn: &Connection,
    number: i64,
    id: ExecutionId,
) -> Result<Vec<Numbered>, Error> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM journal WHERE number = ?1 ORDER BY entry");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([number])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(decode::entry_row(row, id)?);
    }
    Ok(entries)
}

/// Reads the rows of a journal that are packed.
pub(crate) fn packed(
    conn: &Connection,
    number: i64,
    id: ExecutionId,
) -> Result<Option<Vec<Numbered>>, Error> {
    let mut statement = conn.prepare_cached("SELECT body FROM packs WHERE number = ?1")?;
    let mut rows = statement.query([number])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(decode::packed(row, id)?))
}

/// Reads the result at a place, however large.
pub(crate) fn value(
    conn: &Connection,
    id: ExecutionId,
    path: &str,
) -> Result<Option<Value>, Error> {
    let conn = conn.unchecked_transaction()?;
    let Some(number) = number(&conn, id)? else { return Ok(None) };
    let mut statement = conn.prepare_cached(
        "SELECT value, bytes FROM journal WHERE number = ?1 AND path = ?2 AND outcome = 0",
    )?;
    let mut rows = statement.query(params![number, path])?;
    if let Some(row) = rows.next()? {
        return Ok(Some(decode::value(row, id)?));
    }
    let packed = packed(&conn, number, id)?.unwrap_or_default();
    let Some((_, row)) = packed.into_iter().find(|(_, row)| row.path == path) else {
        return Ok(None);
    };
    match decode::entry(row, id)?.answer.map(|answer| answer.outcome) {
        Some(Outcome::Done(value)) => Ok(Some(value)),
        _ => Ok(None),
    }
}
