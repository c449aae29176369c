//! Fuzz targets: what holds for every row of a file, however damaged. No part of the API.
//!
//! `cargo xtask fuzz` looks for inputs that break them; the tests below run them
//! over the inputs that are kept in `tests/fuzz`.

mod rows;

use std::time::Duration;

use runcor_core::{
    Batch, Change, Execution, ExecutionId, ExecutionSpec, JournalEntry, Op, StoreError, Timeline,
    Timestamp, WorkerId,
};
use serde_json::Value;

use self::rows::each_row;
use crate::budget::parse_holds;
use crate::decode;
use crate::encode::{EncodedOp, Encoder, EntryRow, LedgerRow};
use crate::pack::{Numbered, pack, squeeze, unpack};

/// A row is an execution that can be worked with, or it tells of damage.
pub fn execution_row(data: &[u8]) {
    each_row(data, 31, |row| match decode::execution(row) {
        Ok(execution) => can_be_changed(&execution),
        Err(error) => tells_of_damage(&error),
    });
}

/// A row is a journal entry that is the same when it was written again, or it
/// tells of damage; rows make a timeline.
pub fn journal_row(data: &[u8]) {
    let mut entries = Vec::new();
    each_row(data, 13, |row| match decode::entry_row(row, id()) {
        Ok((_, row)) => entries.extend(entry(row)),
        Err(error) => tells_of_damage(&error),
    });
    drop(Timeline::of(execution(), entries));
}

/// The body of a pack is journal entries, or it is none; bytes are also taken
/// for what is packed in one.
pub fn journal_pack(data: &[u8]) {
    for body in [data, &squeeze(data)] {
        let rows = unpack(body).unwrap_or_default();
        let entries = rows.into_iter().filter_map(|(_, row)| entry(row)).collect();
        drop(Timeline::of(execution(), entries));
    }
}

/// A row is the value of an entry, or it tells of damage.
pub fn journal_value(data: &[u8]) {
    each_row(data, 2, |row| decode::value(row, id()).map_or_else(|e| tells_of_damage(&e), drop));
}

/// A row is an event, or it tells of damage.
pub fn event_row(data: &[u8]) {
    each_row(data, 3, |row| decode::event(row).map_or_else(|e| tells_of_damage(&e), drop));
}

/// A row is a row of the ledger that is the same when it was written again, or it
/// tells of damage; a text is what a reservation is booked as, or it is none.
pub fn ledger_row(data: &[u8]) {
    each_row(data, 19, |row| match decode::ledger(row) {
        Ok((_, entry)) => {
            let text = serde_json::to_string(&LedgerRow::of(entry.clone())).unwrap_or_default();
            assert_eq!(decode::reserved(&text), Some(LedgerRow::of(entry)));
        }
        Err(error) => tells_of_damage(&error),
    });
    drop(str::from_utf8(data).ok().and_then(decode::reserved));
    drop(parse_holds(data));
}

/// A row is an account, an entry of a memory, an evaluation or a flag, or it tells of damage.
pub fn governance_row(data: &[u8]) {
    each_row(data, 10, |row| {
        decode::account(row).map_or_else(|e| tells_of_damage(&e), drop);
        decode::memory(row).map_or_else(|e| tells_of_damage(&e), drop);
        decode::evaluation(row).map_or_else(|e| tells_of_damage(&e), drop);
        decode::flag(row).map_or_else(|e| tells_of_damage(&e), drop);
    });
}

fn entry(row: EntryRow) -> Option<JournalEntry> {
    let entry = decode::entry(row, id()).map_err(|error| tells_of_damage(&error)).ok()?;
    if let Some(row) = written(&entry) {
        let packed = pack(&[(1, row)]).and_then(|body| unpack(&body));
        let again = packed.into_iter().flatten().map(|(_, row): Numbered| decode::entry(row, id()));
        assert_eq!(again.flatten().collect::<Vec<_>>(), std::slice::from_ref(&entry));
    }
    Some(entry)
}

/// The row that is written for an entry; none for one whose value was left out or is large.
fn written(entry: &JournalEntry) -> Option<EntryRow> {
    let entry = Box::new(entry.clone());
    let op = Op::Journal { id: id(), epoch: 1, entry, replace: false };
    let batch = Encoder::default().batch(Batch::new().with(op)).ok()?;
    match batch.ops.into_iter().next() {
        Some(EncodedOp::Journal { entry, .. }) if entry.bytes.is_none() => Some(*entry),
        _ => None,
    }
}

fn can_be_changed(execution: &Execution) {
    let worker = WorkerId::from_bytes([9; 16]);
    let complete = Change::Complete { result: Value::Null, expires: None };
    for change in [
        Change::Claim { worker },
        Change::Retry { due: Timestamp::from_millis(i64::MAX) },
        Change::Continue,
        Change::Resume { data: None },
        Change::Wake,
        Change::Release,
        Change::Abandon,
        complete,
    ] {
        for now in [i64::MIN, 0, i64::MAX] {
            // Most changes are not legal in most states.
            let _ = execution.apply(change.clone(), Timestamp::from_millis(now));
        }
    }
    let _ = execution.status.deadline(Duration::MAX);
}

fn tells_of_damage(error: &StoreError) {
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
}

fn id() -> ExecutionId {
    ExecutionId::from_bytes([7; 16])
}

#[expect(clippy::unwrap_used, reason = "these names are sound")]
fn execution() -> Execution {
    let (flow, key) = ("f".try_into().unwrap(), "k".try_into().unwrap());
    Execution::queued(ExecutionSpec::new(id(), flow, key, Value::Null, Timestamp::default()))
}

#[cfg(test)]
mod tests {
    use runcor_testkit::replay_inputs;

    const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

    #[test]
    fn executions_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/execution_row"), super::execution_row);
    }

    #[test]
    fn journals_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/journal_row"), super::journal_row);
    }

    #[test]
    fn packs_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/journal_pack"), super::journal_pack);
    }

    #[test]
    fn values_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/journal_value"), super::journal_value);
    }

    #[test]
    fn rows_of_the_ledger_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/ledger_row"), super::ledger_row);
    }

    #[test]
    fn rows_about_money_memories_and_quality_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/governance_row"), super::governance_row);
    }

    #[test]
    fn events_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/event_row"), super::event_row);
    }
}
