//! A store that keeps memories and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{
    Batch, Claim, ClaimRequest, EventFeed, EventRecord, Execution, ExecutionId, ExecutionQuery,
    FlowName, IdempotencyKey, JournalEntry, LedgerReads, MemoryEntry, MemoryExpectation,
    MemoryPage, MemoryQuery, MemoryReads, MemorySpace, MemoryWrite, Op, Page, QualityReads,
    Receipt, Store, StoreCapabilities, StoreError, TenantId, Timestamp,
};
use serde_json::Value;

type Kept = BTreeMap<MemorySpace, BTreeMap<String, MemoryEntry>>;

/// Memories, applied whole or not at all. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    kept: Mutex<(Kept, u64)>,
    is_away: AtomicBool,
    feed: EventFeed,
}

impl Shelf {
    /// Sets whether reads fail.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.inner.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Applies the writes among operations, all or none.
    pub(crate) fn apply(&self, ops: &[Op]) -> Result<(), StoreError> {
        let mut kept = self.inner.kept.lock();
        let mut changed = kept.clone();
        for op in ops {
            if let Op::Remember(write) = op {
                remember(&mut changed, write)?;
            }
        }
        *kept = changed;
        Ok(())
    }

    fn check(&self) -> Result<(), StoreError> {
        let is_away = self.inner.is_away.load(Ordering::SeqCst);
        if is_away { Err(away()) } else { Ok(()) }
    }
}

fn remember((kept, last): &mut (Kept, u64), write: &MemoryWrite) -> Result<(), StoreError> {
    let entries = kept.entry(write.space.clone()).or_default();
    let before = entries.get(&write.key).filter(|entry| is_there(entry, write.now));
    let fits = match write.expect {
        MemoryExpectation::Anything => true,
        MemoryExpectation::Absent => before.is_none(),
        MemoryExpectation::Version(version) => before.is_some_and(|it| it.version == version),
    };
    if !fits {
        return Err(StoreError::Stale { what: format!("key {}", write.key) });
    }
    let Some(value) = write.value.clone() else {
        entries.remove(&write.key);
        return Ok(());
    };
    let live = entries.values().filter(|entry| is_there(entry, write.now)).count();
    if before.is_none() && live >= write.max_entries as usize {
        return Err(StoreError::MemoryFull { max: write.max_entries });
    }
    *last += 1;
    let entry = MemoryEntry {
        key: write.key.clone(),
        value,
        created: before.map_or(write.now, |entry| entry.created),
        updated: write.now,
        expires: write.expires,
        version: *last,
    };
    entries.insert(write.key.clone(), entry);
    Ok(())
}

fn is_there(entry: &MemoryEntry, now: Timestamp) -> bool {
    entry.expires.is_none_or(|expires| now < expires)
}

fn away() -> StoreError {
    StoreError::Unavailable { message: "away".to_owned() }
}

#[async_trait]
impl MemoryReads for Shelf {
    async fn memory(
        &self,
        space: &MemorySpace,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<MemoryEntry>, StoreError> {
        self.check()?;
        let found = {
            let kept = self.inner.kept.lock();
            kept.0.get(space).and_then(|entries| entries.get(key)).cloned()
        };
        // Others write in between.
        tokio::task::yield_now().await;
        Ok(found.filter(|entry| is_there(entry, now)))
    }

    async fn memories(&self, query: &MemoryQuery) -> Result<MemoryPage, StoreError> {
        self.check()?;
        let kept = self.inner.kept.lock();
        let entries = kept.0.get(&query.space).into_iter().flat_map(BTreeMap::values);
        let mut items: Vec<_> = entries
            .filter(|entry| is_there(entry, query.now) && entry.key.starts_with(&query.prefix))
            .filter(|entry| query.after.as_ref().is_none_or(|after| entry.key > *after))
            .take(query.limit + 1)
            .cloned()
            .collect();
        let has_more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| has_more).map(|entry| entry.key.clone());
        Ok(MemoryPage { items, next })
    }
}

#[async_trait]
impl Store for Shelf {
    fn capabilities(&self) -> StoreCapabilities {
        StoreCapabilities::default()
    }
    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError> {
        self.apply(&batch.ops).map(|()| Receipt::default())
    }
    async fn claim(&self, _: ClaimRequest) -> Result<Vec<Claim>, StoreError> {
        Err(away())
    }
    async fn execution(&self, _: ExecutionId) -> Result<Option<Execution>, StoreError> {
        Err(away())
    }
    async fn execution_by_key(
        &self,
        _: Option<&TenantId>,
        _: &FlowName,
        _: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError> {
        Err(away())
    }
    async fn executions(&self, _: &ExecutionQuery) -> Result<Page<Execution>, StoreError> {
        Err(away())
    }
    async fn journal(&self, _: ExecutionId) -> Result<Vec<JournalEntry>, StoreError> {
        Err(away())
    }
    async fn journal_value(&self, _: ExecutionId, _: &str) -> Result<Option<Value>, StoreError> {
        Err(away())
    }
    async fn due_waits(&self, _: Timestamp, _: usize) -> Result<Vec<Execution>, StoreError> {
        Err(away())
    }
    async fn next_due(&self, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Err(away())
    }
    async fn events(&self, _: u64, _: usize) -> Result<Vec<EventRecord>, StoreError> {
        Err(away())
    }
    async fn last_event(&self) -> Result<u64, StoreError> {
        Err(away())
    }
    fn ledger(&self) -> Arc<dyn LedgerReads> {
        panic!("there is no ledger here")
    }
    fn memories(&self) -> Arc<dyn MemoryReads> {
        Arc::new(self.clone())
    }
    fn quality(&self) -> Arc<dyn QualityReads> {
        panic!("there are no evaluations here")
    }
    fn feed(&self) -> &EventFeed {
        &self.inner.feed
    }
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
