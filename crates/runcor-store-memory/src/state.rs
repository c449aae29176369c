//! The state under the lock, and the steps that keep its parts in agreement.

use runcor_core::{Execution, ExecutionId, ExecutionStatus, FlagStatus, Timestamp, WorkerId};

use crate::events::EventLog;
use crate::executions::Executions;
use crate::memories::Memories;
use crate::money::Funds;
use crate::quality::Quality;
use crate::queues::Queues;
use crate::rates::Rates;
use crate::record::{Record, holder};
use crate::workers::{Lease, Workers};

/// Everything that the store holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) executions: Executions,
    pub(crate) queues: Queues,
    pub(crate) workers: Workers,
    pub(crate) log: EventLog,
    pub(crate) funds: Funds,
    pub(crate) rates: Rates,
    pub(crate) memories: Memories,
    pub(crate) quality: Quality,
}

impl State {
    pub(crate) fn add(&mut self, execution: Execution) -> u64 {
        let id = execution.id();
        let number = self.executions.add(execution);
        self.enter(number);
        // A flag may have been there first.
        if self.quality.flag_status(id).is_some() {
            self.note_flag(id);
        }
        number
    }

    pub(crate) fn unadd(&mut self, number: u64) {
        self.leave(number);
        self.executions.unadd(number);
    }

    pub(crate) fn put(&mut self, number: u64, record: Box<Record>) {
        self.executions.put(number, record);
        self.enter(number);
    }

    pub(crate) fn take(&mut self, number: u64) -> Option<Box<Record>> {
        self.leave(number);
        self.executions.take(number)
    }

    /// Exchanges a status; the former one comes back in its place.
    pub(crate) fn swap_status(&mut self, number: u64, status: &mut ExecutionStatus) {
        self.leave(number);
        self.executions.swap_status(number, status);
        self.enter(number);
    }

    /// Sets a lease, moves what the worker holds accordingly, and returns the former lease.
    pub(crate) fn set_lease(&mut self, worker: WorkerId, lease: Option<Lease>) -> Option<Lease> {
        let before = self.workers.gone_since(worker);
        let former = self.workers.set_lease(worker, lease);
        if self.workers.gone_since(worker) != before {
            for number in self.workers.held_by(worker) {
                self.move_in_queue(number);
            }
        }
        former
    }

    /// Takes notice of every lease that has ended by `now`.
    pub(crate) fn end_leases(&mut self, now: Timestamp) {
        while let Some((until, worker)) = self.workers.first_ended(now) {
            self.end_lease(worker, until);
        }
        self.workers.forget_idle();
    }

    /// Ends a lease at `until`.
    pub(crate) fn end_lease(&mut self, worker: WorkerId, until: Timestamp) {
        self.set_lease(worker, Some(Lease { until, gone: true }));
    }

    /// Notes with an execution whether its flag keeps it from being swept away.
    pub(crate) fn note_flag(&mut self, id: ExecutionId) {
        let status = self.quality.flag_status(id);
        let is_kept = status.is_some_and(|status| status != FlagStatus::Resolved);
        let Some(number) = self.executions.by_id(id).map(|(number, _)| number) else { return };
        self.leave(number);
        if let Some(record) = self.executions.get_mut(number) {
            record.is_kept = is_kept;
        }
        self.enter(number);
    }

    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        [self.queues.next_due(now), self.workers.next_end(now)].into_iter().flatten().min()
    }

    fn enter(&mut self, number: u64) {
        if let Some(record) = self.executions.get_mut(number) {
            if let Some(worker) = holder(&record.execution.status) {
                self.workers.hold(worker, number);
            }
            record.place = record.destination(&self.workers);
            if let Some(place) = record.place {
                self.queues.insert(&record.execution.spec.flow, place, number);
            }
        }
    }

    fn leave(&mut self, number: u64) {
        if let Some(record) = self.executions.get_mut(number) {
            if let Some(place) = record.place.take() {
                self.queues.remove(&record.execution.spec.flow, place, number);
            }
            if let Some(worker) = holder(&record.execution.status) {
                self.workers.let_go(worker, number);
            }
        }
    }

    /// Moves an execution to where it belongs, its holder unchanged.
    fn move_in_queue(&mut self, number: u64) {
        if let Some(record) = self.executions.get_mut(number) {
            let flow = &record.execution.spec.flow;
            if let Some(place) = record.place.take() {
                self.queues.remove(flow, place, number);
            }
            record.place = record.destination(&self.workers);
            if let Some(place) = record.place {
                self.queues.insert(flow, place, number);
            }
        }
    }
}
