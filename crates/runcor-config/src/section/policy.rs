//! `policy`: who may do what, and how often.

mod access;
mod limit;
mod rule;

pub use access::{AccessPolicy, Operation};
pub use limit::{LimitBehavior, LimitScope, LimitedOperation, RateLimit};
pub use rule::{PolicyRule, RuleAction, RuleCondition};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guardrail::{Guardrail, GuardrailOverrides};

/// Who may do what, and how often.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "PolicySection")]
pub struct Policy {
    /// What is judged case by case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PolicyRule>,
    /// How often something may happen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rate_limits: Vec<RateLimit>,
    /// Who may do what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_policies: Vec<AccessPolicy>,
    /// What holds for single tenants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantPolicy>,
    /// What may go in and out of flows, models and tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Guardrail>,
    /// What callers may do whose tenant is not among `tenants`, if there are any.
    pub unknown_tenants: UnknownTenants,
}

/// What callers may do whose tenant is not listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownTenants {
    /// What callers without a tenant may.
    Allow,
    /// Nothing.
    #[default]
    Deny,
}

/// What holds for one tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What guardrails it has of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail_overrides: Option<GuardrailOverrides>,
}
