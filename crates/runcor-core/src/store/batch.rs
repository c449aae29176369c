//! Batches: typed operations with preconditions, applied whole or not at all.

use crate::event::Event;
use crate::execution::{Applied, Execution, ExecutionStatus, Fence};
use crate::flow::JournalEntry;
use crate::id::{ExecutionId, FlowName, WorkerId};
use crate::time::Timestamp;

/// Operations that become true together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The operations, applied in order.
    pub ops: Vec<Op>,
}

/// One operation of a batch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Op {
    /// Adds an execution.
    ///
    /// Precondition: no execution has the same tenant, flow and idempotency key;
    /// else [`StoreError::Duplicate`](super::StoreError::Duplicate) brings that one.
    Insert(Box<Execution>),
    /// Replaces the status of an execution.
    ///
    /// Precondition: the stored version and epoch are `expect`.
    Update {
        /// The execution.
        id: ExecutionId,
        /// What the author last saw.
        expect: Fence,
        /// The new status, one version on.
        status: Box<ExecutionStatus>,
    },
    /// Removes an execution and its journal; its idempotency key is free again.
    ///
    /// Precondition: the stored version and epoch are `expect`.
    Delete {
        /// The execution.
        id: ExecutionId,
        /// What the author last saw.
        expect: Fence,
    },
    /// Appends an entry to an execution's journal.
    ///
    /// Precondition: the execution is running under `epoch`, and has no entry at that path.
    Journal {
        /// The execution.
        id: ExecutionId,
        /// The epoch of the run that writes.
        epoch: u64,
        /// The entry.
        entry: Box<JournalEntry>,
    },
    /// Announces an event.
    Emit(Event),
    /// Takes or renews a worker's lease on everything it owns.
    Lease {
        /// The worker.
        worker: WorkerId,
        /// When the lease ends unless it is renewed.
        until: Timestamp,
    },
    /// Ends a worker's lease; what it still owns may be claimed from `now` on.
    Retire {
        /// The worker.
        worker: WorkerId,
        /// When it ends.
        now: Timestamp,
    },
    /// Removes ended executions whose retention is over, with their journals.
    Sweep {
        /// Executions that are due at this instant are removed.
        now: Timestamp,
        /// The most that are removed.
        limit: usize,
    },
}

impl Batch {
    /// Makes an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation.
    #[must_use]
    pub fn with(mut self, op: Op) -> Self {
        self.ops.push(op);
        self
    }

    /// Adds a new execution.
    #[must_use]
    pub fn insert(self, execution: Execution) -> Self {
        self.with(Op::Insert(Box::new(execution)))
    }

    /// Adds a change of `before` and the events that tell of it.
    #[must_use]
    pub fn update(self, before: &Execution, applied: Applied) -> Self {
        self.with(Op::Update {
            id: before.id(),
            expect: before.fence(),
            status: Box::new(applied.status),
        })
        .emit_all(applied.events)
    }

    /// Adds events.
    #[must_use]
    pub fn emit_all(mut self, events: Vec<Event>) -> Self {
        self.ops.extend(events.into_iter().map(Op::Emit));
        self
    }
}

/// What a commit tells about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// How many executions a [`Op::Sweep`] removed.
    pub swept: usize,
}

impl Receipt {
    /// Makes the receipt of a batch that swept `swept` executions away.
    #[must_use]
    pub fn with_swept(swept: usize) -> Self {
        Self { swept }
    }
}

/// A worker's wish for executions to run.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Who wants them; MUST hold a lease.
    pub worker: WorkerId,
    /// The present instant.
    pub now: Timestamp,
    /// The most that it takes.
    pub limit: usize,
    /// The flows that it can run.
    pub flows: Vec<FlowName>,
}

/// An execution that was given to a worker.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The execution as it now stands: running, owned by the worker.
    pub execution: Execution,
    /// Whether its last owner vanished while it ran.
    pub interrupted: bool,
}
