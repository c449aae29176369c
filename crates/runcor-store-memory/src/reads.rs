//! The reads of money, memories and quality.

use async_trait::async_trait;

use runcor_core::{
    AccountId, BudgetAccount, BudgetScope, Evaluation, EvaluationQuery, ExecutionId, Flag,
    FlagQuery, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, LedgerReads, LedgerTotal,
    MemoryEntry, MemoryPage, MemoryQuery, MemoryReads, MemorySpace, Page, QualityReads, StoreError,
    Timestamp,
};

use crate::store::MemoryStore;

/// A handle for those who only read; the store itself has methods of the same names.
pub(crate) struct Reads(pub(crate) MemoryStore);

#[async_trait]
impl LedgerReads for Reads {
    async fn ledger(&self, query: &LedgerQuery) -> Result<Page<LedgerEntry>, StoreError> {
        self.0.with(|state| Ok(state.funds.ledger.page(query)))
    }

    async fn ledger_totals(
        &self,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
    ) -> Result<Vec<LedgerTotal>, StoreError> {
        self.0.with(|state| Ok(state.funds.ledger.totals(filter, by)))
    }

    async fn budget_account(&self, id: &AccountId) -> Result<Option<BudgetAccount>, StoreError> {
        self.0.with(|state| {
            let accounts = &state.funds.accounts;
            let found = accounts.find(id).and_then(|slot| accounts.get(slot));
            Ok(found.map(|account| account.balance))
        })
    }

    async fn budget_accounts(
        &self,
        scope: Option<BudgetScope>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(AccountId, BudgetAccount)>, StoreError> {
        self.0.with(|state| Ok(state.funds.accounts.open_at(scope, now, limit)))
    }
}

#[async_trait]
impl MemoryReads for Reads {
    async fn memory(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError> {
        self.0.with(|state| Ok(state.memories.entry(space, key, now).cloned()))
    }

    async fn memories(&self, query: &MemoryQuery) -> Result<MemoryPage, StoreError> {
        self.0.with(|state| Ok(state.memories.page(query)))
    }
}

#[async_trait]
impl QualityReads for Reads {
    async fn evaluation(&self, id: ExecutionId) -> Result<Option<Evaluation>, StoreError> {
        self.0.with(|state| Ok(state.quality.evaluations.get(id).cloned()))
    }

    async fn evaluations(&self, query: &EvaluationQuery) -> Result<Page<Evaluation>, StoreError> {
        self.0.with(|state| Ok(state.quality.evaluations(query)))
    }

    async fn unevaluated(&self, limit: usize) -> Result<Vec<ExecutionId>, StoreError> {
        self.0.with(|state| Ok(state.quality.waiting.items().take(limit).copied().collect()))
    }

    async fn flag(&self, id: ExecutionId) -> Result<Option<Flag>, StoreError> {
        self.0.with(|state| Ok(state.quality.flags.get(id).cloned()))
    }

    async fn flags(&self, query: &FlagQuery) -> Result<Page<Flag>, StoreError> {
        self.0.with(|state| Ok(state.quality.flags(query)))
    }
}
