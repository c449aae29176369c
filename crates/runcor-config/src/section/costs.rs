//! `costs`: the ledger of model calls, its budgets and its prices.

use std::collections::BTreeMap;
use std::time::Duration;

use runcor_core::{BudgetLimit, Money, TokenPrice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;
use super::provider::TokenCost;

/// The ledger of model calls and its budgets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "CostsSection")]
pub struct Costs {
    /// The share of a budget at which a warning is announced.
    #[schemars(range(min = 0, max = 1))]
    pub warning_threshold: f64,
    /// The output tokens that soft budgets presume for a call that names no limit.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub default_token_estimate: u32,
    /// The most rows that the ledger keeps; totals and budgets count older ones, too.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_ledger_entries: u32,
    /// How long money stays set aside for a call of which nothing is heard, in milliseconds.
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub reservation_timeout_ms: u64,
    /// What becomes of calls of models whose price nobody knows.
    pub unpriced: Unpriced,
    /// Dollars for a million tokens by model, or by `provider/model`; they go
    /// before published prices, and those of a provider go before them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, TokenCost>,
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
            reservation_timeout_ms: 900_000,
            unpriced: Unpriced::Allow,
            prices: BTreeMap::new(),
            budgets: None,
        }
    }
}

impl Costs {
    /// Returns the prices that the file sets, by model or by `provider/model`.
    pub fn prices(&self) -> impl Iterator<Item = (&str, TokenPrice)> {
        self.prices.iter().map(|(model, cost)| (model.as_str(), cost.per_million()))
    }

    /// Returns how long money stays set aside for a call of which nothing is heard.
    #[must_use]
    pub const fn reservation_lifetime(&self) -> Duration {
        Duration::from_millis(self.reservation_timeout_ms)
    }
}

/// What becomes of calls of models whose price nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unpriced {
    /// They are made, and counted without a cost.
    #[default]
    Allow,
    /// They are refused where a hard budget applies.
    Deny,
}

/// How much may be spent, by whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Budgets {
    /// By one model call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Budget>,
    /// By one execution; without a window it counts for as long as the execution lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_execution: Option<Budget>,
    /// By one user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_user: Option<Budget>,
    /// By one flow that has no budget of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_flow: Option<Budget>,
    /// By one tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_tenant: Option<Budget>,
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
    /// The span of time after which spending counts from zero again; a day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<BudgetWindow>,
    /// What a flow does whose call a hard budget refuses.
    #[serde(default)]
    pub on_exceed: OnExceed,
}

impl Budget {
    /// Returns the budget in the words of the runtime.
    ///
    /// `window` is what holds where the file names none: `None` for executions,
    /// a day for everybody else.
    #[must_use]
    pub fn to_limit(&self, window: runcor_core::BudgetWindow) -> BudgetLimit {
        BudgetLimit {
            limit: Money::from_dollars(self.limit),
            enforcement: match self.enforcement {
                Enforcement::Hard => runcor_core::Enforcement::Hard,
                Enforcement::Soft => runcor_core::Enforcement::Soft,
                Enforcement::Disabled => runcor_core::Enforcement::Disabled,
            },
            window: self.window.as_ref().map_or(window, BudgetWindow::to_window),
            on_exceed: match self.on_exceed {
                OnExceed::Fail => runcor_core::OnExceed::Fail,
                OnExceed::Pause => runcor_core::OnExceed::Pause,
            },
        }
    }
}

/// What a flow does whose call a hard budget refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnExceed {
    /// It fails.
    #[default]
    Fail,
    /// It waits until somebody adds to the budget, or its next window begins.
    Pause,
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

impl BudgetWindow {
    /// Returns the span in the words of the runtime.
    #[must_use]
    pub fn to_window(&self) -> runcor_core::BudgetWindow {
        use runcor_core::BudgetWindow as Window;
        match self.kind {
            WindowType::Hourly => Window::Hourly,
            WindowType::Daily => Window::Daily,
            WindowType::Monthly => Window::Monthly,
            WindowType::Custom => {
                Window::Custom(Duration::from_millis(self.duration_ms.unwrap_or(1).max(1)))
            }
            WindowType::None => Window::None,
        }
    }
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
