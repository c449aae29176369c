//! The durable scenarios, run on a memory store whose content outlives its handles.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Op, Page, QualityReads,
    Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp, WorkerId,
};
use runcor_store_memory::MemoryStore;
use runcor_testkit::StoreFixture;

/// What a disk would be.
#[derive(Debug, Default)]
struct Disk {
    content: MemoryStore,
    workers: Mutex<BTreeSet<WorkerId>>,
}

/// One opening of the disk.
#[derive(Debug)]
struct Handle {
    disk: Arc<Disk>,
    is_closed: AtomicBool,
    shared: bool,
    /// What is read once it is closed.
    closed: MemoryStore,
}

impl Handle {
    /// Opens the disk; the owner of a disk that nobody shares ends every lease of its past.
    async fn open(disk: Arc<Disk>, shared: bool) -> Self {
        let workers = std::mem::take(&mut *disk.workers.lock());
        if !shared {
            let now = Timestamp::from_millis(0);
            let ops = workers.into_iter().map(|worker| Op::Retire { worker, now }).collect();
            disk.content.commit(Batch { ops }).await.unwrap();
        }
        let closed = MemoryStore::new();
        closed.close().await.unwrap();
        Self { disk, is_closed: AtomicBool::new(false), shared, closed }
    }

    fn reads(&self) -> &MemoryStore {
        self.content().unwrap_or(&self.closed)
    }

    fn content(&self) -> Result<&MemoryStore, StoreError> {
        let is_closed = self.is_closed.load(Ordering::SeqCst);
        if is_closed { Err(StoreError::Closed) } else { Ok(&self.disk.content) }
    }
}

#[async_trait]
impl Store for Handle {
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities::default().with_durable(true).with_shared(self.shared)
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        for op in &batch.ops {
            if let Op::Lease { worker, .. } = op {
                self.disk.workers.lock().insert(*worker);
            }
        }
        self.content()?.commit(batch).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        self.content()?.claim(request).await
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
        self.reads().ledger()
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        self.reads().memories()
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        self.reads().quality()
    }

    fn feed(&self) -> &EventFeed {
        self.disk.content.feed()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.is_closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

async fn fixture(shared: bool) -> StoreFixture {
    let disk = Arc::new(Disk::default());
    StoreFixture::open(move || Handle::open(Arc::clone(&disk), shared)).await
}

mod of_one_process {
    runcor_testkit::store_suite!(super::fixture(false));
}

mod of_several_processes {
    runcor_testkit::store_suite!(super::fixture(true));
}

mod that_forgets {
    //! A store that only says that it is durable must fail.

    use runcor_testkit::{StoreFixture, scenarios};

    use super::{Disk, Handle};

    #[tokio::test]
    async fn a_store_that_forgets_everything_is_seen() {
        for name in [
            "every_field_survives_a_reopening",
            "journals_survive_a_reopening",
            "events_and_their_numbers_survive_a_reopening",
            "keys_and_cursors_survive_a_reopening",
            "waits_and_dues_survive_a_reopening",
            "what_a_dead_process_owned_is_claimed_after_a_reopening",
            "the_order_of_claims_survives_a_reopening",
            "accounts_and_reservations_survive_a_reopening",
            "the_ledger_survives_a_reopening",
            "windows_of_rate_limits_survive_a_reopening",
            "memories_survive_a_reopening",
            "evaluations_and_flags_survive_a_reopening",
        ] {
            let open = || Handle::open(Disk::default().into(), false);
            let fixture = StoreFixture::open(open).await;
            let scenario =
                scenarios().into_iter().find(|scenario| scenario.name() == name).unwrap();
            let run = tokio::spawn(async move { scenario.run(fixture).await });
            assert!(run.await.is_err(), "{name} does not see it");
        }
    }
}
