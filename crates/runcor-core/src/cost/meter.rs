//! The meter: sets money aside before a request to a vendor, and books what it cost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::budget::BudgetLimit;
use super::ledger::{AttemptOutcome, LedgerEntry};
use super::scope::{Bill, CallScope};
use crate::error::Result;
use crate::id::{AttemptId, FlowName};
use crate::model::{ModelRequest, Usage};
use crate::money::{Money, TokenPrice};
use crate::time::Timestamp;

/// Counts the money of model calls; `runcor-cost` implements it.
///
/// # Contract
/// The router asks [`reserve`](Self::reserve) before each request to a vendor
/// and closes what it got with one of the methods of [`Held`], or drops it,
/// which books a request that was given up. Nothing is committed by the router.
#[async_trait]
pub trait Meter: fmt::Debug + Send + Sync {
    /// Sets aside what a request may cost; durable on return where budgets need it.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` when a hard budget does not allow it, `STORAGE_…`.
    async fn reserve(&self, scope: &CallScope, plan: AttemptPlan<'_>) -> Result<Held>;

    /// Returns whether anything is counted, so that others may spare themselves the work.
    fn is_counting(&self) -> bool {
        true
    }

    /// Hears what a flow may spend that was registered, in place of the limit that
    /// holds for every flow; so its budget is known before its first request.
    fn set_flow_budget(&self, _flow: &FlowName, _budget: Option<BudgetLimit>) {}

    /// Takes a bill whose call was given up, to commit it at the next occasion.
    fn leave(&self, bill: Bill);

    /// Commits the bills that were left.
    ///
    /// # Errors
    /// `STORAGE_…`; the bills are kept then.
    async fn flush(&self) -> Result<()>;
}

/// A request to a vendor that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct AttemptPlan<'a> {
    /// The registered name of the provider.
    pub provider: &'a str,
    /// What the provider gets.
    pub request: &'a ModelRequest,
    /// The price that the registration gives, which goes before any other.
    pub price: Option<TokenPrice>,
    /// The present instant.
    pub now: Timestamp,
}

/// A request to a vendor that is paid for; it is booked once, however it ends.
#[derive(Debug)]
#[must_use = "what is dropped is booked as given up"]
pub struct Held {
    scope: CallScope,
    /// The row of the ledger as far as it is known; `None` once it is booked.
    entry: Option<Box<LedgerEntry>>,
    price: Option<TokenPrice>,
    /// What is booked if nobody knows what the vendor bills.
    ceiling: Usage,
}

impl Held {
    /// Makes a request that nobody counts.
    pub fn uncounted() -> Self {
        let scope = CallScope::default();
        Self { scope, entry: None, price: None, ceiling: Usage::default() }
    }

    /// Makes a request that is booked in the bill of `scope` as `entry`.
    ///
    /// `ceiling` is the most that it can use; it is booked when the request is
    /// given up before anything is known.
    pub fn new(
        scope: &CallScope,
        entry: LedgerEntry,
        price: Option<TokenPrice>,
        ceiling: Usage,
    ) -> Self {
        Self { scope: scope.clone(), entry: Some(Box::new(entry)), price, ceiling }
    }

    /// Returns the identity of the request, where it is counted.
    #[must_use]
    pub fn id(&self) -> Option<AttemptId> {
        self.entry.as_ref().map(|entry| entry.id)
    }

    /// Returns the price that it is booked at, where one is known.
    #[must_use]
    pub fn price(&self) -> Option<TokenPrice> {
        self.price
    }

    /// Returns the most that the request can use.
    #[must_use]
    pub fn ceiling(&self) -> &Usage {
        &self.ceiling
    }

    /// Books nothing: the request was refused before it was made.
    pub fn never_made(mut self) {
        self.entry = None;
    }

    /// Books an answer.
    pub fn answered(mut self, model: &str, usage: Usage, took: Duration) {
        self.book(AttemptOutcome::Answered, Some(model), usage, took);
    }

    /// Books a request that the vendor refused or that never reached it: it costs nothing.
    pub fn failed(mut self, took: Duration) {
        self.book(AttemptOutcome::Failed, None, Usage::default(), took);
    }

    /// Books a request of which nobody knows what the vendor bills, because it
    /// broke off after it had begun: what was seen of it, or the most that it can have used.
    pub fn broken_off(mut self, seen: Option<Usage>, took: Duration) {
        let usage = Usage { estimated: true, ..seen.unwrap_or(self.ceiling) };
        self.book(AttemptOutcome::Failed, None, usage, took);
    }

    /// Books a request that was given up: what was seen of it, or the most that it can have used.
    pub fn cancelled(mut self, seen: Option<Usage>, took: Duration) {
        let usage = Usage { estimated: true, ..seen.unwrap_or(self.ceiling) };
        self.book(AttemptOutcome::Cancelled, None, usage, took);
    }

    fn book(&mut self, outcome: AttemptOutcome, model: Option<&str>, usage: Usage, took: Duration) {
        let Some(mut entry) = self.entry.take() else { return };
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            model.clone_into(&mut entry.model);
        }
        entry.cost = self.price.map_or(Money::ZERO, |price| price.cost(&usage));
        entry.unpriced = self.price.is_none();
        entry.usage = usage;
        entry.outcome = outcome;
        entry.duration = took;
        self.scope.charge(*entry);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let usage = Usage { estimated: true, ..self.ceiling };
        self.book(AttemptOutcome::Cancelled, None, usage, Duration::ZERO);
    }
}

/// A meter that counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMeter;

#[async_trait]
impl Meter for NoMeter {
    async fn reserve(&self, _: &CallScope, _: AttemptPlan<'_>) -> Result<Held> {
        Ok(Held::uncounted())
    }

    fn is_counting(&self) -> bool {
        false
    }

    fn leave(&self, _: Bill) {}

    async fn flush(&self) -> Result<()> {
        Ok(())
    }
}

impl CallScope {
    /// Sets aside what a request may cost, where somebody counts.
    ///
    /// # Errors
    /// As [`Meter::reserve`].
    pub async fn reserve(&self, plan: AttemptPlan<'_>) -> Result<Held> {
        match self.meter() {
            Some(meter) => Arc::clone(meter).reserve(self, plan).await,
            None => Ok(Held::uncounted()),
        }
    }
}
