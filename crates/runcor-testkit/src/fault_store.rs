//! A store whose commits fail when a test wants it.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, Page, Receipt, SharedStore, Store, StoreCapabilities,
    StoreError, TenantId, Timestamp,
};

/// Wraps a store and makes chosen commits fail, before or after they are applied.
///
/// A commit that fails *after* it was applied is what a lost connection or a
/// dropped future looks like: the author does not know, and must look.
///
/// ```
/// # use std::sync::Arc;
/// # use runcor_core::{Batch, Store, StoreError};
/// # use runcor_store_memory::MemoryStore;
/// # use runcor_testkit::{ExecutionBuilder, FaultStore};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = FaultStore::new(Arc::new(MemoryStore::new()));
/// store.fail_before(1, StoreError::Full { message: "disk full".to_owned() });
/// store.fail_after(2, StoreError::Unavailable { message: "connection lost".to_owned() });
///
/// let execution = ExecutionBuilder::new("refund").build();
/// let batch = Batch::new().insert(execution.clone());
/// assert!(store.commit(batch.clone()).await.is_err());
/// assert_eq!(store.execution(execution.id()).await.unwrap(), None);
/// assert!(store.commit(batch).await.is_err());
/// assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
/// # }
/// ```
pub struct FaultStore {
    inner: SharedStore,
    plan: Mutex<Plan>,
}

#[derive(Default)]
struct Plan {
    commits: u64,
    before: BTreeMap<u64, StoreError>,
    after: BTreeMap<u64, StoreError>,
    outage: Option<StoreError>,
}

impl FaultStore {
    /// Wraps a store; nothing fails until it is asked for.
    #[must_use]
    pub fn new(inner: SharedStore) -> Self {
        Self { inner, plan: Mutex::new(Plan::default()) }
    }

    /// Makes commit number `nth` fail without being applied; the first has number 1.
    pub fn fail_before(&self, nth: u64, error: StoreError) {
        self.plan.lock().before.insert(nth, error);
    }

    /// Makes commit number `nth` fail although it is applied; the first has number 1.
    ///
    /// A commit that the store itself refuses keeps the store's error.
    pub fn fail_after(&self, nth: u64, error: StoreError) {
        self.plan.lock().after.insert(nth, error);
    }

    /// Makes every commit and claim fail, unapplied, until [`recover`](Self::recover).
    pub fn begin_outage(&self, error: StoreError) {
        self.plan.lock().outage = Some(error);
    }

    /// Ends an outage.
    pub fn recover(&self) {
        self.plan.lock().outage = None;
    }

    /// Returns how many commits were tried so far.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.plan.lock().commits
    }

    /// Counts a commit; returns its number, or the error that it meets.
    fn enter(&self) -> Result<u64, StoreError> {
        let mut plan = self.plan.lock();
        plan.commits += 1;
        let nth = plan.commits;
        let planned = plan.before.remove(&nth);
        planned.or_else(|| plan.outage.clone()).map_or(Ok(nth), Err)
    }

    fn leave(&self, nth: u64) -> Result<(), StoreError> {
        self.plan.lock().after.remove(&nth).map_or(Ok(()), Err)
    }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore")
            .field("inner", &self.inner)
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for FaultStore {
    fn capabilities(&self) -> StoreCapabilities {
        self.inner.capabilities()
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let nth = self.enter()?;
        let receipt = self.inner.commit(batch).await?;
        self.leave(nth).map(|()| receipt)
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        let outage = self.plan.lock().outage.clone();
        match outage {
            Some(error) => Err(error),
            None => self.inner.claim(request).await,
        }
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.inner.execution(id).await
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        self.inner.execution_by_key(tenant, flow, key).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        self.inner.executions(query).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.inner.journal(id).await
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.inner.journal_value(id, path).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.inner.due_waits(now, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(now).await
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.inner.events(after, limit).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.inner.last_event().await
    }

    fn feed(&self) -> &EventFeed {
        self.inner.feed()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
