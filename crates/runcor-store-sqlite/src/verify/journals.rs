//! Journals: intents, answers, places, large results and what was spent.

use std::collections::HashMap;

use runcor_core::{Execution, ExecutionState, JournalEntry, Money};
use rusqlite::{Connection, Row};

use super::report::Report;
use crate::decode;
use crate::encode::{DONE, EntryRow, FAILED, NOT_DONE};
use crate::error::Error;
use crate::journal;
use crate::pack::Numbered;

/// The places of a journal, and whether there is an answer.
pub(super) type Places = HashMap<String, bool>;

/// Checks the journal of one execution and returns its places.
pub(super) fn check(
    conn: &Connection,
    execution: &Execution,
    number: i64,
    report: &mut Report,
) -> Result<Places, Error> {
    let rows = match rows(conn, execution, number, report) {
        Err(Error::Store(error)) => {
            report.find("journals-can-be-read", &execution.id(), error.to_string());
            return Ok(Places::new());
        }
        rows => rows?,
    };
    let (mut places, mut spent) = (Places::new(), 0_i128);
    for (_, row) in rows {
        report.checked.journal_entries += 1;
        let place = format!("{} {}", execution.id(), row.path);
        form(&row, &place, report);
        match decode::entry(row, execution.id()) {
            Err(error) => report.find("journals-can-be-read", &place, error.to_string()),
            Ok(entry) => {
                spent += i128::from(cost(&entry).as_nanos());
                let is_answered = entry.outcome().is_some();
                if places.insert(entry.path, is_answered).is_some() {
                    report.find("places-are-unique", &place, "the journal has it twice");
                }
            }
        }
    }
    if spent < 0 {
        let message = format!("what it spent sums up to {spent} nano-dollars");
        report.find("money-is-not-negative", &execution.id(), message);
    }
    large(conn, execution, number, report)?;
    Ok(places)
}

/// Reads the rows of a journal, packed or not.
fn rows(
    conn: &Connection,
    execution: &Execution,
    number: i64,
    report: &mut Report,
) -> Result<Vec<Numbered>, Error> {
    let mut rows = journal::unpacked(conn, number, execution.id())?;
    let Some(packed) = journal::packed(conn, number, execution.id())? else { return Ok(rows) };
    report.checked.packed_journals += 1;
    if !execution.state().is_terminal() {
        let message = "its journal is packed, and it has not ended";
        report.find("packs-are-of-ended", &execution.id(), message);
    }
    rows.extend(packed);
    Ok(rows)
}

fn cost(entry: &JournalEntry) -> Money {
    entry.spend.as_ref().and_then(|spend| spend.cost).unwrap_or(Money::ZERO)
}

/// An intent has no answer in any column, an answer has one in all.
fn form(row: &EntryRow, place: &str, report: &mut Report) {
    let has_value = row.value.is_some() || row.bytes.is_some();
    let needs_value = matches!(row.outcome, Some(DONE | FAILED));
    let is_known = matches!(row.outcome, None | Some(DONE | FAILED | NOT_DONE));
    report.find_all(
        "entries-are-whole",
        &place,
        [
            (row.path.is_empty(), "it has no path"),
            (row.at.is_some() != row.outcome.is_some(), "it has half an answer"),
            (needs_value && !has_value, "its answer has no value"),
            (!needs_value && has_value, "it has a value and no answer that brings one"),
            (row.bytes.is_some() && row.outcome != Some(DONE), "it has a size and no result"),
            (!is_known, "its outcome is none that there is"),
        ],
    );
}

/// Every large result is there, has the size that is told of it, and can be read.
fn large(
    conn: &Connection,
    execution: &Execution,
    number: i64,
    report: &mut Report,
) -> Result<(), Error> {
    let mut statement = conn.prepare_cached(
        "SELECT value, bytes, path FROM journal WHERE number = ?1 AND bytes IS NOT NULL",
    )?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        report.checked.large_results += 1;
        let path: String = row.get(2)?;
        let place = format!("{} {path}", execution.id());
        if !has_told_size(row)? {
            let message = "the result has another size than the journal tells";
            report.find("large-results-are-whole", &place, message);
        } else if let Err(error) = decode::value(row, execution.id()) {
            report.find("large-results-are-whole", &place, error.to_string());
        }
    }
    Ok(())
}

/// Returns whether a text is as long as is told; a compressed one says so when it is read.
fn has_told_size(row: &Row<'_>) -> rusqlite::Result<bool> {
    let told: i64 = row.get(1)?;
    Ok(match row.get_ref(0)? {
        rusqlite::types::ValueRef::Text(text) => i64::try_from(text.len()).ok() == Some(told),
        _ => true,
    })
}

/// Returns whether the place at which a waiting execution will have its answer is still free.
pub(super) fn is_free(places: &Places, execution: &Execution) -> bool {
    let path = execution.status.wait.as_ref().and_then(|wait| wait.path.as_ref());
    let is_answered = path.and_then(|path| places.get(path)).is_some_and(|answered| *answered);
    execution.state() != ExecutionState::Waiting || !is_answered
}
