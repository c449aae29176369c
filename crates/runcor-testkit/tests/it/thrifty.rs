//! A memory store that saves space as a durable one does: it keeps large results
//! apart, sweeps by size and counts what it packs.
//!
//! The scenarios of what a store may do would otherwise not be tried here.

use std::collections::BTreeSet;

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Op, Page, QualityReads,
    Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{StoreFixture, scenarios};

use crate::broken_store::spill;

/// What is done wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waste {
    Nothing,
    SweepsNewestFirst,
    SweepsWhatGoesOn,
    SweepsWithoutNeed,
    PacksWhatGoesOn,
    MistakesSizes,
}

#[derive(Debug)]
struct Thrifty {
    inner: MemoryStore,
    waste: Waste,
    packed: Mutex<BTreeSet<ExecutionId>>,
}

impl Thrifty {
    fn new(waste: Waste) -> Self {
        Self { inner: MemoryStore::new(), waste, packed: Mutex::default() }
    }

    async fn all(&self) -> Result<Vec<Execution>, StoreError> {
        let query = ExecutionQuery { limit: usize::MAX, ..ExecutionQuery::default() };
        Ok(self.inner.executions(&query).await?.items)
    }

    async fn size_of(&self, execution: &Execution) -> Result<usize, StoreError> {
        let mut size = execution.spec.input.to_string().len() + 100;
        for entry in self.inner.journal(execution.id()).await? {
            let value = self.inner.journal_value(execution.id(), &entry.path).await?;
            size += 100 + value.map_or(0, |value| value.to_string().len());
        }
        Ok(size)
    }

    /// Returns the deletes of what must go for everything to fit.
    async fn sweep(&self, max_bytes: u64, limit: usize) -> Result<Vec<Op>, StoreError> {
        let mut all = self.all().await?;
        let mut size = 0;
        for execution in &all {
            size += self.size_of(execution).await?;
        }
        let goes_on = self.waste == Waste::SweepsWhatGoesOn;
        all.retain(|execution| execution.state().is_terminal() || goes_on);
        all.sort_by_key(|execution| execution.status.completed);
        if self.waste == Waste::SweepsNewestFirst {
            all.reverse();
        }
        let mut deletes = Vec::new();
        for execution in all.into_iter().take(limit) {
            if (size as u64) <= max_bytes && self.waste != Waste::SweepsWithoutNeed {
                break;
            }
            size -= self.size_of(&execution).await?;
            deletes.push(Op::Delete { id: execution.id(), expect: execution.fence() });
        }
        Ok(deletes)
    }

    async fn pack(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut all = self.all().await?;
        let goes_on = self.waste == Waste::PacksWhatGoesOn;
        all.retain(|one| one.status.completed.map_or(goes_on, |end| end < before));
        let mut packed = self.packed.lock();
        let fresh: Vec<_> =
            all.iter().map(Execution::id).filter(|id| !packed.contains(id)).collect();
        packed.extend(fresh.iter().take(limit));
        Ok(fresh.len().min(limit))
    }
}

#[async_trait]
impl Store for Thrifty {
    fn capabilities(&self) -> StoreCapabilities {
        self.inner.capabilities()
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let (mut deletes, mut packs) = (Vec::new(), None);
        for op in &batch.ops {
            match op {
                Op::Sweep { limit, max_bytes: Some(max_bytes), .. } => {
                    deletes = self.sweep(*max_bytes, *limit).await?;
                }
                Op::Compact { ended_before, limit } => packs = Some((*ended_before, *limit)),
                _ => {}
            }
        }
        let swept = deletes.len();
        let ops = deletes.into_iter().chain(batch.ops).collect();
        let receipt = self.inner.commit(Batch { ops }).await?;
        let compacted = match packs {
            Some((before, limit)) => self.pack(before, limit).await?,
            None => 0,
        };
        let swept = receipt.swept + swept;
        Ok(receipt.with_swept(swept).with_compacted(compacted))
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        self.inner.claim(request).await
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
        let mut journal = self.inner.journal(id).await?;
        journal.iter_mut().for_each(|entry| spill(entry, self.waste == Waste::MistakesSizes));
        Ok(journal)
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

mod that_is_right {
    use super::{StoreFixture, Thrifty, Waste};

    runcor_testkit::store_suite!(async { StoreFixture::new(Thrifty::new(Waste::Nothing)) });
}

#[tokio::test]
async fn a_store_that_saves_wrongly_is_seen() {
    for (waste, name) in [
        (Waste::SweepsNewestFirst, "a_sweep_by_size_takes_the_oldest_end_first"),
        (Waste::SweepsWhatGoesOn, "a_sweep_by_size_leaves_what_goes_on"),
        (Waste::SweepsWithoutNeed, "a_store_that_is_small_enough_is_not_swept"),
        (Waste::PacksWhatGoesOn, "only_what_has_ended_is_packed"),
        (Waste::MistakesSizes, "results_of_every_size_are_read_whole"),
    ] {
        let fixture = StoreFixture::new(Thrifty::new(waste));
        let scenario = scenarios().into_iter().find(|scenario| scenario.name() == name).unwrap();
        let run = tokio::spawn(async move { scenario.run(fixture).await });
        assert!(run.await.is_err(), "{name} does not see it");
    }
}
