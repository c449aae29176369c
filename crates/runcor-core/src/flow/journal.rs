//! The journal of one execution: what was begun, what came of it, and need not be done again.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hash::RequestHash;
use crate::error::Result;
use crate::id::{ExecutionId, FlowName};
use crate::model::ModelResponse;
use crate::model::Usage;
use crate::money::Money;
use crate::store::Op;
use crate::time::Timestamp;

/// One thing in the life of an execution: a step, a call, a wait.
///
/// Without [`answer`](Self::answer) it is an *intent*: begun, and nobody knows
/// yet what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// Its identity in the execution: names and how often each was met, nested
    /// by `/`, such as `charge#1` or `fetch#1/7/model#1`.
    pub path: String,
    /// What kind of thing it is.
    pub kind: JournalKind,
    /// What was asked, where that is known: the same path with another hash has diverged.
    pub request: Option<RequestHash>,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was last begun.
    pub begun: Timestamp,
    /// What it needs to go on after a restart: an instant, a child, a token.
    pub note: Option<Value>,
    /// What came of it.
    pub answer: Option<Answer>,
    /// What it cost, where it was a model call.
    pub spend: Option<Spend>,
    /// Whether it was taken over from the execution that this one forks.
    pub reused: bool,
}

/// What came of something in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

/// How something in the journal ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It has this result.
    Done(Value),
    /// It has a result, which is kept apart because of its size; see
    /// [`Store::journal_value`](crate::Store::journal_value).
    Spilled {
        /// The size of the result as JSON text, in bytes.
        bytes: u64,
    },
    /// It failed for good.
    Failed(StepFailure),
    /// Somebody has decided that it did not happen; it may be begun again.
    NotDone,
}

/// A failure that is remembered as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// The stable code, where the failure has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What happened, for people.
    pub message: String,
}

/// What one model call cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spend {
    /// The registered name of the provider.
    pub provider: String,
    /// The model, as the vendor names it.
    pub model: String,
    /// The tokens.
    pub usage: Usage,
    /// The cost in nano-dollars, where the provider's price is known.
    #[serde(rename = "costNanos", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

impl Spend {
    /// Returns what a model's answer cost.
    #[must_use]
    pub fn of(response: &ModelResponse) -> Self {
        Self {
            provider: response.provider.clone(),
            model: response.model.clone(),
            usage: response.usage,
            cost: response.cost,
        }
    }
}

impl JournalEntry {
    /// Makes an intent that was begun once.
    #[must_use]
    pub fn intent(path: impl Into<String>, kind: JournalKind, at: Timestamp) -> Self {
        Self {
            path: path.into(),
            kind,
            request: None,
            attempts: 1,
            begun: at,
            note: None,
            answer: None,
            spend: None,
            reused: false,
        }
    }

    /// Makes an entry that ended at the instant at which it began.
    #[must_use]
    pub fn done(path: impl Into<String>, kind: JournalKind, value: Value, at: Timestamp) -> Self {
        Self::intent(path, kind, at).with_outcome(Outcome::Done(value), at)
    }

    /// Says what came of it.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome, at: Timestamp) -> Self {
        self.answer = Some(Answer { at, outcome });
        self
    }

    /// Adds what it needs to go on after a restart.
    #[must_use]
    pub fn with_note(mut self, note: Value) -> Self {
        self.note = Some(note);
        self
    }

    /// Returns how it ended, unless it may be begun again.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self.answer.as_ref().map(|answer| &answer.outcome) {
            None | Some(Outcome::NotDone) => None,
            Some(outcome) => Some(outcome),
        }
    }
}

/// The kinds of journal entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JournalKind {
    /// A step.
    Step,
    /// A model call.
    Model,
    /// A tool call.
    Tool,
    /// A wait for somebody's answer.
    Wait,
    /// A wait for an instant.
    Sleep,
    /// A wait for an approval.
    Approval,
    /// A child execution.
    Call,
    /// A look into a memory, or a change of it.
    Memory,
}

impl JournalKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Step,
        Self::Model,
        Self::Tool,
        Self::Wait,
        Self::Sleep,
        Self::Approval,
        Self::Call,
        Self::Memory,
    ];

    /// Returns the kind as stores keep it and the wire shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Wait => "wait",
            Self::Sleep => "sleep",
            Self::Approval => "approval",
            Self::Call => "call",
            Self::Memory => "memory",
        }
    }

    /// Finds the kind that stores keep as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Reads and extends the journal of the running execution; the engine gives it to the handler.
///
/// # Contract
/// Both writes fail with `INVALID_STATE` when the execution is no longer run
/// by this handler (cancelled, or claimed by another worker), and the handler
/// must then begin no further effect.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns the entry at `path`, with its value even where that is kept apart.
    async fn find(&self, path: &str) -> Result<Option<JournalEntry>>;

    /// Writes an intent; a store that has trouble at the moment MAY refuse it.
    async fn begin(&self, entry: JournalEntry) -> Result<()>;

    /// Writes an answer and applies `with`, both or none; returns only once
    /// they are durable, however long the store takes.
    ///
    /// `replace` allows to write over another answer at the same path. What
    /// `with` expects and does not find is an error, and nothing is written then.
    async fn end(&self, entry: JournalEntry, replace: bool, with: Vec<Op>) -> Result<()>;

    /// Takes something that need not be durable before what comes next is: it
    /// is written together with that. A process that dies before then has
    /// shown it to nobody.
    fn note(&self, entry: Option<JournalEntry>, with: Vec<Op>);

    /// Returns whether an entry was noted that is not yet written.
    fn has_notes(&self) -> bool;
}

/// Starts and reads child executions; the engine gives it to the handler.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Starts a child and writes the intent of the call, both or none.
    ///
    /// Returns the child's id; the intent's note names it.
    async fn start(&self, call: ChildCall) -> Result<ExecutionId>;

    /// Returns what came of a child; `None` while it has not ended.
    async fn outcome(&self, child: ExecutionId) -> Result<Option<Outcome>>;
}

/// A child execution to be started.
#[derive(Debug, Clone)]
pub struct ChildCall {
    /// The intent at the call's path, still without the child's id.
    pub intent: JournalEntry,
    /// The flow to run.
    pub flow: FlowName,
    /// Its input.
    pub input: Value,
}
