//! A store whose calls fail, or take their time, when a test wants it.

mod fate;
mod plan;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Page, QualityReads, Receipt,
    SharedStore, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};

pub use fate::{Fate, Gate, StoreCall};

use plan::Plan;

/// Wraps a store and makes chosen calls fail, before or after they are done, or take their time.
///
/// A commit that fails *after* it was applied is what a lost connection or a
/// dropped future looks like: the author does not know, and must look.
///
/// Commits fail by their number, commits and claims by an outage; for anything
/// else a test decides on each call with [`decide`](Self::decide).
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

    /// Puts `decide` in charge of every call that no other plan is made for,
    /// until [`recover`](Self::recover).
    ///
    /// It must not call the store itself.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use runcor_core::{Batch, Store, StoreError};
    /// # use runcor_store_memory::MemoryStore;
    /// # use runcor_testkit::{Fate, FaultStore, StoreCall};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let store = FaultStore::new(Arc::new(MemoryStore::new()));
    /// store.decide(|call| match call {
    ///     StoreCall::Read("last_event") => {
    ///         Fate::Refuse(StoreError::Unavailable { message: "no line".to_owned() })
    ///     }
    ///     _ => Fate::Pass,
    /// });
    /// assert!(store.last_event().await.is_err());
    /// assert!(store.commit(Batch::new()).await.is_ok());
    /// # }
    /// ```
    pub fn decide(&self, decide: impl FnMut(&StoreCall<'_>) -> Fate + Send + 'static) {
        self.plan.lock().decide = Some(Box::new(decide));
    }

    /// Puts `fate` in store for the first call that `is_meant`; everything else passes.
    ///
    /// It takes the place of what was decided before.
    pub fn decide_once(
        &self,
        is_meant: impl Fn(&StoreCall<'_>) -> bool + Send + 'static,
        fate: Fate,
    ) {
        let mut fate = Some(fate);
        self.decide(move |call| fate.take_if(|_| is_meant(call)).unwrap_or(Fate::Pass));
    }

    /// Ends an outage, and lets everything pass that a test decided on.
    pub fn recover(&self) {
        let mut plan = self.plan.lock();
        plan.outage = None;
        plan.decide = None;
    }

    /// Returns how many commits were tried so far.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.plan.lock().commits
    }

    async fn meet<T>(
        &self,
        call: StoreCall<'_>,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let fate = self.plan.lock().meet(&call);
        match fate {
            Fate::Pass => work.await,
            Fate::Refuse(error) => Err(error),
            Fate::Lose(error) => work.await.and(Err(error)),
            Fate::Delay(gate) => {
                gate.pass().await;
                work.await
            }
            Fate::Hold(gate) => {
                let answer = work.await;
                gate.pass().await;
                answer
            }
        }
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
        let shown = batch.clone();
        self.meet(StoreCall::Commit(&shown), self.inner.commit(batch)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        let shown = request.clone();
        self.meet(StoreCall::Claim(&shown), self.inner.claim(request)).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.meet(StoreCall::Read("execution"), self.inner.execution(id)).await
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        self.meet(
            StoreCall::Read("execution_by_key"),
            self.inner.execution_by_key(tenant, flow, key),
        )
        .await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        self.meet(StoreCall::Read("executions"), self.inner.executions(query)).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.meet(StoreCall::Read("journal"), self.inner.journal(id)).await
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.meet(StoreCall::Read("journal_value"), self.inner.journal_value(id, path)).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.meet(StoreCall::Read("due_waits"), self.inner.due_waits(now, limit)).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.meet(StoreCall::Read("next_due"), self.inner.next_due(now)).await
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.meet(StoreCall::Read("events"), self.inner.events(after, limit)).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.meet(StoreCall::Read("last_event"), self.inner.last_event()).await
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        self.inner.ledger()
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        self.inner.memories()
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        self.inner.quality()
    }

    fn feed(&self) -> &EventFeed {
        self.inner.feed()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
