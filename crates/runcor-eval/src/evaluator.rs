//! What an evaluator is, what it sees, and what it says.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use runcor_core::{CallScope, Execution, ExecutionId, FlowName, Result, TenantId, UserId};
use serde_json::Value;

/// The most dimensions, and the most labels, that one evaluator gives.
const MAX_COUNT: usize = 64;

/// The longest name of a dimension and the longest label, in characters.
const MAX_WORD: usize = 200;

/// The longest feedback, in characters.
const MAX_FEEDBACK: usize = 4000;

/// Judges what became of an execution.
///
/// # Contract
/// An evaluator MAY be asked about one execution more than once, also after it
/// has answered. Its future is dropped when it takes too long. What it returns
/// as an error is recorded and hurts nobody; so is its panic. One that works
/// for long without awaiting anything holds up the others.
#[async_trait]
pub trait Evaluator: fmt::Debug + Send + Sync {
    /// Returns the name; no two evaluators share one.
    fn name(&self) -> &str;

    /// Judges an execution.
    ///
    /// # Errors
    /// Whatever keeps it from judging.
    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement>;
}

/// What an evaluator sees of an execution that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalContext {
    execution: Execution,
}

impl EvalContext {
    /// Shows an execution.
    #[must_use]
    pub fn new(execution: Execution) -> Self {
        Self { execution }
    }

    /// Returns the whole record.
    #[must_use]
    pub fn execution(&self) -> &Execution {
        &self.execution
    }

    /// Returns the identity.
    #[must_use]
    pub fn id(&self) -> ExecutionId {
        self.execution.id()
    }

    /// Returns the flow.
    #[must_use]
    pub fn flow(&self) -> &FlowName {
        &self.execution.spec.flow
    }

    /// Returns the input.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.execution.spec.input
    }

    /// Returns the result.
    #[must_use]
    pub fn output(&self) -> &Value {
        self.execution.status.result.as_deref().unwrap_or(&Value::Null)
    }

    /// Returns the caller's own notes.
    #[must_use]
    pub fn metadata(&self) -> Option<&Value> {
        self.execution.spec.metadata.as_ref()
    }

    /// Returns on whose behalf it ran.
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        self.execution.spec.user_id.as_ref()
    }

    /// Returns for which tenant it ran.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&TenantId> {
        self.execution.spec.tenant_id.as_ref()
    }

    /// Returns how long it took from its first start to its end.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let status = &self.execution.status;
        match (status.started, status.completed) {
            (Some(started), Some(completed)) => completed.since(started),
            _ => Duration::ZERO,
        }
    }
}

/// What an evaluator says of an execution.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Judgement {
    /// Its scores by dimension, of 0 to 1; what lies beyond is cut off. Without
    /// any it does not count.
    pub scores: BTreeMap<String, f64>,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it says to people.
    pub feedback: Option<String>,
    /// The calls that the judgement itself has cost, to be paid with it.
    pub paid_by: CallScope,
}

impl Judgement {
    /// Gives no score.
    pub fn none() -> Self {
        Self::default()
    }

    /// Gives a score in one dimension.
    pub fn score(dimension: impl Into<String>, score: f64) -> Self {
        Self::none().and(dimension, score)
    }

    /// Gives a score in another dimension as well.
    pub fn and(mut self, dimension: impl Into<String>, score: f64) -> Self {
        self.scores.insert(dimension.into(), score);
        self
    }

    /// Adds a label.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// Says something to people.
    pub fn with_feedback(mut self, text: impl Into<String>) -> Self {
        self.feedback = Some(text.into());
        self
    }

    /// Says in which scope the calls were made that it has cost.
    ///
    /// What a scope owes and nobody pays goes to its meter, when the last copy goes.
    pub fn paid_by(mut self, scope: CallScope) -> Self {
        self.paid_by = scope;
        self
    }

    /// Cuts off what is too long or too much to be kept.
    pub(crate) fn bounded(mut self) -> Self {
        let scores = std::mem::take(&mut self.scores).into_iter().take(MAX_COUNT);
        self.scores = scores.map(|(name, score)| (cut(name, MAX_WORD), score)).collect();
        self.labels.truncate(MAX_COUNT);
        self.labels = self.labels.into_iter().map(|label| cut(label, MAX_WORD)).collect();
        self.feedback = self.feedback.map(|text| cut(text, MAX_FEEDBACK));
        self
    }
}

/// Cuts a text after so many characters.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
    text
}
