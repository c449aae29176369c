//! `policy`: who may do what, and how often.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;

/// Who may do what, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "PolicySection")]
pub struct Policy {
    /// How often something may happen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rate_limits: Vec<RateLimit>,
    /// Who may do what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_policies: Vec<AccessPolicy>,
    /// What holds for single tenants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantPolicy>,
}

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
}

/// Whose requests a rate limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitScope {
    /// Those of one user.
    User,
    /// Those for one flow.
    Flow,
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
    /// It waits.
    Queue,
}

/// What one identity may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPolicy {
    /// A user, a tenant, or `*` for everybody else.
    #[schemars(length(min = 1))]
    pub identity: String,
    /// The only flows that are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_flows: Option<Vec<String>>,
    /// Flows that are not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_flows: Option<Vec<String>>,
    /// The only operations that are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_operations: Option<Vec<Operation>>,
    /// Operations that are not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_operations: Option<Vec<Operation>>,
}

/// An operation that access policies govern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
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
}

/// What holds for one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantPolicy {
    /// The tenant.
    #[schemars(length(min = 1))]
    pub tenant_id: String,
    /// How often something may happen for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_limits: Vec<RateLimit>,
    /// The only flows that are allowed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_flows: Option<Vec<String>>,
    /// Who may do what within it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_policies: Vec<AccessPolicy>,
}
