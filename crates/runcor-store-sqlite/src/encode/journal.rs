//! Journal entries as rows: what came of them, and what stands apart because of its size.

use runcor_core::{Answer, JournalEntry, JournalKind, Outcome, RequestHash, StoreError, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Encoder, integer};

/// A result above this size is left out where a whole journal is read: it
/// does not fit on a page, and a thousand of this size are 4 MB.
pub(crate) const SPILLED_FROM_BYTES: usize = 4096;

/// The numbers that stand for outcomes in the database.
pub(crate) const DONE: i64 = 0;
pub(crate) const FAILED: i64 = 1;
pub(crate) const NOT_DONE: i64 = 2;

/// A journal entry whose structured parts are text.
///
/// The short names are those of packs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EntryRow {
    #[serde(rename = "p")]
    pub(crate) path: String,
    #[serde(rename = "k")]
    pub(crate) kind: JournalKind,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestHash>,
    #[serde(rename = "a")]
    pub(crate) attempts: u32,
    #[serde(rename = "b")]
    pub(crate) begun: i64,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) spend: Option<String>,
    #[serde(rename = "r", default)]
    pub(crate) reused: bool,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<i64>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<i64>,
    /// The size of the value, where it is a large result.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<i64>,
    /// The result or the failure; left out where it is large and the row was read.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

impl Encoder {
    pub(super) fn entry(&mut self, entry: JournalEntry) -> Result<EntryRow, StoreError> {
        let answer = entry.answer.as_ref();
        let (outcome, value) = match answer {
            Some(Answer { outcome, .. }) => self.outcome(outcome)?,
            None => (None, None),
        };
        let is_large = |value: &&String| value.len() > SPILLED_FROM_BYTES && outcome == Some(DONE);
        Ok(EntryRow {
            kind: entry.kind,
            request: entry.request,
            attempts: entry.attempts,
            begun: entry.begun.as_millis(),
            note: self.optional(entry.note.as_ref())?,
            spend: self.optional(entry.spend.as_ref())?,
            reused: entry.reused,
            at: answer.map(|answer| Timestamp::as_millis(answer.at)),
            outcome,
            bytes: value.as_ref().filter(is_large).map(|value| integer(value.len())),
            value,
            path: entry.path,
        })
    }

    fn outcome(&mut self, outcome: &Outcome) -> Result<(Option<i64>, Option<String>), StoreError> {
        match outcome {
            Outcome::Done(value) => Ok((Some(DONE), Some(self.text(value)?))),
            Outcome::Failed(failure) => Ok((Some(FAILED), Some(self.text(failure)?))),
            Outcome::NotDone => Ok((Some(NOT_DONE), None)),
            _ => Err(StoreError::Unstorable {
                message: "a result that was left out can't be written; read it first".to_owned(),
            }),
        }
    }
}
