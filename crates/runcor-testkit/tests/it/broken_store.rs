//! A memory store with one thing wrong, to see that the suite sees it.

mod flaw;
mod governance;
mod journals;
mod spoil;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryReads, Op, Order, Page,
    QualityReads, Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};
use runcor_store_memory::MemoryStore;

pub(crate) use flaw::Flaw;
use governance::Misread;
pub(crate) use journals::spill;

#[derive(Debug)]
pub(crate) struct BrokenStore {
    inner: MemoryStore,
    flaw: Flaw,
    feed: EventFeed,
    turn: tokio::sync::Mutex<()>,
    is_packed: AtomicBool,
    kept: Mutex<HashMap<ExecutionId, Vec<JournalEntry>>>,
}

impl BrokenStore {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            inner: MemoryStore::new(),
            flaw,
            feed: EventFeed::new(),
            turn: tokio::sync::Mutex::default(),
            is_packed: AtomicBool::new(false),
            kept: Mutex::default(),
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    async fn in_part(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let mut receipt = Receipt::default();
        for op in batch.ops {
            receipt.swept += self.inner.commit(Batch::new().with(op)).await?.swept;
        }
        Ok(receipt)
    }

    async fn publish_backwards(&self, after: u64) {
        let events = self.inner.events(after, usize::MAX).await.unwrap_or_default();
        for record in events.into_iter().rev() {
            self.feed.publish(record);
        }
    }
}

fn without_seeds(mut batch: Batch) -> Batch {
    batch.ops.retain(|op| !matches!(op, Op::Seed { .. }));
    batch
}

#[async_trait]
impl Store for BrokenStore {
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities::default()
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let _turn = self.turn.lock().await;
        let before = self.inner.last_event().await?;
        let packs = batch.ops.iter().any(|op| matches!(op, Op::Compact { .. }));
        let written = journals::written(&batch);
        let batch = self.spoil_journals(self.spoil(batch)).await?;
        let outcome = match self.flaw {
            Flaw::IgnoresFences => self.inner.commit(self.without_fences(batch).await).await,
            Flaw::SeedsAtAnyTime => match self.inner.commit(batch.clone()).await {
                Err(StoreError::Conflict { .. }) => self.inner.commit(without_seeds(batch)).await,
                other => other,
            },
            Flaw::PacksTooMuch if packs => {
                self.inner.commit(batch).await.map(|receipt| receipt.with_compacted(9))
            }
            Flaw::KeepsRefusedTakes => self.keep_takes(batch).await,
            Flaw::KeepsWhatBelongs => self.keep_evaluations(batch).await,
            Flaw::MovesFlagsAnyhow => self.move_flags(batch).await,
            Flaw::SweepsFlagged => self.sweep_flagged(batch).await,
            Flaw::AppliesBatchesInPart => self.in_part(batch).await,
            Flaw::AcceptsDuplicates => match self.inner.commit(batch).await {
                Err(StoreError::Duplicate { .. }) => Ok(Receipt::default()),
                other => other,
            },
            Flaw::RunsBatchesTwice => {
                let events = batch.ops.iter().filter(|op| matches!(op, Op::Emit(_)));
                let again = Batch { ops: events.cloned().collect() };
                let outcome = self.inner.commit(batch).await;
                self.inner.commit(again).await.and(outcome)
            }
            _ => self.inner.commit(batch).await,
        };
        self.keep(written).await?;
        self.is_packed.fetch_or(packs, Ordering::SeqCst);
        self.publish_backwards(before).await;
        outcome
    }

    async fn claim(&self, mut request: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        if self.has(Flaw::ClaimsEveryFlow) {
            request.flows.push(FlowName::new("backlog").unwrap());
        }
        let _turn = self.turn.lock().await;
        let before = self.inner.last_event().await?;
        let mut claims = self.inner.claim(request).await?;
        self.publish_backwards(before).await;
        if self.has(Flaw::ClaimsNewestFirst) {
            claims.reverse();
        }
        for claim in &mut claims {
            claim.interrupted &= !self.has(Flaw::ForgetsInterruptions);
        }
        Ok(claims)
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
        let tenant = tenant.filter(|_| !self.has(Flaw::IgnoresTenantsOfKeys));
        self.inner.execution_by_key(tenant, flow, key).await
    }

    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        let mut query = query.clone();
        if self.has(Flaw::IgnoresCursors) {
            query.after = None;
        }
        if self.has(Flaw::SortsNothing) {
            query.order = Order::Oldest;
        }
        if self.has(Flaw::ForgetsParents) {
            query.parent = None;
        }
        self.inner.executions(&query).await
    }

    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(self.misread(id, self.inner.journal(id).await?))
    }

    async fn journal_value(
        &self,
        id: ExecutionId,
        path: &str,
    ) -> Result<Option<Value>, StoreError> {
        if self.has(Flaw::SpillsForGood) {
            return Ok(None);
        }
        self.inner.journal_value(id, path).await
    }

    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError> {
        self.inner.due_waits(now, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let due = self.inner.next_due(now).await?;
        Ok(due.filter(|_| !self.has(Flaw::OverlooksTimers)))
    }

    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.inner.events(after, limit).await
    }

    async fn last_event(&self) -> Result<u64, StoreError> {
        self.inner.last_event().await
    }

    fn ledger(&self) -> Arc<dyn LedgerReads> {
        Arc::new(Misread(self.flaw, self.inner.clone()))
    }

    fn memories(&self) -> Arc<dyn MemoryReads> {
        Arc::new(Misread(self.flaw, self.inner.clone()))
    }

    fn quality(&self) -> Arc<dyn QualityReads> {
        Arc::new(Misread(self.flaw, self.inner.clone()))
    }

    fn feed(&self) -> &EventFeed {
        if self.has(Flaw::PublishesEventsBackwards) { &self.feed } else { self.inner.feed() }
    }

    async fn close(&self) -> Result<(), StoreError> {
        if self.has(Flaw::SurvivesClosing) { Ok(()) } else { self.inner.close().await }
    }
}
