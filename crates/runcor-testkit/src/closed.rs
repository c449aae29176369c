//! A store that was never open: it holds a place while a real one is away.

use async_trait::async_trait;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, Page, Receipt, Store, StoreCapabilities, StoreError,
    TenantId, Timestamp,
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

    fn feed(&self) -> &EventFeed {
        &self.feed
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
