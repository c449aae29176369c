//! Health: whether an engine can keep its promises at the moment, and why not.

use serde::Serialize;

use crate::error::ErrorCode;
use crate::time::Timestamp;

/// What an engine says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineHealth {
    /// Why new work is refused, while the store has trouble.
    pub degraded: Option<Degraded>,
}

/// A store's trouble, during which triggers are refused and reads go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Degraded {
    /// What kind of trouble: one of the `STORAGE_…` codes.
    #[serde(serialize_with = "code")]
    pub code: ErrorCode,
    /// What the store says.
    pub message: String,
    /// When it began.
    pub since: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn code<S: serde::Serializer>(code: &ErrorCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}
