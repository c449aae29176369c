//! Batches: operations applied one by one, and taken back when one of them can't be.

mod expiry;
mod funds;
mod journal;
mod kept;

use runcor_core::{
    Batch, Event, EventFeed, Execution, ExecutionId, ExecutionState, ExecutionStatus, Fence,
    JournalEntry, MemoryOwner, MemorySpace, Op, Receipt, StoreError, Timestamp, WorkerId,
};

use crate::executions::Key;
use crate::memories::MemoryUndo;
use crate::money::FundsUndo;
use crate::quality::QualityUndo;
use crate::rates::RateUndo;
use crate::record::Record;
use crate::state::State;
use crate::workers::Lease;

/// How one operation is taken back. It holds what the operation replaced, so
/// that keeping it costs nothing.
enum Undo {
    Add(u64),
    Status(u64, Box<ExecutionStatus>),
    Take(u64, Box<Record>),
    Append(u64),
    Replace(u64, Box<JournalEntry>),
    Seed(u64),
    Lease(WorkerId, Option<Lease>),
    Funds(FundsUndo),
    Rate(RateUndo),
    Memory(Box<MemoryUndo>),
    Quality(QualityUndo),
}

/// A batch under way.
struct Work<'a> {
    state: &'a mut State,
    undo: Vec<Undo>,
    events: Vec<Event>,
    receipt: Receipt,
}

impl State {
    /// Applies a batch, whole or not at all.
    pub(crate) fn commit(&mut self, batch: Batch, feed: &EventFeed) -> Result<Receipt, StoreError> {
        let undo = Vec::with_capacity(batch.ops.len());
        let mut work = Work { state: self, undo, events: Vec::new(), receipt: Receipt::default() };
        for op in batch.ops {
            if let Err(error) = work.apply(op) {
                work.roll_back();
                return Err(error);
            }
        }
        let Work { state, events, receipt, .. } = work;
        state.log.append(events, feed);
        Ok(receipt)
    }
}

impl Work<'_> {
    fn apply(&mut self, op: Op) -> Result<(), StoreError> {
        match op {
            Op::Insert(execution) => self.insert(*execution),
            Op::Update { id, expect, status } => self.update(id, expect, status),
            Op::Delete { id, expect } => self.delete(id, expect),
            Op::Journal { id, epoch, entry, replace } => self.journal(id, epoch, *entry, replace),
            Op::Seed { id, entries } => self.seed(id, entries),
            Op::Expect { id, fence } => self.fenced(id, fence).map(drop),
            Op::NotEnded { id } => self.not_ended(id),
            Op::Emit(event) => {
                self.events.push(event);
                Ok(())
            }
            Op::Lease { worker, until } => {
                self.lease(worker, Lease { until, gone: false });
                Ok(())
            }
            Op::Retire { worker, now } => {
                self.retire(worker, now);
                Ok(())
            }
            // It does not know its size.
            Op::Sweep { now, limit, max_bytes: _ } => {
                self.sweep(now, limit);
                Ok(())
            }
            // There is nothing to be packed into.
            Op::Compact { .. } => Ok(()),
            Op::Reserve(reservation) => self.reserve(reservation),
            Op::Settle(entry) => {
                self.settle(entry);
                Ok(())
            }
            Op::Lapse { now, limit } => {
                self.lapse(now, limit);
                Ok(())
            }
            Op::TopUp { account, amount } => {
                self.top_up(&account, amount);
                Ok(())
            }
            Op::Take(wish) => self.take_turn(&wish),
            Op::Remember(write) => self.remember(*write),
            Op::ForgetAll(space) => {
                self.forget_all(&space);
                Ok(())
            }
            Op::AwaitEvaluation { id } => {
                let undo = self.state.quality.wait(id);
                self.undo.push(Undo::Quality(undo));
                Ok(())
            }
            Op::Evaluate(evaluation) => {
                let undo = self.state.quality.evaluate(evaluation);
                self.undo.extend(undo.map(Undo::Quality));
                Ok(())
            }
            Op::SkipEvaluation { id } => {
                let undo = self.state.quality.skip(id);
                self.undo.push(Undo::Quality(undo));
                Ok(())
            }
            Op::Flag { flag, expect } => self.flag(flag, expect),
            Op::Expire { now, limit, keep_ledger, keep_evaluations } => {
                self.expire(now, limit, keep_ledger, keep_evaluations);
                Ok(())
            }
            // The enum may grow; a store that does not know an operation must not half-do it.
            _ => Err(StoreError::Unavailable {
                message: "the memory store does not know this operation".to_owned(),
            }),
        }
    }

    fn insert(&mut self, mut execution: Execution) -> Result<(), StoreError> {
        if let Some(record) = self.state.executions.by_key(Key::of(&execution)) {
            return Err(StoreError::Duplicate { existing: Box::new(record.execution.clone()) });
        }
        if let Some((_, record)) = self.state.executions.by_id(execution.id()) {
            return Err(conflict(execution.id(), Some(record)));
        }
        if let Some(turn) = self.receipt.turn
            && execution.state() == ExecutionState::Queued
        {
            let due = &mut execution.status.due;
            *due = Some(due.map_or(turn, |due| due.max(turn)));
        }
        let number = self.state.add(execution);
        self.undo.push(Undo::Add(number));
        Ok(())
    }

    fn update(
        &mut self,
        id: ExecutionId,
        expect: Fence,
        mut status: Box<ExecutionStatus>,
    ) -> Result<(), StoreError> {
        let (number, record) = self.fenced(id, expect)?;
        if Some(status.version) != expect.version.checked_add(1) {
            return Err(conflict(id, Some(record)));
        }
        self.state.swap_status(number, &mut status);
        self.undo.push(Undo::Status(number, status));
        Ok(())
    }

    fn delete(&mut self, id: ExecutionId, expect: Fence) -> Result<(), StoreError> {
        let (number, _) = self.fenced(id, expect)?;
        self.take(number);
        Ok(())
    }

    fn not_ended(&self, id: ExecutionId) -> Result<(), StoreError> {
        let found = self.state.executions.by_id(id).map(|(_, record)| record);
        match found {
            Some(record) if !record.execution.state().is_terminal() => Ok(()),
            _ => Err(conflict(id, found)),
        }
    }

    fn lease(&mut self, worker: WorkerId, lease: Lease) {
        let former = self.state.set_lease(worker, Some(lease));
        self.undo.push(Undo::Lease(worker, former));
    }

    fn retire(&mut self, worker: WorkerId, now: Timestamp) {
        let former = self.state.workers.lease(worker);
        if let Some(former) = former {
            self.state.end_lease(worker, former.until.min(now));
            self.undo.push(Undo::Lease(worker, Some(former)));
        }
    }

    fn sweep(&mut self, now: Timestamp, limit: usize) {
        for number in self.state.queues.expired(now, limit) {
            self.take(number);
            self.receipt.swept += 1;
        }
    }

    fn take(&mut self, number: u64) {
        let Some(record) = self.state.take(number) else { return };
        let spec = &record.execution.spec;
        let (id, tenant, owner) = (spec.id, spec.tenant_id.clone(), MemoryOwner::Session(spec.id));
        self.undo.push(Undo::Take(number, record));
        self.forget_budget(id, tenant.clone());
        self.forget_all(&MemorySpace { tenant, owner });
        self.undo.extend(self.state.quality.forget(id).map(Undo::Quality));
    }

    /// Finds an execution that stands where the author of a change last saw it.
    fn fenced(&self, id: ExecutionId, expect: Fence) -> Result<(u64, &Record), StoreError> {
        let found = self.state.executions.by_id(id);
        match found {
            Some((number, record)) if record.fence() == expect => Ok((number, record)),
            _ => Err(conflict(id, found.map(|(_, record)| record))),
        }
    }

    fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Add(number) => self.state.unadd(number),
                Undo::Status(number, mut former) => {
                    self.state.swap_status(number, &mut former);
                }
                Undo::Take(number, record) => self.state.put(number, record),
                Undo::Append(number) => self.unappend(number),
                Undo::Replace(number, former) => self.unreplace(number, *former),
                Undo::Seed(number) => self.unseed(number),
                Undo::Lease(worker, former) => {
                    self.state.set_lease(worker, former);
                }
                Undo::Funds(undo) => self.state.funds.undo(undo),
                Undo::Rate(undo) => self.state.rates.undo(undo),
                Undo::Memory(undo) => self.state.memories.undo(*undo),
                Undo::Quality(undo) => self.undo_quality(undo),
            }
        }
    }
}

fn conflict(id: ExecutionId, current: Option<&Record>) -> StoreError {
    StoreError::Conflict { id, current: current.map(Record::fence) }
}
