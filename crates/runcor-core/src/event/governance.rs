//! Events about money, policy and quality.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cost::{AttemptOutcome, BudgetScope};
use crate::guard::GuardPhase;
use crate::id::{AttemptId, ExecutionId, FlowName, TenantId, UserId};
use crate::policy::Operation;
use crate::quality::{Confidence, FlagSource, FlagStatus};
use crate::rate::RateScope;
use crate::time::Timestamp;

/// A request to a vendor was paid for; from the meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostRequest {
    /// The row of the ledger; the event may come twice, with the same one.
    pub id: AttemptId,
    /// The registered name of the provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// The cost in dollars.
    pub cost: f64,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The execution, where the call belongs to one.
    pub execution_id: Option<ExecutionId>,
    /// The flow.
    pub flow_name: FlowName,
    /// On whose behalf.
    pub user_id: Option<UserId>,
    /// For which tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it was booked.
    pub timestamp: Timestamp,
}

/// The use of a budget has come near its limit; from the meter, once for each window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetWarning {
    /// The scope.
    pub scope: BudgetScope,
    /// The owner, as `user:alice`.
    pub scope_key: String,
    /// What is spent and set aside, in dollars.
    pub current_spend: f64,
    /// The limit, in dollars.
    pub limit: f64,
    /// The part of the limit at which the warning is given.
    pub warning_threshold: f64,
    /// The part of the limit that is used; 0.8 is 80 percent.
    pub utilization_percent: f64,
    /// The tenant that the owner belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// A request went beyond a budget, or was refused because it would have; from the meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetExceeded {
    /// The scope.
    pub scope: BudgetScope,
    /// The owner, as `user:alice`.
    pub scope_key: String,
    /// What is spent and set aside, in dollars.
    pub current_spend: f64,
    /// The limit, in dollars.
    pub limit: f64,
    /// `hard` or `soft`.
    pub enforcement: String,
    /// Whether the request was refused.
    pub blocked: bool,
    /// The tenant that the owner belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// Somebody added to a budget; from whoever did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetToppedUp {
    /// The scope.
    pub scope: BudgetScope,
    /// The owner, as `user:alice`.
    pub scope_key: String,
    /// What was added, in dollars.
    pub amount: f64,
    /// The tenant that the owner belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// A rule denied an operation; from the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyViolation {
    /// The rule.
    pub rule_name: String,
    /// The operation.
    pub operation: Operation,
    /// The flow, `*` where it is about all.
    pub flow_name: String,
    /// On whose behalf.
    pub user_id: Option<UserId>,
    /// For which tenant.
    pub tenant_id: Option<TenantId>,
    /// Why.
    pub reason: Option<String>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// A guardrail warns of content, or failed and let it pass; from the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardrailWarning {
    /// The guardrail.
    pub guardrail_name: String,
    /// Where it looked.
    pub phase: GuardPhase,
    /// The flow.
    pub flow_name: FlowName,
    /// The execution.
    pub execution_id: ExecutionId,
    /// On whose behalf.
    pub user_id: Option<UserId>,
    /// For which tenant.
    pub tenant_id: Option<TenantId>,
    /// Why, without the content.
    pub reason: Option<String>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// A rate limit refused an operation; from the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimited {
    /// The limit that refused.
    pub rate_limit_name: String,
    /// Its scope.
    pub scope: RateScope,
    /// The flow, `*` where it is about all.
    pub flow_name: String,
    /// On whose behalf.
    pub user_id: Option<UserId>,
    /// For which tenant.
    pub tenant_id: Option<TenantId>,
    /// How often it may happen within the window.
    pub limit: u32,
    /// The length of the window, in milliseconds.
    pub window_ms: u64,
    /// How often it has happened, or is going to.
    pub current_count: u32,
    /// `reject`, or `queue` where the queue is full or too long.
    pub behavior: String,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// An evaluator judged an execution; from the evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvalScore {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its flow.
    pub flow_name: FlowName,
    /// The evaluator.
    pub evaluator_name: String,
    /// Its scores by dimension.
    pub scores: BTreeMap<String, f64>,
    /// What its scores say by its own thresholds.
    pub confidence: Confidence,
    /// Its labels.
    pub labels: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
}

/// All evaluators are through with an execution; from the evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvalComplete {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its flow.
    pub flow_name: FlowName,
    /// The mean score of each dimension.
    pub aggregate_scores: BTreeMap<String, f64>,
    /// The mean over the dimensions.
    pub overall_score: f64,
    /// What it says.
    pub confidence: Confidence,
    /// How many evaluators gave a result.
    pub evaluator_count: usize,
    /// How many failed.
    pub error_count: usize,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// An execution was flagged for people to look at; from the evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvalFlagged {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its flow.
    pub flow_name: FlowName,
    /// Why.
    pub reason: String,
    /// Who flagged it.
    pub source: FlagSource,
    /// Where the flag stands: pending.
    pub status: FlagStatus,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// When it happened.
    pub timestamp: Timestamp,
}
