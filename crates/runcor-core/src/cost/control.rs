//! What people do with budgets: look at them, and add to them.

use async_trait::async_trait;

use super::account::BudgetAccount;
use super::budget::{AccountId, BudgetLimit, BudgetScope};
use super::scope::Caller;
use crate::error::Result;
use crate::money::Money;
use crate::time::Timestamp;

/// Shows budgets and adds to them; `runcor-cost` implements it.
#[async_trait]
pub trait Budgets: std::fmt::Debug + Send + Sync {
    /// Returns every budget that a caller may see and from which something was
    /// reserved in its present window, in a fixed order, and in any case the
    /// budget of all where there is one.
    ///
    /// # Errors
    /// `STORAGE_…` when the store fails.
    async fn budgets(&self, caller: &Caller) -> Result<Vec<BudgetStatus>>;

    /// Adds to the limit of a budget within its present window.
    ///
    /// Executions that wait for it go on after
    /// [`Runtime::wake_budget_waits`](crate::Runtime::wake_budget_waits), and
    /// without it some minutes later.
    ///
    /// # Errors
    /// `BUDGET_NOT_FOUND`, `VALIDATION_ERROR` for an amount that is not above
    /// zero, `STORAGE_…`.
    async fn top_up(&self, caller: &Caller, wish: &TopUp) -> Result<BudgetStatus>;
}

/// A wish to add to a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopUp {
    /// The scope.
    pub scope: BudgetScope,
    /// The user, flow, tenant or execution; empty for everybody's.
    pub subject: String,
    /// The tenant that the owner belongs to.
    pub tenant: Option<crate::id::TenantId>,
    /// How much, in nano-dollars.
    pub amount: Money,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStatus {
    /// The account.
    pub account: AccountId,
    /// The limit as it is configured.
    pub limit: BudgetLimit,
    /// What was spent, set aside and added.
    pub state: BudgetAccount,
    /// When the window ends, if it does.
    pub until: Option<Timestamp>,
}

impl BudgetStatus {
    /// Returns what may still be set aside.
    #[must_use]
    pub fn left(&self) -> Money {
        let left = self.limit.limit + self.state.topped_up - self.state.used();
        left.max(Money::ZERO)
    }
}
