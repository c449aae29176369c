//! The journal of one execution: what has been done and need not be done again.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::time::Timestamp;

/// One finished thing in the life of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its identity in the execution: a name and how often that name was met,
    /// such as `charge-back#1`.
    pub path: String,
    /// What kind of thing it is.
    pub kind: JournalKind,
    /// Its result.
    pub value: Value,
    /// When it finished.
    pub at: Timestamp,
}

/// The kinds of journal entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JournalKind {
    /// A step that has run to its end.
    Step,
    /// A wait that was answered.
    Wait,
}

impl JournalKind {
    /// Returns the kind as stores keep it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Wait => "wait",
        }
    }

    /// Finds the kind that stores keep as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "step" => Some(Self::Step),
            "wait" => Some(Self::Wait),
            _ => None,
        }
    }
}

/// Reads and extends the journal of the running execution; the engine gives it to the handler.
///
/// # Contract
/// `record` returns only once the entry is durable, and fails when the
/// execution is no longer run by this handler (cancelled, or claimed by
/// another worker).
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns the value of the entry at `path`, if there is one.
    async fn find(&self, path: &str) -> Result<Option<Value>>;

    /// Returns how many entries of `kind` there are.
    async fn count(&self, kind: JournalKind) -> Result<usize>;

    /// Appends an entry.
    async fn record(&self, entry: JournalEntry) -> Result<()>;
}
