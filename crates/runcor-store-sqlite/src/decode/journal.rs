//! Journal rows back to entries.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;
use serde_json::Value;

use runcor_core::{
    Answer, ExecutionId, JournalEntry, JournalKind, Outcome, RequestHash, StoreError, Timestamp,
};

use super::{Damage, Field, Fields, damage};
use crate::encode::{DONE, EntryRow, FAILED, NOT_DONE};
use crate::pack::{self, Numbered};

/// The columns of a journal entry, in the order in which they are read.
pub(crate) const ENTRY_COLUMNS: &str = "entry, path, kind, request, attempts, begun, note, \
     spend, reused, at, outcome, bytes, CASE WHEN bytes IS NULL THEN value END";

/// Reads a row of [`ENTRY_COLUMNS`].
pub(crate) fn entry_row(row: &Row<'_>, id: ExecutionId) -> Result<Numbered, StoreError> {
    let mut fields = Fields { row, next: 0 };
    read(&mut fields).map_err(|Damage(column)| damage(id, column))
}

fn read(fields: &mut Fields<'_>) -> Field<Numbered> {
    let entry = fields.int("journal number")?;
    let row = EntryRow {
        path: fields.text("journal path")?.to_owned(),
        kind: JournalKind::parse(fields.text("journal kind")?).ok_or(Damage("journal kind"))?,
        request: fields.optional_blob("journal request")?.map(RequestHash::from_bytes),
        attempts: fields.count("journal attempts")?,
        begun: fields.int("journal beginning")?,
        note: fields.optional_text("journal note")?.map(str::to_owned),
        spend: fields.optional_text("journal spend")?.map(str::to_owned),
        reused: fields.int("journal reuse")? != 0,
        at: fields.optional_int("journal end")?,
        outcome: fields.optional_int("journal outcome")?,
        bytes: fields.optional_int("journal size")?,
        value: fields.optional_text("journal value")?.map(str::to_owned),
    };
    Ok((entry, row))
}

/// Makes the entry of a row; a large result is left out.
pub(crate) fn entry(row: EntryRow, id: ExecutionId) -> Result<JournalEntry, StoreError> {
    let read = || -> Field<JournalEntry> {
        Ok(JournalEntry {
            answer: answer(&row)?,
            note: json(row.note.as_deref(), "journal note")?,
            spend: json(row.spend.as_deref(), "journal spend")?,
            path: row.path,
            kind: row.kind,
            request: row.request,
            attempts: row.attempts,
            begun: Timestamp::from_millis(row.begun),
            reused: row.reused,
        })
    };
    read().map_err(|Damage(column)| damage(id, column))
}

fn answer(row: &EntryRow) -> Field<Option<Answer>> {
    let Some((at, outcome)) = row.at.zip(row.outcome) else { return Ok(None) };
    let value = row.value.as_deref();
    let outcome = match (outcome, row.bytes) {
        (DONE, Some(bytes)) => Outcome::Spilled { bytes: bytes.unsigned_abs() },
        (DONE, None) => {
            Outcome::Done(json(value, "journal value")?.ok_or(Damage("journal value"))?)
        }
        (FAILED, _) => {
            Outcome::Failed(json(value, "journal failure")?.ok_or(Damage("journal failure"))?)
        }
        (NOT_DONE, _) => Outcome::NotDone,
        _ => return Err(Damage("journal outcome")),
    };
    Ok(Some(Answer { at: Timestamp::from_millis(at), outcome }))
}

/// Reads a pack that stands alone in a row.
pub(crate) fn packed(row: &Row<'_>, id: ExecutionId) -> Result<Vec<Numbered>, StoreError> {
    let body = row.get_ref(0).ok().and_then(|body| body.as_blob().ok());
    body.and_then(pack::unpack).ok_or_else(|| damage(id, "pack of its journal"))
}

/// Reads a value, compressed or not, from a row of it and its size.
pub(crate) fn value(row: &Row<'_>, id: ExecutionId) -> Result<Value, StoreError> {
    let read = || -> Option<Value> {
        match row.get_ref(0).ok()? {
            ValueRef::Text(text) => serde_json::from_slice(text).ok(),
            ValueRef::Blob(body) => {
                let bytes = usize::try_from(row.get::<_, i64>(1).ok()?).ok()?;
                serde_json::from_slice(&pack::expand(body, bytes)?).ok()
            }
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
        }
    };
    read().ok_or_else(|| damage(id, "journal value"))
}

fn json<T: DeserializeOwned>(text: Option<&str>, name: &'static str) -> Field<Option<T>> {
    text.map(|text| serde_json::from_str(text).map_err(|_| Damage(name))).transpose()
}
