//! What the keeper is told: limits, prices, and what to do where a price is missing.

use std::time::Duration;

use runcor_core::{BudgetLimit, BudgetScope};

use crate::price::PriceBook;

/// The settings of a [`CostKeeper`](crate::CostKeeper); the default counts everything and limits nothing.
#[derive(Debug, Clone)]
pub struct CostConfig {
    /// The part of a limit at whose use a warning is given.
    pub warning_threshold: f64,
    /// The output tokens that are presumed for soft budgets where a request names no limit.
    pub default_token_estimate: u32,
    /// How many rows of the ledger are kept; totals and budgets count those that went, too.
    ///
    /// The keeper removes nothing itself: it is for whoever sends
    /// [`Op::Expire`](runcor_core::Op::Expire).
    pub max_ledger_entries: Option<u64>,
    /// How much may be spent.
    pub budgets: BudgetLimits,
    /// How long money stays set aside for a request of which nothing is heard.
    ///
    /// It must be longer than any request takes, retries aside: what lapses is
    /// booked as the most that it can have cost.
    pub reservation_lifetime: Duration,
    /// What becomes of requests whose price nobody knows.
    pub unpriced: Unpriced,
    /// What models cost whose registration gives no price.
    pub prices: PriceBook,
}

impl Default for CostConfig {
    fn default() -> Self {
        Self {
            warning_threshold: 0.8,
            default_token_estimate: 1_000,
            max_ledger_entries: Some(100_000),
            budgets: BudgetLimits::default(),
            reservation_lifetime: Duration::from_secs(15 * 60),
            unpriced: Unpriced::default(),
            prices: PriceBook::published(),
        }
    }
}

/// How much may be spent, by whom; what is absent is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// By one request to a vendor; its window says nothing.
    pub per_request: Option<BudgetLimit>,
    /// By one execution.
    pub per_execution: Option<BudgetLimit>,
    /// By one user, of one tenant.
    pub per_user: Option<BudgetLimit>,
    /// By one flow that has no budget of its own.
    pub per_flow: Option<BudgetLimit>,
    /// By one tenant.
    pub per_tenant: Option<BudgetLimit>,
    /// By everybody together.
    pub global: Option<BudgetLimit>,
}

impl BudgetLimits {
    /// Returns the limit of a scope.
    #[must_use]
    pub fn of(&self, scope: BudgetScope) -> Option<BudgetLimit> {
        match scope {
            BudgetScope::Request => self.per_request,
            BudgetScope::Execution => self.per_execution,
            BudgetScope::User => self.per_user,
            BudgetScope::Flow => self.per_flow,
            BudgetScope::Tenant => self.per_tenant,
            BudgetScope::Global => self.global,
        }
    }
}

/// What becomes of requests whose price nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unpriced {
    /// They are made and counted without a cost, visibly.
    #[default]
    Allow,
    /// They are refused where a hard budget would apply.
    Deny,
}
