//! `policy.rateLimits`: how often something may happen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::MAX_MILLIS;

/// How often something may happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// The name of the limit.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Whose requests are counted together.
    pub scope: LimitScope,
    /// The most requests in a window.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub limit: u32,
    /// The length of the window, in milliseconds.
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub window_ms: u64,
    /// What happens to a request above the limit.
    #[serde(default)]
    pub behavior: LimitBehavior,
    /// The most requests that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_queue_depth: Option<u32>,
    /// How long a request waits, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub queue_timeout_ms: Option<u64>,
    /// The only flow for which the limit holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub flow_name: Option<String>,
    /// What is counted; `trigger`, `resume` and `replay` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<LimitedOperation>>,
}

/// Whose requests a rate limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitScope {
    /// Those of one user.
    User,
    /// Those for one flow.
    Flow,
    /// Those of one tenant.
    Tenant,
    /// All.
    Global,
}

/// What happens to a request above a rate limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitBehavior {
    /// It is refused.
    #[default]
    Reject,
    /// A trigger waits for its turn; everything else is refused.
    Queue,
}

/// An operation that rate limits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LimitedOperation {
    /// Starting an execution.
    Trigger,
    /// Resuming one that waits.
    Resume,
    /// Running one again.
    Replay,
    /// Listing those that wait.
    ListWaiting,
    /// Cancelling one.
    Cancel,
    /// Deleting one.
    Delete,
    /// Reading one, or a list of them.
    Read,
}
