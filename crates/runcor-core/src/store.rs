//! The store: the one write path, the reads, and the feed of committed events.

mod batch;
mod error;
mod feed;
mod query;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

pub use batch::{Batch, Claim, ClaimRequest, Op, Receipt};
pub use error::StoreError;
pub use feed::{EventFeed, EventGap, EventRecord, EventSubscription};
pub use query::{Cursor, ExecutionQuery, InvalidCursor, Order, Page};

use crate::cost::LedgerReads;
use crate::execution::Execution;
use crate::flow::JournalEntry;
use crate::id::{ExecutionId, FlowName, IdempotencyKey, TenantId};
use crate::memory::MemoryReads;
use crate::quality::QualityReads;
use crate::time::Timestamp;

/// Keeps executions, journals and events; applies batches whole or not at all.
///
/// # Contract
/// - Clones of a handle and concurrent calls MUST be safe; batches are applied in one order.
/// - [`commit`](Self::commit) MUST apply all of a batch or nothing, and MUST return
///   only once it is durable as far as the store's configuration promises.
/// - A precondition that does not hold MUST leave the store unchanged and be
///   reported as [`StoreError::Conflict`] or [`StoreError::Duplicate`].
/// - Dropping the future of a commit MAY leave the batch applied or not, never in part.
/// - Events of a batch MUST get consecutive sequence numbers in the order of
///   commits, and MUST reach the feed in that order, after the commit.
/// - Reads MUST see every commit that returned before they began.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Returns what the store can do.
    fn capabilities(&self) -> StoreCapabilities;

    /// Applies a batch, whole or not at all.
    async fn commit(&self, batch: Batch) -> Result<Receipt, StoreError>;

    /// Gives runnable executions to a worker, oldest due first.
    ///
    /// Runnable is what is due, is queued, running or retrying, and has no owner
    /// or one whose lease has expired. Every claim is an [`Execution::apply`] of
    /// [`Change::Claim`](crate::Change::Claim), its events included.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>, StoreError>;

    /// Returns an execution.
    async fn execution(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError>;

    /// Returns the execution that a tenant's key of a flow stands for.
    async fn execution_by_key(
        &self,
        tenant: Option<&TenantId>,
        flow: &FlowName,
        key: &IdempotencyKey,
    ) -> Result<Option<Execution>, StoreError>;

    /// Returns a page of executions in order of creation.
    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>, StoreError>;

    /// Returns an execution's journal, in the order in which its places were first met.
    ///
    /// Large results MAY be left out as [`Outcome::Spilled`](crate::Outcome::Spilled).
    async fn journal(&self, id: ExecutionId) -> Result<Vec<JournalEntry>, StoreError>;

    /// Returns the result at a place of a journal, spilled or not; `None` when
    /// there is no such entry or it has none.
    async fn journal_value(&self, id: ExecutionId, path: &str)
    -> Result<Option<Value>, StoreError>;

    /// Returns waiting executions that are due at `now`, to fail or to be woken,
    /// most overdue first.
    async fn due_waits(&self, now: Timestamp, limit: usize) -> Result<Vec<Execution>, StoreError>;

    /// Returns the earliest instant strictly after `now` at which anything becomes due.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Returns stored events with a sequence number above `after`, oldest first.
    ///
    /// Old events are forgotten; a first number above `after + 1` shows it.
    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>, StoreError>;

    /// Returns the sequence number of the newest event, zero when there was none.
    async fn last_event(&self) -> Result<u64, StoreError>;

    /// Returns the reads of the ledger and of budgets.
    fn ledger(&self) -> Arc<dyn LedgerReads>;

    /// Returns the reads of memories.
    fn memories(&self) -> Arc<dyn MemoryReads>;

    /// Returns the reads of evaluations and flags.
    fn quality(&self) -> Arc<dyn QualityReads>;

    /// Returns the feed to which committed events are published.
    fn feed(&self) -> &EventFeed;

    /// Finishes what is under way and gives the resources back; later calls fail with
    /// [`StoreError::Closed`]. Closing twice does nothing.
    async fn close(&self) -> Result<(), StoreError>;
}

/// What a store can do; the default promises nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCapabilities {
    /// What is committed outlives the process.
    pub durable: bool,
    /// Several processes may use the store at once.
    pub shared: bool,
}

impl StoreCapabilities {
    /// Sets whether commits outlive the process.
    #[must_use]
    pub const fn with_durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Sets whether several processes may use the store at once.
    #[must_use]
    pub const fn with_shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }
}

/// A shared store.
pub type SharedStore = Arc<dyn Store>;
