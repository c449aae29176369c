//! `policy.accessPolicies`: who may do what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one identity may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPolicy {
    /// `user:NAME`, `tenant:NAME`, `*` for everybody, or the NAME of a user or tenant.
    #[schemars(length(min = 1))]
    pub identity: String,
    /// The only flows that are allowed; `*` stands for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_flows: Option<Vec<String>>,
    /// Flows that are not allowed; `*` stands for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_flows: Option<Vec<String>>,
    /// The only operations that are allowed; `*` stands for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_operations: Option<Vec<Operation>>,
    /// Operations that are not allowed; `*` stands for all.
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
    /// Reading one, or a list of them.
    Read,
    /// Calling a tool within one.
    CallTool,
    /// All of these.
    #[serde(rename = "*")]
    All,
}
