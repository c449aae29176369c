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
    /// Writes an entry of an execution's journal: at the end, or in the place
    /// of the entry with the same path, which keeps its position.
    ///
    /// Precondition: the execution is running under `epoch`; an entry at that
    /// path has no [`outcome`](JournalEntry::outcome), or `replace` is set.
    Journal {
        /// The execution.
        id: ExecutionId,
        /// The epoch of the run that writes.
        epoch: u64,
        /// The entry.
        entry: Box<JournalEntry>,
        /// Whether it may be written over an answer.
        replace: bool,
    },
    /// Begins the journal of a fork with what it takes over, in this order.
    ///
    /// Precondition: the execution was never claimed and has no journal.
    Seed {
        /// The execution.
        id: ExecutionId,
        /// The entries.
        entries: Vec<JournalEntry>,
    },
    /// Changes nothing. Precondition: the stored version and epoch are `fence`.
    Expect {
        /// The execution.
        id: ExecutionId,
        /// What the author last saw.
        fence: Fence,
    },
    /// Changes nothing. Precondition: the execution exists and has not ended.
    NotEnded {
        /// The execution.
        id: ExecutionId,
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
        /// The size in bytes above which ended executions are removed, oldest
        /// end first, though they are not due. A store that does not know its
        /// size MAY leave it out.
        max_bytes: Option<u64>,
    },
    /// Packs the journals of ended executions into less space; what is read
    /// from them does not change. A store MAY do nothing.
    Compact {
        /// Executions that ended before this instant are packed.
        ended_before: Timestamp,
        /// The most that are packed.
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

    /// Adds an entry of the journal of `execution`, which must be running as it stands.
    #[must_use]
    pub fn journal(self, execution: &Execution, entry: JournalEntry) -> Self {
        self.with(Op::Journal {
            id: execution.id(),
            epoch: execution.status.epoch,
            entry: Box::new(entry),
            replace: false,
        })
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
    /// How many journals a [`Op::Compact`] packed.
    pub compacted: usize,
}

impl Receipt {
    /// Says how many executions were swept away.
    #[must_use]
    pub fn with_swept(mut self, swept: usize) -> Self {
        self.swept = swept;
        self
    }

    /// Says how many journals were packed.
    #[must_use]
    pub fn with_compacted(mut self, compacted: usize) -> Self {
        self.compacted = compacted;
        self
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
