//! A store in front of the store, which notes how every commit and claim ends.

use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Op, Page, QualityReads,
    Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};
use serde_json::Value;

use crate::health::Health;

/// A store that tells [`Health`] how its commits and claims end.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    health: Arc<Health>,
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>, health: Arc<Health>) -> Self {
        Self { store, health }
    }
}

/// Returns whether a batch that succeeds shows that the store can be written:
/// a sweep may have found nothing to do, and a precondition writes nothing.
fn writes(batch: &Batch) -> bool {
    let shows_nothing = |op: &Op| {
        matches!(
            op,
            Op::Sweep { .. }
                | Op::Compact { .. }
                | Op::Expect { .. }
                | Op::NotEnded { .. }
                | Op::Lapse { .. }
                | Op::Expire { .. }
                | Op::ForgetAll(_)
        )
    };
    !batch.ops.iter().all(shows_nothing)
}

#[async_trait]
impl Store for Watched {
    fn capabilities(&self) -> StoreCapabilities {
        self.store.capabilities()
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let writes = writes(&batch);
        let flight = self.health.begin();
        let committed = self.store.commit(batch).await;
        flight.end(committed.as_ref().err(), writes);
        committed
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        let flight = self.health.begin();
        let claimed = self.store.claim(request).await;
        // Who claimed nothing has written nothing.
        let wrote = claimed.as_ref().is_ok_and(|claims| !claims.is_empty());
        flight.end(claimed.as_ref().err(), wrote);
        claimed
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.store.execution(id).await
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        self.store.execution_by_key(tenant, flow, key).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        self.store.executions(query).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.store.journal(id).await
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.store.journal_value(id, path).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.store.due_waits(now, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due(now).await
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.store.events(after, limit).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.store.last_event().await
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        self.store.ledger()
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        self.store.memories()
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        self.store.quality()
    }

    fn feed(&self) -> &EventFeed {
        self.store.feed()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.store.close().await
    }
}
