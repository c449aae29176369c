//! The ledger: one row for each request to a vendor, and totals of them.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::account::BudgetAccount;
use super::budget::{AccountId, BudgetScope};
use crate::execution::ExecutionSpec;
use crate::flow::Spend;
use crate::id::{AttemptId, ExecutionId, FlowName, TenantId, UserId};
use crate::model::Usage;
use crate::money::Money;
use crate::store::{Cursor, Order, Page, StoreError};
use crate::time::Timestamp;

/// One request to a vendor and what it cost, also if it failed or was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The identity; a row is written once.
    pub id: AttemptId,
    /// When the request began; budgets count it in the window of this instant.
    pub timestamp: Timestamp,
    /// The execution, where the call belongs to one.
    pub execution_id: Option<ExecutionId>,
    /// Where the execution's journal has the call.
    pub path: Option<String>,
    /// The flow, or a name such as `__judge` for calls of the runtime itself.
    pub flow_name: FlowName,
    /// On whose behalf.
    pub user_id: Option<UserId>,
    /// For which tenant.
    pub tenant_id: Option<TenantId>,
    /// The registered name of the provider.
    pub provider: String,
    /// The model, as the vendor names it; empty where nobody named one.
    pub model: String,
    /// The tokens.
    pub usage: Usage,
    /// What it cost, in nano-dollars.
    pub cost: Money,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Whether no price of the model is known, so that the cost says nothing.
    pub unpriced: bool,
    /// How long it took.
    pub duration: Duration,
}

/// How a request to a vendor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// With an answer.
    Answered,
    /// With an error.
    Failed,
    /// It was given up before its end, and is billed by an estimate.
    Cancelled,
    /// The process ended before the answer was noted; billed as the most that it can have cost.
    Lost,
    /// No request was made: the journal had the answer. The tokens are those that were saved.
    Replayed,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Answered, Self::Failed, Self::Cancelled, Self::Lost, Self::Replayed];

    /// Returns the outcome as stores keep it and the wire shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Replayed => "replayed",
        }
    }

    /// Finds the outcome that stores keep as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Which rows of the ledger are meant; everything that is set has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Only those of this execution.
    pub execution: Option<ExecutionId>,
    /// Only those of this flow.
    pub flow: Option<FlowName>,
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of this provider.
    pub provider: Option<String>,
    /// Only those of this model.
    pub model: Option<String>,
    /// Only those that began at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those that began at this instant or earlier.
    pub to: Option<Timestamp>,
}

impl LedgerEntry {
    /// Makes the row of a request that was not made, because the journal had the answer.
    #[must_use]
    pub fn replayed(spec: &ExecutionSpec, path: &str, spend: &Spend, now: Timestamp) -> Self {
        Self {
            id: AttemptId::mint(now),
            timestamp: now,
            execution_id: Some(spec.id),
            path: Some(path.to_owned()),
            flow_name: spec.flow.clone(),
            user_id: spec.user_id.clone(),
            tenant_id: spec.tenant_id.clone(),
            provider: spend.provider.clone(),
            model: spend.model.clone(),
            usage: spend.usage,
            cost: Money::ZERO,
            outcome: AttemptOutcome::Replayed,
            unpriced: false,
            duration: Duration::ZERO,
        }
    }
}

impl LedgerFilter {
    /// Returns whether a row is meant.
    #[must_use]
    pub fn fits(&self, entry: &LedgerEntry) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, found: Option<&T>) -> bool {
            wanted.as_ref().is_none_or(|wanted| found == Some(wanted))
        }
        is(&self.execution, entry.execution_id.as_ref())
            && is(&self.flow, Some(&entry.flow_name))
            && is(&self.user, entry.user_id.as_ref())
            && is(&self.tenant, entry.tenant_id.as_ref())
            && is(&self.provider, Some(&entry.provider))
            && is(&self.model, Some(&entry.model))
            && self.from.is_none_or(|from| entry.timestamp >= from)
            && self.to.is_none_or(|to| entry.timestamp <= to)
    }
}

/// Which rows of the ledger are wanted, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerQuery {
    /// Which rows.
    pub filter: LedgerFilter,
    /// The order of writing in which they come.
    pub order: Order,
    /// Where the last page ended.
    pub after: Option<Cursor>,
    /// The most that are returned.
    pub limit: usize,
}

impl Default for LedgerQuery {
    fn default() -> Self {
        Self { filter: LedgerFilter::default(), order: Order::Oldest, after: None, limit: 50 }
    }
}

/// By what totals are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerDimension {
    /// By flow.
    Flow,
    /// By user.
    User,
    /// By tenant.
    Tenant,
    /// By provider.
    Provider,
    /// By model.
    Model,
    /// By day, UTC; the name is `2026-11-21`.
    Day,
}

/// What rows of the ledger add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerTotal {
    /// What they have in common: the name of a flow, a user…; `None` for those without one.
    pub name: Option<String>,
    /// Their cost in nano-dollars.
    pub cost: Money,
    /// How many requests were made.
    pub count: u64,
    /// How many answers came from a journal instead of a vendor.
    pub replayed: u64,
    /// How many of them have no known price.
    pub unpriced: u64,
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// Input tokens read from vendors' caches.
    pub cached_tokens: u64,
    /// Output tokens of reasoning.
    pub reasoning_tokens: u64,
    /// Tokens of answers that came from a journal instead of a vendor.
    pub saved_tokens: u64,
}

impl LedgerTotal {
    /// Adds a row. The tokens of a replayed one were saved, not used.
    pub fn add(&mut self, entry: &LedgerEntry) {
        let usage = &entry.usage;
        if entry.outcome == AttemptOutcome::Replayed {
            self.replayed += 1;
            self.saved_tokens += usage.prompt_tokens + usage.completion_tokens;
            return;
        }
        self.cost += entry.cost;
        self.count += 1;
        self.unpriced += u64::from(entry.unpriced);
        self.prompt_tokens += usage.prompt_tokens;
        self.completion_tokens += usage.completion_tokens;
        self.cached_tokens += usage.cached_tokens;
        self.reasoning_tokens += usage.reasoning_tokens;
    }

    /// Adds another total.
    pub fn merge(&mut self, other: &Self) {
        self.cost += other.cost;
        self.count += other.count;
        self.replayed += other.replayed;
        self.unpriced += other.unpriced;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached_tokens += other.cached_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.saved_tokens += other.saved_tokens;
    }
}

/// Reads of the ledger and of budgets.
///
/// # Contract
/// Totals MUST NOT take longer the longer the history is, whatever the filter:
/// stores keep rolled-up totals. They count rows that are no longer kept as
/// well, except where the filter names an execution or a piece of an hour (UTC):
/// there only rows that are kept count.
#[async_trait]
pub trait LedgerReads: Send + Sync {
    /// Returns a page of rows in order of writing.
    async fn ledger(&self, query: &LedgerQuery) -> Result<Page<LedgerEntry>, StoreError>;

    /// Returns what rows add up to: one total without a name, or one for each
    /// value of a dimension, the highest cost first.
    async fn ledger_totals(
        &self,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
    ) -> Result<Vec<LedgerTotal>, StoreError>;

    /// Returns one budget's account; `None` while nothing was reserved from it.
    async fn budget_account(&self, id: &AccountId) -> Result<Option<BudgetAccount>, StoreError>;

    /// Returns accounts whose window has not ended at `now`, in a fixed order.
    async fn budget_accounts(
        &self,
        scope: Option<BudgetScope>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(AccountId, BudgetAccount)>, StoreError>;
}
