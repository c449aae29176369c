//! The reads of the ledger, of memories and of quality.

use async_trait::async_trait;
use runcor_core::{
    AccountId, BudgetAccount, BudgetScope, Evaluation, EvaluationQuery, ExecutionId, Flag,
    FlagQuery, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, LedgerReads, LedgerTotal,
    MemoryEntry, MemoryPage, MemoryQuery, MemoryReads, MemorySpace, Page, QualityReads, StoreError,
    Timestamp,
};

use crate::encode::AccountRow;
use crate::readers::Readers;
use crate::{budget, ledger, memory, quality};

#[async_trait]
impl LedgerReads for Readers {
    async fn ledger(&self, query: &LedgerQuery) -> Result<Page<LedgerEntry>, StoreError> {
        let query = query.clone();
        self.aside(move |conn| ledger::page(conn, &query)).await
    }

    async fn ledger_totals(
        &self,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
    ) -> Result<Vec<LedgerTotal>, StoreError> {
        let filter = filter.clone();
        self.aside(move |conn| ledger::totals(conn, &filter, by)).await
    }

    async fn budget_account(&self, id: &AccountId) -> Result<Option<BudgetAccount>, StoreError> {
        let row = AccountRow::of(id.clone());
        self.here(|conn| budget::account(conn, &row)).await
    }

    async fn budget_accounts(
        &self,
        scope: Option<BudgetScope>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(AccountId, BudgetAccount)>, StoreError> {
        self.aside(move |conn| budget::accounts(conn, scope, now, limit)).await
    }
}

#[async_trait]
impl MemoryReads for Readers {
    async fn memory(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError> {
        self.here(|conn| memory::entry(conn, space, key, now)).await
    }

    async fn memories(&self, query: &MemoryQuery) -> Result<MemoryPage, StoreError> {
        let query = query.clone();
        self.aside(move |conn| memory::page(conn, &query)).await
    }
}

#[async_trait]
impl QualityReads for Readers {
    async fn evaluation(&self, id: ExecutionId) -> Result<Option<Evaluation>, StoreError> {
        self.here(|conn| quality::evaluation(conn, id)).await
    }

    async fn evaluations(&self, query: &EvaluationQuery) -> Result<Page<Evaluation>, StoreError> {
        let query = query.clone();
        self.aside(move |conn| quality::evaluations(conn, &query)).await
    }

    async fn unevaluated(&self, limit: usize) -> Result<Vec<ExecutionId>, StoreError> {
        self.aside(move |conn| quality::unevaluated(conn, limit)).await
    }

    async fn flag(&self, id: ExecutionId) -> Result<Option<Flag>, StoreError> {
        self.here(|conn| quality::flag_of(conn, id)).await
    }

    async fn flags(&self, query: &FlagQuery) -> Result<Page<Flag>, StoreError> {
        let query = query.clone();
        self.aside(move |conn| quality::flags(conn, &query)).await
    }
}
