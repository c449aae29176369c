//! A store that loses power: what was not yet synced may be gone, and nothing else.

mod disk;
mod seeded;
mod write;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot::{self, error::TryRecvError};

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Page, QualityReads, Receipt,
    SharedStore, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};

use crate::closed::ClosedStore;

use self::disk::Disk;
use self::write::{Record, Reply};

/// A store on a disk whose power may fail at any moment, for simulations of crashes.
///
/// Commits and claims queue up in the order in which they were made, and wait
/// for a sync. A sync takes everything up to some place in the queue to the
/// disk: only then is it applied, read, announced and answered, be it accepted
/// or refused. A write brings its sync about itself, a few scheduling steps
/// after it was made; the seed decides how many. So nothing depends on real
/// time or on threads, and one seed is one history on a current-thread runtime.
///
/// [`crash`](Self::crash) is the loss of power. Whatever was answered is there
/// in the store that it returns; of what was still in the queue a prefix is,
/// whose length the seed decides, each batch whole or not at all. The old
/// handle and its clones answer [`StoreError::Closed`] from then on, also to
/// writes that are waiting.
///
/// The content lives in a store that is made anew after each crash and is given
/// everything again, so that a short history costs a few milliseconds, also in
/// a debug build. That store must answer at once and do the same when it is
/// asked the same, as the memory store does.
///
/// ```
/// # use std::sync::Arc;
/// # use runcor_core::{Batch, Store};
/// # use runcor_store_memory::MemoryStore;
/// # use runcor_testkit::{ExecutionBuilder, LossyStore};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = LossyStore::new(7, || Arc::new(MemoryStore::new()));
/// let refund = ExecutionBuilder::new("refund").build();
/// store.commit(Batch::new().insert(refund.clone())).await.unwrap();
///
/// let after = store.crash();
/// assert_eq!(after.execution(refund.id()).await.unwrap(), Some(refund));
/// assert!(store.last_event().await.is_err());
/// # }
/// ```
#[derive(Clone)]
pub struct LossyStore {
    shared: Arc<Shared>,
}

struct Shared {
    /// What is on the disk, as it is read.
    content: SharedStore,
    make: Make,
    disk: Mutex<Disk>,
}

type Make = Arc<dyn Fn() -> SharedStore + Send + Sync>;

impl LossyStore {
    /// Makes an empty disk; `make` makes the empty store that holds its content.
    #[must_use]
    pub fn new(seed: u64, make: impl Fn() -> SharedStore + Send + Sync + 'static) -> Self {
        Self::of(make(), Arc::new(make), Disk::new(seed))
    }

    fn of(content: SharedStore, make: Make, disk: Disk) -> Self {
        Self { shared: Arc::new(Shared { content, make, disk: Mutex::new(disk) }) }
    }

    /// Sets how many scheduling steps a sync takes at most; 8 unless told, 0 syncs at once.
    #[must_use]
    pub fn with_slowest_sync(self, steps: usize) -> Self {
        self.shared.disk.lock().slowest = steps;
        self
    }

    /// Sets whether several processes use the store; it then leaves their
    /// leases alone when it is opened after a crash, instead of ending them.
    #[must_use]
    pub fn with_shared(self, shared: bool) -> Self {
        self.shared.disk.lock().is_shared = shared;
        self
    }

    /// Stops every sync but those that are asked for, until [`release`](Self::release).
    pub fn hold(&self) {
        self.shared.disk.lock().is_held = true;
    }

    /// Syncs what has queued up and lets writes be synced by themselves again.
    pub fn release(&self) {
        let mut disk = self.shared.disk.lock();
        disk.is_held = false;
        disk.sync(&*self.shared.content, u64::MAX);
    }

    /// Syncs everything and returns how many writes that were.
    pub fn sync(&self) -> usize {
        self.shared.disk.lock().sync(&*self.shared.content, u64::MAX)
    }

    /// Returns how many writes wait for a sync.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.shared.disk.lock().pending()
    }

    /// Takes the power away; returns the store as it is found afterwards.
    ///
    /// The seed decides how many of the waiting writes survive.
    #[must_use]
    pub fn crash(&self) -> Self {
        let survivors = self.shared.disk.lock().draw_survivors();
        self.crash_keeping(survivors)
    }

    /// As [`crash`](Self::crash), with the first `survivors` of the waiting
    /// writes on the disk; all of them if there are fewer.
    ///
    /// # Panics
    /// Panics when the inner store does not answer at once, or does something
    /// else than before when it is given everything again.
    #[must_use]
    pub fn crash_keeping(&self, survivors: usize) -> Self {
        let content = (self.shared.make)();
        let disk = self.shared.disk.lock().fail(survivors, &*content);
        Self::of(content, Arc::clone(&self.shared.make), disk)
    }

    /// Returns what is on the disk, as long as there is power.
    fn content(&self) -> Result<&dyn Store, StoreError> {
        self.shared.disk.lock().check()?;
        Ok(&*self.shared.content)
    }

    async fn write<T>(
        &self,
        record: Record,
        reply: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Reply + Send,
    ) -> Result<T, StoreError> {
        let (sender, mut answer) = oneshot::channel();
        let ticket = self.shared.disk.lock().enqueue(record, reply(sender))?;
        for _ in 0..ticket.steps {
            match answer.try_recv() {
                Ok(outcome) => return outcome,
                Err(TryRecvError::Closed) => return Err(StoreError::Closed),
                Err(TryRecvError::Empty) => tokio::task::yield_now().await,
            }
        }
        self.shared.disk.lock().sync_unless_held(&*self.shared.content, ticket.number);
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl fmt::Debug for LossyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LossyStore")
            .field("content", &self.shared.content)
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for LossyStore {
    fn capabilities(&self) -> StoreCapabilities {
        let is_shared = self.shared.disk.lock().is_shared;
        StoreCapabilities::default().with_durable(true).with_shared(is_shared)
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        self.write(Record::Commit(batch), Reply::Commit).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        self.write(Record::Claim(request), Reply::Claim).await
    }

    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.content()?.execution(id).await
    }

    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        self.content()?.execution_by_key(tenant, flow, key).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        self.content()?.executions(query).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        self.content()?.journal(id).await
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.content()?.journal_value(id, path).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.content()?.due_waits(now, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.content()?.next_due(now).await
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.content()?.events(after, limit).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.content()?.last_event().await
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        self.content().map_or_else(
            |_| Arc::new(ClosedStore::default()) as Arc<dyn LedgerReads>,
            Store::ledger,
        )
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        self.content().map_or_else(
            |_| Arc::new(ClosedStore::default()) as Arc<dyn MemoryReads>,
            Store::memories,
        )
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        self.content().map_or_else(
            |_| Arc::new(ClosedStore::default()) as Arc<dyn QualityReads>,
            Store::quality,
        )
    }

    fn feed(&self) -> &EventFeed {
        self.shared.content.feed()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.shared.disk.lock().close(&*self.shared.content);
        Ok(())
    }
}
