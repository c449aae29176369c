//! A store that was never open: it holds a place while a real one is away.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use runcor_core::{
    AccountId, Batch, BudgetAccount, BudgetScope, Claim, ClaimRequest, Evaluation, EvaluationQuery,
    EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery, Flag, FlagQuery, FlowName,
    IdempotencyKey, JournalEntry, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery,
    LedgerReads, LedgerTotal, MemoryEntry, MemoryPage, MemoryQuery, MemoryReads, MemorySpace, Page,
    QualityReads, Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};

/// Answers everything with [`StoreError::Closed`].
#[derive(Debug, Default)]
pub(crate) struct ClosedStore {
    feed: EventFeed,
}

#[async_trait]
impl Store for ClosedStore {
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities::default()
    }

    async fn commit(&self, _: Batch) -> Result<Receipt, StoreError> {
        Err(StoreError::Closed)
    }

    async fn claim(&self, _: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn execution(&self, _: ExecutionId) -> Result<Option<Execution>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn execution_by_key(
        &self,
        _: Option<&TenantId>,
        _: &FlowName,
        _: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn executions(&self, _: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn journal(&self, _: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn journal_value(&self, _: ExecutionId, _: &str) -> Result<Option<Value>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn due_waits(&self, _: Timestamp, _: usize) -> Result<Vec<Execution>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn next_due(&self, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn events(&self, _: u64, _: usize) -> Result<Vec<EventRecord>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        Err(StoreError::Closed)
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        Arc::new(Self::default())
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        Arc::new(Self::default())
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        Arc::new(Self::default())
    }

    fn feed(&self) -> &EventFeed {
        &self.feed
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl LedgerReads for ClosedStore {
    async fn ledger(&self, _: &LedgerQuery) -> Result<Page<LedgerEntry>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn ledger_totals(
        &self,
        _: &LedgerFilter,
        _: Option<LedgerDimension>,
    ) -> Result<Vec<LedgerTotal>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn budget_account(&self, _: &AccountId) -> Result<Option<BudgetAccount>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn budget_accounts(
        &self,
        _: Option<BudgetScope>,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<(AccountId, BudgetAccount)>, StoreError> {
        Err(StoreError::Closed)
    }
}

#[async_trait]
impl MemoryReads for ClosedStore {
    async fn memory(
        &self,
        _: &MemorySpace,
        _: &str,
        _: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn memories(&self, _: &MemoryQuery) -> Result<MemoryPage, StoreError> {
        Err(StoreError::Closed)
    }
}

#[async_trait]
impl QualityReads for ClosedStore {
    async fn evaluation(&self, _: ExecutionId) -> Result<Option<Evaluation>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn evaluations(&self, _: &EvaluationQuery) -> Result<Page<Evaluation>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn unevaluated(&self, _: usize) -> Result<Vec<ExecutionId>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn flag(&self, _: ExecutionId) -> Result<Option<Flag>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn flags(&self, _: &FlagQuery) -> Result<Page<Flag>, StoreError> {
        Err(StoreError::Closed)
    }
}
