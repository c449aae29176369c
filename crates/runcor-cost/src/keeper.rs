//! The keeper: sets money aside before requests, and sees to it that bills are committed.

mod announce;
mod budgets;
mod holds;
mod leftovers;
mod quote;
mod unasked;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use fail::fail_point;
use parking_lot::Mutex;

use runcor_core::{
    AttemptPlan, Batch, Bill, BudgetLimit, BudgetVerdict, CallScope, Caller, Clock, Error,
    ErrorCode, EventSink, FlowName, Held, Meter, Op, Reservation, Result, Store, StoreError,
};

use crate::config::{CostConfig, Unpriced};
use holds::Limits;
use leftovers::Leftovers;
use quote::Quote;
use unasked::Unasked;

/// The most bills of abandoned calls that are committed along with one reservation.
const MAX_ALONG: usize = 32;
/// The most rows that one commit of a flush has.
const MAX_FLUSHED: usize = 128;
/// The most models of which is remembered that their price is unknown.
const MAX_WARNED: usize = 1_000;

/// Keeps the ledger and the budgets: the [`Meter`] of everything that asks models.
///
/// A request without a budget that applies to it costs no commit before it is
/// made; one with budgets costs exactly one.
#[derive(Debug)]
pub struct CostKeeper {
    config: CostConfig,
    limits: Limits,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    events: Arc<dyn EventSink>,
    leftovers: Leftovers,
    /// Models of which was warned that nobody knows their price.
    warned: Mutex<HashSet<String>>,
}

impl CostKeeper {
    /// Makes a keeper that keeps its books in `store`.
    #[must_use]
    pub fn new(
        config: CostConfig,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        events: Arc<dyn EventSink>,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits: Limits::of(&config),
            config,
            store,
            clock,
            events,
            leftovers: Leftovers::default(),
            warned: Mutex::default(),
        })
    }

    /// Returns the settings.
    #[must_use]
    pub fn config(&self) -> &CostConfig {
        &self.config
    }

    /// Makes the scope of requests that belong to no execution.
    #[must_use]
    pub fn scope(self: &Arc<Self>, flow: FlowName, caller: Caller) -> CallScope {
        CallScope::outside(flow, caller, Arc::<Self>::clone(self))
    }

    /// Commits a bill, and those that were left.
    ///
    /// # Errors
    /// `STORAGE_…`; the bill is kept then, and committed at the next occasion.
    pub async fn settle(&self, bill: Bill) -> Result<()> {
        self.leave(bill);
        self.flush().await
    }

    /// Returns how many rows wait to be committed because their call was given
    /// up, or because the store did not take them.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.leftovers.len()
    }

    /// Commits up to `limit` rows that were left; returns whether there were any.
    async fn flush_some(&self, limit: usize) -> Result<bool, StoreError> {
        let taken = self.leftovers.take(limit);
        if taken.is_empty() {
            return Ok(false);
        }
        match self.store.commit(Batch { ops: taken.ops() }).await {
            Ok(_) => taken.settled(),
            Err(error @ StoreError::Unstorable { .. }) if limit == 1 => taken.give_up(&error),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Sets money aside; the bills that were left become durable along with it.
    async fn set_aside(&self, reservation: Reservation) -> Result<Vec<BudgetVerdict>, StoreError> {
        let taken = self.leftovers.take(MAX_ALONG);
        if taken.is_empty() {
            return self.reserve_alone(reservation).await;
        }
        let mut ops = taken.ops();
        ops.push(Op::Reserve(Box::new(reservation.clone())));
        match self.store.commit(Batch { ops }).await {
            Ok(receipt) => {
                taken.settled();
                Ok(receipt.verdicts)
            }
            // The bills were refused along with it. They need not wait, and may give money back.
            Err(StoreError::OverBudget(_) | StoreError::Unstorable { .. }) => {
                drop(taken);
                if let Err(error) = self.flush().await {
                    tracing::warn!(%error, "bills of abandoned calls still wait for the store");
                }
                self.reserve_alone(reservation).await
            }
            Err(error) => Err(error),
        }
    }

    async fn reserve_alone(
        &self,
        reservation: Reservation,
    ) -> Result<Vec<BudgetVerdict>, StoreError> {
        let batch = Batch::new().with(Op::Reserve(Box::new(reservation)));
        Ok(self.store.commit(batch).await?.verdicts)
    }

    /// Refuses, or warns of, a request whose price nobody knows.
    fn judge_unpriced(&self, plan: &AttemptPlan<'_>, model: &str, scope: &CallScope) -> Result<()> {
        if self.config.unpriced == Unpriced::Deny && self.limits.are_hard_for(scope) {
            return Err(announce::unpriced(plan.provider, model));
        }
        let name = format!("{}/{model}", plan.provider);
        let mut warned = self.warned.lock();
        if warned.len() < MAX_WARNED && warned.insert(name) {
            tracing::warn!(
                provider = plan.provider,
                model,
                "nobody knows what this model costs, so its requests are counted without a cost; \
                 give a price under costs.prices"
            );
        }
        Ok(())
    }

    /// Bounds what is kept in memory: nobody may spend what can't be booked.
    async fn make_room(&self) -> Result<()> {
        if !self.leftovers.is_full() {
            return Ok(());
        }
        self.flush().await?;
        if self.leftovers.is_full() {
            let message = "too many bills wait for the store; model calls go on when it takes them";
            return Err(Error::new(ErrorCode::StorageUnavailable, message).retryable(None));
        }
        Ok(())
    }

    /// Holds a request against its budgets; what they have to tell comes back with it.
    async fn hold(
        &self,
        held: Held,
        reservation: Reservation,
        scope: &CallScope,
    ) -> Result<(Held, Vec<BudgetVerdict>)> {
        let now = reservation.entry.timestamp;
        // Whatever becomes of the commit, nothing was asked of the vendor yet.
        let unasked = Unasked::new(held);
        fail_point!("budget.before_reserve");
        match self.set_aside(reservation).await {
            Ok(verdicts) => {
                fail_point!("budget.reserved");
                Ok((unasked.into_paid(), verdicts))
            }
            Err(StoreError::OverBudget(refusal)) => {
                unasked.was_refused();
                let limit = self.limits.of_scope(refusal.account.key.scope, scope);
                Err(self.refused(&refusal, limit, scope, now))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl Meter for CostKeeper {
    async fn reserve(&self, scope: &CallScope, plan: AttemptPlan<'_>) -> Result<Held> {
        // There is no bill of nobody's.
        let Some(flow) = scope.flow() else { return Ok(Held::uncounted()) };
        self.make_room().await?;
        let quote = Quote::of(&self.config, flow, scope, &plan);
        if quote.price.is_none() {
            self.judge_unpriced(&plan, &quote.entry.model, scope)?;
        }
        let request_is_over = self.judge_request(&quote, scope)?;
        let holds = self.limits.holds(&quote, scope, plan.now);
        let Quote { entry, price, ceiling, .. } = quote;
        if holds.is_empty() {
            self.announce(request_is_over);
            return Ok(Held::new(scope, entry, price, ceiling));
        }
        // What an earlier request of the same call did not need is there for this one.
        self.leave(scope.take_bill());
        let held = Held::new(scope, entry.clone(), price, ceiling);
        let lapses = plan.now.after(self.config.reservation_lifetime);
        let reservation = Reservation { entry, holds, lapses };
        let (held, verdicts) = self.hold(held, reservation, scope).await?;
        self.announce(request_is_over.into_iter().chain(verdicts));
        Ok(held)
    }

    fn set_flow_budget(&self, flow: &FlowName, budget: Option<BudgetLimit>) {
        self.limits.set_flow(flow, budget);
    }

    fn leave(&self, bill: Bill) {
        self.leftovers.add(bill.entries);
    }

    async fn flush(&self) -> Result<()> {
        let mut limit = MAX_FLUSHED;
        loop {
            match self.flush_some(limit).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // One of the rows can't be stored: look for it among ever fewer.
                Err(StoreError::Unstorable { .. }) if limit > 1 => limit /= 2,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
