//! Journal entries as rows: what came of them, and what stands apart because of its size.

use runcor_core::{Answer, JournalEntry, Outcome, StoreError, Timestamp};

use super::{Encoder, integer};

/// A result above this size is left out where a whole journal is read.
const SPILLED_FROM_BYTES: usize = 8192;

/// The numbers that stand for outcomes in the database.
pub(crate) const DONE: i64 = 0;
pub(crate) const FAILED: i64 = 1;
pub(crate) const NOT_DONE: i64 = 2;

/// A journal entry whose structured parts are text.
#[derive(Debug)]
pub(crate) struct EntryRow {
    pub(crate) path: String,
    pub(crate) kind: &'static str,
    pub(crate) request: Option<[u8; 16]>,
    pub(crate) attempts: u32,
    pub(crate) begun: i64,
    pub(crate) note: Option<String>,
    pub(crate) at: Option<i64>,
    pub(crate) outcome: Option<i64>,
    pub(crate) spend: Option<String>,
    pub(crate) reused: bool,
    /// The size of the value, where it is a large result.
    pub(crate) bytes: Option<i64>,
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
            kind: entry.kind.as_str(),
            request: entry.request.map(|hash| *hash.as_bytes()),
            attempts: entry.attempts,
            begun: entry.begun.as_millis(),
            note: self.optional(entry.note.as_ref())?,
            at: answer.map(|answer| Timestamp::as_millis(answer.at)),
            outcome,
            spend: self.optional(entry.spend.as_ref())?,
            reused: entry.reused,
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
