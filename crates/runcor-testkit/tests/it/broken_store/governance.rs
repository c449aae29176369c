//! Money, rate limits, memories and quality, spoiled.

use async_trait::async_trait;

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, Batch, BudgetAccount, BudgetScope, Evaluation,
    EvaluationQuery, ExecutionId, Flag, FlagQuery, LedgerDimension, LedgerEntry, LedgerFilter,
    LedgerQuery, LedgerReads, LedgerTotal, MemoryEntry, MemoryExpectation, MemoryPage, MemoryQuery,
    MemoryReads, MemorySpace, Op, Page, QualityReads, Receipt, Store, StoreError, Timestamp,
};
use runcor_store_memory::MemoryStore;

use super::{BrokenStore, Flaw};

/// Changes what a batch does to what is governed.
pub(super) fn spoil(flaw: Flaw, batch: &mut Batch) {
    if flaw == Flaw::ForgetsTheLine {
        batch.ops.retain(|op| !matches!(op, Op::AwaitEvaluation { .. }));
    }
    batch.ops.iter_mut().for_each(|op| spoil_op(flaw, op));
}

fn spoil_op(flaw: Flaw, op: &mut Op) {
    match (flaw, op) {
        (Flaw::ForgetsAccounts, Op::Reserve(reservation)) if reservation.holds.len() > 1 => {
            reservation.holds.pop();
        }
        (Flaw::JudgesNoLimits, Op::Reserve(reservation)) => {
            reservation.holds.iter_mut().for_each(|hold| hold.hard = false);
        }
        (Flaw::SettlesTwice, Op::Settle(entry)) => {
            entry.id = AttemptId::mint(entry.timestamp);
        }
        (Flaw::BooksInThePresent, Op::Reserve(reservation)) => {
            for hold in &mut reservation.holds {
                let now = reservation.lapses;
                hold.account = AccountId::at(hold.account.key.clone(), hold.account.window, now);
            }
        }
        (Flaw::ForgetsTurns, Op::Take(wish)) => wish.queue = None,
        (Flaw::MixesTenants, Op::Take(wish)) => wish.key.tenant = None,
        (Flaw::MixesTenants, Op::Remember(write)) => write.space.tenant = None,
        (Flaw::MixesTenants, Op::ForgetAll(space)) => space.tenant = None,
        (Flaw::MixesTenants, Op::Reserve(reservation)) => {
            reservation.holds.iter_mut().for_each(|hold| hold.account.key.tenant = None);
        }
        (Flaw::ForgetsEnds, Op::Remember(write)) => write.expires = None,
        (Flaw::IgnoresExpectations, Op::Remember(write)) => {
            write.expect = MemoryExpectation::Anything;
        }
        (Flaw::LosesReplays, Op::Settle(entry)) if entry.outcome == AttemptOutcome::Replayed => {
            entry.outcome = AttemptOutcome::Answered;
        }
        _ => {}
    }
}

impl BrokenStore {
    /// Repeats takes of a batch that was refused.
    pub(super) async fn keep_takes(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let takes: Vec<_> =
            batch.ops.iter().filter(|op| matches!(op, Op::Take(_))).cloned().collect();
        let outcome = self.inner.commit(batch).await;
        if outcome.is_err() {
            for take in takes {
                let _ = self.inner.commit(Batch::new().with(take)).await;
            }
        }
        outcome
    }

    /// Writes evaluations again of what was deleted.
    pub(super) async fn keep_evaluations(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let page = self.inner.quality().evaluations(&EvaluationQuery::default()).await?;
        let receipt = self.inner.commit(batch).await?;
        for evaluation in page.items {
            let op = Op::Evaluate(Box::new(evaluation));
            self.inner.commit(Batch::new().with(op)).await?;
        }
        Ok(receipt)
    }

    /// Moves flags, wherever they stand.
    pub(super) async fn move_flags(&self, mut batch: Batch) -> Result<Receipt, StoreError> {
        for op in &mut batch.ops {
            if let Op::Flag { flag, expect } = op {
                let current = self.inner.quality().flag(flag.execution_id).await?;
                *expect = current.map(|flag| flag.status);
            }
        }
        self.inner.commit(batch).await
    }

    /// Resolves every flag before it sweeps.
    pub(super) async fn sweep_flagged(&self, batch: Batch) -> Result<Receipt, StoreError> {
        if batch.ops.iter().any(|op| matches!(op, Op::Sweep { .. })) {
            let flags = self.inner.quality().flags(&FlagQuery::default()).await?.items;
            for flag in flags {
                let expect = Some(flag.status);
                let status = runcor_core::FlagStatus::Resolved;
                let flag = Box::new(Flag { status, ..flag });
                self.inner.commit(Batch::new().with(Op::Flag { flag, expect })).await?;
            }
        }
        self.inner.commit(batch).await
    }
}

/// Reads with a flaw.
pub(super) struct Misread(pub(super) Flaw, pub(super) MemoryStore);

#[async_trait]
impl LedgerReads for Misread {
    async fn ledger(&self, query: &LedgerQuery) -> Result<Page<LedgerEntry>, StoreError> {
        self.1.ledger().ledger(query).await
    }

    async fn ledger_totals(
        &self,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
    ) -> Result<Vec<LedgerTotal>, StoreError> {
        if self.0 != Flaw::CountsKeptRows || by.is_some() {
            return self.1.ledger().ledger_totals(filter, by).await;
        }
        let query = LedgerQuery { filter: filter.clone(), limit: 99_999, ..LedgerQuery::default() };
        let mut total = LedgerTotal::default();
        for entry in self.ledger(&query).await?.items {
            total.add(&entry);
        }
        Ok(vec![total])
    }

    async fn budget_account(&self, id: &AccountId) -> Result<Option<BudgetAccount>, StoreError> {
        let mut id = id.clone();
        if self.0 == Flaw::MixesTenants {
            id.key.tenant = None;
        }
        self.1.ledger().budget_account(&id).await
    }

    async fn budget_accounts(
        &self,
        scope: Option<BudgetScope>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(AccountId, BudgetAccount)>, StoreError> {
        self.1.ledger().budget_accounts(scope, now, limit).await
    }
}

impl Misread {
    fn space(&self, space: &MemorySpace) -> MemorySpace {
        let tenant = space.tenant.clone().filter(|_| self.0 != Flaw::MixesTenants);
        MemorySpace { tenant, owner: space.owner.clone() }
    }
}

#[async_trait]
impl MemoryReads for Misread {
    async fn memory(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError> {
        self.1.memories().memory(&self.space(space), key, now).await
    }

    async fn memories(&self, query: &MemoryQuery) -> Result<MemoryPage, StoreError> {
        let query = MemoryQuery { space: self.space(&query.space), ..query.clone() };
        self.1.memories().memories(&query).await
    }
}

#[async_trait]
impl QualityReads for Misread {
    async fn evaluation(&self, id: ExecutionId) -> Result<Option<Evaluation>, StoreError> {
        self.1.quality().evaluation(id).await
    }

    async fn evaluations(&self, query: &EvaluationQuery) -> Result<Page<Evaluation>, StoreError> {
        self.1.quality().evaluations(query).await
    }

    async fn unevaluated(&self, limit: usize) -> Result<Vec<ExecutionId>, StoreError> {
        self.1.quality().unevaluated(limit).await
    }

    async fn flag(&self, id: ExecutionId) -> Result<Option<Flag>, StoreError> {
        self.1.quality().flag(id).await
    }

    async fn flags(&self, query: &FlagQuery) -> Result<Page<Flag>, StoreError> {
        self.1.quality().flags(query).await
    }
}
