//! What a step writes to memories: seen inside of it at once, true with its result.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;

use super::FlowMemory;
use crate::error::Result;
use crate::memory::{MemoryEntry, MemoryPage, MemoryQuery, MemorySpace, MemoryWrite};
use crate::store::Op;

tokio::task_local! {
    /// What the step whose body is being polled wants to write when it ends.
    static WRITES: Arc<StepWrites>;
}

/// Works out what is to stand at a key of what stands there.
pub(super) type Change = dyn Fn(Option<Value>) -> Result<Option<Value>> + Send + Sync;

/// What one step wants to write to memories when it ends.
#[derive(Default)]
pub(crate) struct StepWrites {
    pending: Mutex<Vec<StepWrite>>,
}

#[derive(Clone)]
struct StepWrite {
    memory: FlowMemory,
    key: String,
    wish: Wish,
}

/// What is wanted of a key.
#[derive(Clone)]
pub(super) enum Wish {
    /// That this stands there.
    Set { value: Option<Value>, ttl: Option<Duration> },
    /// That what stands there is changed.
    Update(Arc<Change>),
}

impl Wish {
    fn result(&self, before: Option<Value>) -> Result<Option<Value>> {
        match self {
            Self::Set { value, .. } => Ok(value.clone()),
            Self::Update(change) => change(before),
        }
    }
}

/// Returns what the step that runs here wants to write; `None` outside of steps.
pub(super) fn current() -> Option<Arc<StepWrites>> {
    WRITES.try_with(Arc::clone).ok()
}

impl StepWrites {
    /// Runs `work`, whose writes are collected here.
    pub(crate) async fn collect<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        WRITES.scope(Arc::clone(self), work).await
    }

    pub(crate) fn clear(&self) {
        self.pending.lock().clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.lock().is_empty()
    }

    pub(super) fn add(&self, memory: &FlowMemory, key: &str, wish: Wish) {
        let write = StepWrite { memory: memory.clone(), key: key.to_owned(), wish };
        self.pending.lock().push(write);
    }

    /// Returns what the step sees at a key where others see `stored`.
    pub(super) fn over(
        &self,
        space: &MemorySpace,
        key: &str,
        stored: Option<Value>,
    ) -> Result<Option<Value>> {
        let mut value = stored;
        for write in self.at(space).into_iter().filter(|write| write.key == key) {
            value = write.wish.result(value)?;
        }
        Ok(value)
    }

    /// Makes a page what the step sees where others see the page as it is.
    pub(super) fn lay_over(&self, page: &mut MemoryPage, query: &MemoryQuery) -> Result<()> {
        let last = page.next.clone();
        let is_on_page = |key: &str| {
            key.starts_with(&query.prefix)
                && query.after.as_deref().is_none_or(|after| key > after)
                && last.as_deref().is_none_or(|last| key <= last)
        };
        for write in self.at(&query.space).into_iter().filter(|write| is_on_page(&write.key)) {
            lay_one_over(page, &write, query)?;
        }
        if page.items.len() > query.limit {
            page.items.truncate(query.limit);
            page.next = page.items.last().map(|entry| entry.key.clone());
        }
        Ok(())
    }

    /// Returns the operations that make the writes true, as memories stand now.
    pub(crate) async fn ops(&self) -> Result<Vec<Op>> {
        let pending = self.pending.lock().clone();
        let mut ops: Vec<MemoryWrite> = Vec::with_capacity(pending.len());
        for StepWrite { memory, key, wish } in pending {
            let before = ops.iter().position(|op| op.space == memory.space && op.key == key);
            let earlier = before.map(|at| ops.remove(at));
            ops.push(match (wish, earlier) {
                (Wish::Set { value, ttl }, None) => memory.writing(&key, value, ttl),
                (Wish::Set { value, ttl }, Some(earlier)) => {
                    let expect = earlier.expect;
                    MemoryWrite { expect, ..memory.writing(&key, value, ttl) }
                }
                (Wish::Update(change), None) => memory.updated(&key, &*change).await?.0,
                (Wish::Update(change), Some(earlier)) => {
                    let value = memory.changed(&*change, earlier.value)?;
                    MemoryWrite { value, ..earlier }
                }
            });
        }
        Ok(ops.into_iter().map(|write| Op::Remember(Box::new(write))).collect())
    }

    fn at(&self, space: &MemorySpace) -> Vec<StepWrite> {
        let pending = self.pending.lock();
        pending.iter().filter(|write| write.memory.space == *space).cloned().collect()
    }
}

fn lay_one_over(page: &mut MemoryPage, write: &StepWrite, query: &MemoryQuery) -> Result<()> {
    let place = page.items.binary_search_by(|entry| entry.key.as_str().cmp(&write.key));
    let stored = place.ok().and_then(|at| page.items.get_mut(at));
    let value = write.wish.result(stored.as_ref().map(|entry| entry.value.clone()))?;
    match (place, stored, value) {
        (_, Some(entry), Some(value)) => {
            entry.value = value;
            entry.updated = query.now;
        }
        (Ok(at), _, None) => drop(page.items.remove(at)),
        (Err(at), _, Some(value)) => page.items.insert(at, unwritten(write, value, query)),
        (Ok(_) | Err(_), _, _) => {}
    }
    Ok(())
}

/// Returns the entry of a key that only the step knows so far.
fn unwritten(write: &StepWrite, value: Value, query: &MemoryQuery) -> MemoryEntry {
    MemoryEntry {
        key: write.key.clone(),
        value,
        created: query.now,
        updated: query.now,
        expires: None,
        version: 0,
    }
}
