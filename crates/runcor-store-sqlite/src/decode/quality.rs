//! Entries of memories, evaluations and flags.

use runcor_core::{
    Evaluation, ExecutionId, Flag, FlagSource, FlagStatus, FlowName, MemoryEntry, StoreError,
    TenantId,
};
use rusqlite::Row;

use super::{Damage, Field, Fields};
use crate::error::damaged;

/// The columns of an entry of a memory, in the order in which they are read.
pub(crate) const MEMORY_COLUMNS: &str = "number, key, created, updated, expires, version, value";

/// The columns of a flag behind its number, in the order in which they are read.
pub(crate) const FLAG_COLUMNS: &str = "id, flow, tenant, status, reason, source, created, updated";

/// Reads an entry from a row of [`MEMORY_COLUMNS`].
pub(crate) fn memory(row: &Row<'_>) -> Result<MemoryEntry, StoreError> {
    whole(row, "entry of a memory", |fields| {
        Ok(MemoryEntry {
            key: fields.text("key")?.to_owned(),
            created: fields.instant("created")?,
            updated: fields.instant("updated")?,
            expires: fields.optional_instant("expires")?,
            version: fields.count("version")?,
            value: fields.json("value")?,
        })
    })
}

/// Reads an evaluation from its number and its body.
pub(crate) fn evaluation(row: &Row<'_>) -> Result<Evaluation, StoreError> {
    whole(row, "evaluation", |fields| fields.json("body"))
}

/// Reads a flag from its number and a row of [`FLAG_COLUMNS`].
pub(crate) fn flag(row: &Row<'_>) -> Result<Flag, StoreError> {
    whole(row, "flag", |fields| {
        Ok(Flag {
            execution_id: fields.blob("id").map(ExecutionId::from_bytes)?,
            flow_name: fields.id::<FlowName>("flow")?,
            tenant_id: match fields.text("tenant")? {
                "" => None,
                name => Some(TenantId::new(name).map_err(|_| Damage("tenant"))?),
            },
            status: FlagStatus::parse(fields.text("status")?).ok_or(Damage("status"))?,
            reason: fields.text("reason")?.to_owned(),
            source: match fields.text("source")? {
                "auto" => FlagSource::Auto,
                "manual" => FlagSource::Manual,
                _ => return Err(Damage("source")),
            },
            created_at: fields.instant("created")?,
            updated_at: fields.instant("updated")?,
        })
    })
}

/// Reads a row that begins with a number, by which damage is told.
fn whole<'r, T>(
    row: &'r Row<'r>,
    what: &str,
    read: impl FnOnce(&mut Fields<'r>) -> Field<T>,
) -> Result<T, StoreError> {
    let mut fields = Fields { row, next: 0 };
    fields.int("number").and_then(|_| read(&mut fields)).map_err(|Damage(column)| {
        let number = row.get::<_, i64>(0).unwrap_or_default();
        damaged(&format!("{what} {number} has no readable {column}"))
    })
}
