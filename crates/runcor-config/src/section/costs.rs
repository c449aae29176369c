//! `costs`: the ledger of model calls and its budgets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;

/// The ledger of model calls and its budgets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "CostsSection")]
pub struct Costs {
    /// The share of a budget at which a warning is announced.
    #[schemars(range(min = 0, max = 1))]
    pub warning_threshold: f64,
    /// The tokens that are reserved for a call that names no limit.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub default_token_estimate: u32,
    /// The most rows that the ledger keeps.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_ledger_entries: u32,
    /// How much may be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Budgets>,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            warning_threshold: 0.8,
            default_token_estimate: 1_000,
            max_ledger_entries: 100_000,
            budgets: None,
        }
    }
}

/// How much may be spent, by whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Budgets {
    /// By one model call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Budget>,
    /// By one user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_user: Option<Budget>,
    /// By one flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_flow: Option<Budget>,
    /// By everybody together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<Budget>,
}

/// A limit of spending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// The limit in dollars.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub limit: f64,
    /// What happens at the limit.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// The span of time after which spending counts from zero again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<BudgetWindow>,
}

/// What happens at the limit of a budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// The call is refused.
    #[default]
    Hard,
    /// The call is made, and the overrun announced.
    Soft,
    /// Nothing.
    Disabled,
}

/// The span of time of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetWindow {
    /// The kind of span.
    #[serde(rename = "type")]
    pub kind: WindowType,
    /// The length of a `custom` span, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub duration_ms: Option<u64>,
}

/// The kind of a budget's span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowType {
    /// From one full hour to the next.
    Hourly,
    /// From one midnight UTC to the next.
    Daily,
    /// A calendar month.
    Monthly,
    /// `durationMs`.
    Custom,
    /// All time.
    None,
}
