//! Batches: typed operations with preconditions, applied whole or not at all.

use crate::cost::{AccountId, BudgetVerdict, LedgerEntry, Reservation};
use crate::event::Event;
use crate::execution::{Applied, Execution, ExecutionStatus, Fence};
use crate::flow::JournalEntry;
use crate::id::{ExecutionId, FlowName, WorkerId};
use crate::memory::{MemorySpace, MemoryWrite};
use crate::money::Money;
use crate::quality::{Evaluation, Flag, FlagStatus};
use crate::rate::RateTake;
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
    /// Removes an execution, its journal, its own memory, its evaluation, its
    /// flag, and accounts of its own budget that hold no reservation; its
    /// idempotency key is free again. Its rows of the ledger stay.
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
    /// Sets money aside for a request to a vendor.
    ///
    /// Precondition: none of its hard holds goes beyond its limit, by
    /// [`BudgetAccount::reserve`](crate::BudgetAccount::reserve); all are judged
    /// before any is changed, and the first in their order that refuses is
    /// reported as [`StoreError::OverBudget`](super::StoreError::OverBudget). A
    /// reservation that exists already is left as it is, and none is made once
    /// the ledger has its row.
    Reserve(Box<Reservation>),
    /// Writes a row of the ledger, and books it in the accounts of its
    /// reservation, if there is one, in place of what that set aside. Where the
    /// ledger has the row already, nothing changes.
    Settle(Box<LedgerEntry>),
    /// Settles reservations that have lapsed with the rows that they bring.
    Lapse {
        /// Reservations that lapse at this instant or earlier are settled.
        now: Timestamp,
        /// The most that are settled.
        limit: usize,
    },
    /// Adds to the limit of a budget, within one window.
    TopUp {
        /// The account.
        account: Box<AccountId>,
        /// How much.
        amount: Money,
    },
    /// Counts something that a rate limit counts.
    ///
    /// Precondition: it may happen now, or be queued, by
    /// [`RateWindow::take`](crate::RateWindow::take); else
    /// [`StoreError::RateLimited`](super::StoreError::RateLimited). Where its
    /// turn comes later, executions that the same batch inserts queued, after
    /// this operation, are due no earlier than then; the receipt says when.
    Take(Box<RateTake>),
    /// Writes to a memory.
    ///
    /// Precondition: what is expected stands there, or else
    /// [`StoreError::Stale`](super::StoreError::Stale); a new key has room, or
    /// else [`StoreError::MemoryFull`](super::StoreError::MemoryFull).
    Remember(Box<MemoryWrite>),
    /// Empties a memory.
    ForgetAll(Box<MemorySpace>),
    /// Notes that an execution that has ended is to be evaluated.
    AwaitEvaluation {
        /// The execution.
        id: ExecutionId,
    },
    /// Keeps what evaluators thought of an execution in place of what was kept,
    /// which then no longer waits to be evaluated.
    Evaluate(Box<Evaluation>),
    /// Takes an execution from those that wait to be evaluated.
    SkipEvaluation {
        /// The execution.
        id: ExecutionId,
    },
    /// Puts a flag on an execution, or changes it.
    ///
    /// Precondition: the flag stands at `expect`, or there is none; else
    /// [`StoreError::Stale`](super::StoreError::Stale).
    Flag {
        /// The flag as it is to stand.
        flag: Box<Flag>,
        /// Where it stands now; `None` when there is none.
        expect: Option<FlagStatus>,
    },
    /// Removes what has expired or become too old: entries of memories,
    /// windows of rate limits that count nothing any more, accounts whose
    /// window ended long ago and that hold no reservation, rows of the ledger
    /// and evaluations beyond a number. Totals of the ledger stay.
    Expire {
        /// The present instant.
        now: Timestamp,
        /// The most that are removed of each kind.
        limit: usize,
        /// How many rows of the ledger are kept, the newest ones; all when absent.
        keep_ledger: Option<u64>,
        /// How many evaluations are kept, the newest ones; all when absent.
        keep_evaluations: Option<u64>,
    },
    /// Removes ended executions whose retention is over, with their journals
    /// and all else that [`Delete`](Self::Delete) removes. Those with a flag that is not resolved stay.
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// How many executions a [`Op::Sweep`] removed.
    pub swept: usize,
    /// How many journals a [`Op::Compact`] packed.
    pub compacted: usize,
    /// How many reservations a [`Op::Lapse`] settled.
    pub lapsed: usize,
    /// How many things an [`Op::Expire`] removed.
    pub expired: usize,
    /// What is worth telling about an [`Op::Reserve`].
    pub verdicts: Vec<BudgetVerdict>,
    /// When the turn of what was queued by an [`Op::Take`] comes.
    pub turn: Option<Timestamp>,
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
