//! Reads that are not there yet.

use async_trait::async_trait;
use runcor_core::{
    AccountId, BudgetAccount, BudgetScope, Evaluation, EvaluationQuery, ExecutionId, Flag,
    FlagQuery, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, LedgerReads, LedgerTotal,
    MemoryEntry, MemoryPage, MemoryQuery, MemoryReads, MemorySpace, Page, QualityReads, StoreError,
    Timestamp,
};

#[derive(Debug, Default)]
pub(crate) struct Away;

#[async_trait]
impl LedgerReads for Away {
    async fn ledger(&self, _: &LedgerQuery) -> Result<Page<LedgerEntry>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn ledger_totals(
        &self,
        _: &LedgerFilter,
        _: Option<LedgerDimension>,
    ) -> Result<Vec<LedgerTotal>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn budget_account(&self, _: &AccountId) -> Result<Option<BudgetAccount>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn budget_accounts(
        &self,
        _: Option<BudgetScope>,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<(AccountId, BudgetAccount)>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }
}

#[async_trait]
impl MemoryReads for Away {
    async fn memory(
        &self,
        _: &MemorySpace,
        _: &str,
        _: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn memories(&self, _: &MemoryQuery) -> Result<MemoryPage, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }
}

#[async_trait]
impl QualityReads for Away {
    async fn evaluation(&self, _: ExecutionId) -> Result<Option<Evaluation>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn evaluations(&self, _: &EvaluationQuery) -> Result<Page<Evaluation>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn unevaluated(&self, _: usize) -> Result<Vec<ExecutionId>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn flag(&self, _: ExecutionId) -> Result<Option<Flag>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }

    async fn flags(&self, _: &FlagQuery) -> Result<Page<Flag>, StoreError> {
        Err(StoreError::Unavailable { message: "not yet".to_owned() })
    }
}
