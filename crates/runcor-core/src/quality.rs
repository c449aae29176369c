//! Quality: what evaluators thought of an execution, and flags for people to look at.

mod comparison;
mod past;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use comparison::{Comparison, ComparisonRow, ComparisonVerdict, ExecutionSet};
pub use past::{PastEvaluations, PastQuery};

use crate::cost::Caller;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ExecutionId, FlowName, TenantId, UserId};
use crate::store::{Cursor, Order, Page, StoreError};
use crate::time::Timestamp;

/// What evaluators thought of one execution; there is one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its flow.
    pub flow_name: FlowName,
    /// On whose behalf it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// For which tenant it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it was judged.
    pub timestamp: Timestamp,
    /// What each evaluator found, by priority.
    pub evaluator_results: Vec<EvaluatorResult>,
    /// For each dimension the weighted mean over the evaluators, in [0, 1].
    pub aggregate_scores: BTreeMap<String, f64>,
    /// The mean over the dimensions, in [0, 1].
    pub overall_score: f64,
    /// What the overall score says.
    pub confidence: Confidence,
    /// The labels of all evaluators.
    pub labels: Vec<String>,
    /// The evaluators that failed.
    pub errors: Vec<EvaluatorFailure>,
}

/// What one evaluator found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluatorResult {
    /// The evaluator.
    pub evaluator_name: String,
    /// Its scores by dimension.
    pub scores: BTreeMap<String, f64>,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it says to people.
    pub feedback: Option<String>,
    /// What its scores say by its own thresholds.
    pub confidence: Confidence,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// An evaluator that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluatorFailure {
    /// The evaluator.
    pub evaluator_name: String,
    /// What went wrong.
    pub error: String,
    /// Whether it took too long.
    pub timed_out: bool,
}

/// What a score says about a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A person should look at it.
    Low,
    /// It may do.
    Medium,
    /// It can be relied upon.
    High,
}

/// A mark on an execution that a person should look at; there is one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flag {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its flow.
    pub flow_name: FlowName,
    /// For which tenant it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Where it stands.
    pub status: FlagStatus,
    /// Why it is there.
    pub reason: String,
    /// Who put it there.
    pub source: FlagSource,
    /// When it was put there.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where a flag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlagStatus {
    /// Nobody has looked yet.
    Pending,
    /// Somebody has looked.
    Reviewed,
    /// It is settled.
    Resolved,
}

impl FlagStatus {
    /// Every status, in order.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Reviewed, Self::Resolved];

    /// Returns the status as stores keep it and the wire shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reviewed => "reviewed",
            Self::Resolved => "resolved",
        }
    }

    /// Finds the status that `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Returns whether a flag may go from here to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!((self, next), (Self::Pending, Self::Reviewed) | (Self::Reviewed, Self::Resolved))
    }
}

/// Who put a flag there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlagSource {
    /// An evaluation.
    Auto,
    /// A person.
    Manual,
}

/// Which evaluations are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationQuery {
    /// Only those of this flow.
    pub flow: Option<FlowName>,
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those made at this instant or later.
    pub since: Option<Timestamp>,
    /// The order of writing in which they come.
    pub order: Order,
    /// Where the last page ended.
    pub after: Option<Cursor>,
    /// The most that are returned.
    pub limit: usize,
}

impl Default for EvaluationQuery {
    fn default() -> Self {
        Self { flow: None, tenant: None, since: None, order: Order::Oldest, after: None, limit: 50 }
    }
}

/// Which flags are wanted; oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagQuery {
    /// Only those that stand here.
    pub status: Option<FlagStatus>,
    /// Only those of this flow.
    pub flow: Option<FlowName>,
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Where the last page ended.
    pub after: Option<Cursor>,
    /// The most that are returned.
    pub limit: usize,
}

impl Default for FlagQuery {
    fn default() -> Self {
        Self { status: None, flow: None, tenant: None, after: None, limit: 50 }
    }
}

/// Reads of evaluations and flags.
#[async_trait]
pub trait QualityReads: Send + Sync {
    /// Returns what evaluators thought of an execution.
    async fn evaluation(&self, id: ExecutionId) -> Result<Option<Evaluation>, StoreError>;

    /// Returns a page of evaluations.
    async fn evaluations(&self, query: &EvaluationQuery) -> Result<Page<Evaluation>, StoreError>;

    /// Returns executions that ended and wait to be evaluated, oldest first.
    async fn unevaluated(&self, limit: usize) -> Result<Vec<ExecutionId>, StoreError>;

    /// Returns the flag of an execution.
    async fn flag(&self, id: ExecutionId) -> Result<Option<Flag>, StoreError>;

    /// Returns a page of flags, oldest first.
    async fn flags(&self, query: &FlagQuery) -> Result<Page<Flag>, StoreError>;
}

/// Judges executions and keeps flags; `runcor-eval` implements it.
///
/// Callers with a tenant see and change what belongs to it; everything else does not exist for them.
#[async_trait]
pub trait Quality: std::fmt::Debug + Send + Sync {
    /// Judges an execution that is complete now, whatever was thought of it before.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_STATE` (it is not complete),
    /// `EVALUATION_NOT_FOUND` (no evaluator applies to its flow), `STORAGE_…`.
    async fn evaluate(&self, caller: &Caller, id: ExecutionId) -> Result<Evaluation>;

    /// Judges executions of the past, a chunk with each call.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a foreign cursor, `STORAGE_…`.
    async fn evaluate_past(&self, caller: &Caller, query: &PastQuery) -> Result<PastEvaluations> {
        let _ = (caller, query);
        Err(not_offered("judges no executions of the past"))
    }

    /// Compares two sets of executions by what was thought of them, what they
    /// cost and how long they took.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND` for one that is named, `VALIDATION_ERROR` for a
    /// set that is too large or not described, `STORAGE_…`.
    async fn compare(
        &self,
        caller: &Caller,
        first: &ExecutionSet,
        second: &ExecutionSet,
    ) -> Result<Comparison> {
        let _ = (caller, first, second);
        Err(not_offered("compares no executions"))
    }

    /// Returns what was thought of an execution.
    ///
    /// # Errors
    /// `EVALUATION_NOT_FOUND`, `STORAGE_…`.
    async fn evaluation(&self, caller: &Caller, id: ExecutionId) -> Result<Evaluation>;

    /// Returns a page of evaluations.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a foreign cursor, `STORAGE_…`.
    async fn evaluations(
        &self,
        caller: &Caller,
        query: &EvaluationQuery,
    ) -> Result<Page<Evaluation>>;

    /// Returns the flag of an execution, `None` while it has none.
    ///
    /// # Errors
    /// `STORAGE_…`.
    async fn flag_of(&self, caller: &Caller, id: ExecutionId) -> Result<Option<Flag>>;

    /// Puts a flag on an execution.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `ALREADY_FLAGGED`, `STORAGE_…`.
    async fn flag(&self, caller: &Caller, id: ExecutionId, reason: Option<String>) -> Result<Flag>;

    /// Moves a flag on.
    ///
    /// # Errors
    /// `FLAG_NOT_FOUND`, `INVALID_FLAG_TRANSITION`, `STORAGE_…`.
    async fn update_flag(&self, caller: &Caller, id: ExecutionId, to: FlagStatus) -> Result<Flag>;

    /// Returns a page of flags, oldest first.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a foreign cursor, `STORAGE_…`.
    async fn flags(&self, caller: &Caller, query: &FlagQuery) -> Result<Page<Flag>>;
}

fn not_offered(what: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("this part of the runtime {what}"))
}
