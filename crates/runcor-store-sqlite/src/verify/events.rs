//! Events: numbered without a gap, readable, and true of the executions they tell of.

use runcor_core::{Event, ExecutionComplete};
use rusqlite::{Connection, OptionalExtension};

use super::report::Report;
use crate::encode::state_code;
use crate::error::Error;
use crate::{counters, decode};

pub(super) fn check(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare("SELECT seq, body, result FROM events ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut last: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let place = format!("event {seq}");
        match last {
            Some(last) if seq != last + 1 => {
                let message = format!("the event before it has the number {last}");
                report.find("events-have-no-gap", &place, message);
            }
            None if seq < 1 => report.find("events-have-no-gap", &place, "numbers begin at 1"),
            _ => {}
        }
        last = Some(seq);
        report.checked.events += 1;
        match decode::event(row) {
            Err(error) => report.find("events-can-be-read", &place, error.to_string()),
            Ok(record) => {
                if let Event::ExecutionComplete(told) = &record.event {
                    end(conn, &place, told, report)?;
                }
            }
        }
    }
    counters(conn, report)
}

/// An end that was told of is the end that the record has.
fn end(
    conn: &Connection,
    place: &str,
    told: &ExecutionComplete,
    report: &mut Report,
) -> Result<(), Error> {
    let found: Option<i64> = conn
        .prepare_cached("SELECT state FROM executions WHERE id = ?1")?
        .query_row([told.execution_id.as_bytes()], |row| row.get(0))
        .optional()?;
    // It may have been removed since.
    let Some(found) = found else { return Ok(()) };
    if found != i64::from(state_code(told.state)) {
        let message =
            format!("it tells that {} is {}, and it is not", told.execution_id, told.state);
        report.find("events-are-true", &place, message);
    }
    Ok(())
}

/// The numbers that only grow are not below what was numbered with them.
fn counters(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare("SELECT name, value FROM counters")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, value): (String, i64) = (row.get(0)?, row.get(1)?);
        if !counters::NAMES.contains(&name.as_str()) || value < 0 {
            let message = format!("there is no counter {name:?} with the value {value}");
            report.find("counters-are-known", &"the counters", message);
        }
    }
    Ok(())
}
