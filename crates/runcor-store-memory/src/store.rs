//! The store's face: one lock around the state, and the feed beside it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Outcome, Page, QualityReads,
    Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};

use crate::executions::Key;
use crate::reads::Reads;
use crate::state::State;

/// A store in memory: fast, complete, and gone with the process.
///
/// Clones share the same content.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    /// Absent once the store is closed.
    state: Mutex<Option<State>>,
    feed: EventFeed,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::new(Some(State::default())), feed: EventFeed::new() }
    }
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.shared.state.lock().as_mut().ok_or(StoreError::Closed).and_then(work)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Inputs and results stay out of every log.
        let executions = self.shared.state.lock().as_ref().map(|state| state.executions.len());
        f.debug_struct("MemoryStore").field("executions", &executions).finish()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities::default()
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        self.with(|state| state.commit(batch, &self.shared.feed))
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        self.with(|state| Ok(state.claim(&request, &self.shared.feed)))
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.with(|state| {
            Ok(state.executions.by_id(id).map(|(_, record)| record.execution.clone()))
        })
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        let key = Key { tenant: tenant.cloned(), flow: flow.clone(), key: key.clone() };
        self.with(|state| Ok(state.executions.by_key(key).map(|record| record.execution.clone())))
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        self.with(|state| Ok(state.executions.page(query)))
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.with(|state| {
            let record = state.executions.by_id(id).map(|(_, record)| record);
            Ok(record.map(|record| record.entries().to_vec()).unwrap_or_default())
        })
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.with(|state| {
            let entry = state.executions.by_id(id).and_then(|(_, record)| record.entry(path));
            Ok(entry.and_then(JournalEntry::outcome).and_then(|outcome| match outcome {
                Outcome::Done(value) => Some(value.clone()),
                _ => None,
            }))
        })
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.with(|state| {
            let due = state.queues.due_waits(now).take(limit);
            let records = due.filter_map(|number| state.executions.get(number));
            Ok(records.map(|record| record.execution.clone()).collect())
        })
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.with(|state| Ok(state.next_due(now)))
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.with(|state| Ok(state.log.after(after, limit)))
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.with(|state| Ok(state.log.last()))
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        Arc::new(Reads(self.clone()))
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        Arc::new(Reads(self.clone()))
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        Arc::new(Reads(self.clone()))
    }

    fn feed(&self) -> &EventFeed {
        &self.shared.feed
    }

    async fn close(&self) -> Result<(), StoreError> {
        let state = self.shared.state.lock().take();
        // A million records take a while to free; nobody waits for the lock meanwhile.
        drop(state);
        Ok(())
    }
}
