//! One stored execution: the record, its journal, and where it is queued.

use runcor_core::{
    Execution, ExecutionState, ExecutionStatus, Fence, JournalEntry, Timestamp, WorkerId,
};

use crate::journal::JournalLog;
use crate::workers::Workers;

/// An execution with everything that the store keeps about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) execution: Execution,
    /// Where it is queued now; kept so that it is found there again.
    pub(crate) place: Option<Place>,
    /// Absent as long as nothing was written.
    pub(crate) journal: Option<Box<JournalLog>>,
    /// Whether a flag keeps it from being swept away.
    pub(crate) is_kept: bool,
}

/// A place in one of the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) queue: Queue,
    pub(crate) at: Timestamp,
}

/// What an execution waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// To be claimed.
    Ready,
    /// To be tried again by its owner.
    Retry,
    /// To be resumed, woken or failed.
    Wait,
    /// To be swept away.
    Expiry,
}

impl Record {
    pub(crate) fn new(execution: Execution) -> Self {
        Self { execution, place: None, journal: None, is_kept: false }
    }

    pub(crate) fn fence(&self) -> Fence {
        self.execution.fence()
    }

    /// Returns the journal in the order in which its places were first met.
    pub(crate) fn entries(&self) -> &[JournalEntry] {
        self.journal.as_ref().map_or(&[], |journal| journal.entries())
    }

    /// Returns the entry at a place of the journal.
    pub(crate) fn entry(&self, path: &str) -> Option<&JournalEntry> {
        self.journal.as_ref()?.find(path)
    }

    /// Returns where the execution belongs as things stand.
    pub(crate) fn destination(&self, workers: &Workers) -> Option<Place> {
        let status = &self.execution.status;
        match status.state {
            ExecutionState::Waiting => place(Queue::Wait, status.due),
            ExecutionState::Complete | ExecutionState::Failed if self.is_kept => None,
            ExecutionState::Complete | ExecutionState::Failed => place(Queue::Expiry, status.due),
            ExecutionState::Queued | ExecutionState::Running | ExecutionState::Retrying => {
                match status.owner {
                    None => place(Queue::Ready, status.due),
                    Some(_) => owned_destination(status, workers),
                }
            }
        }
    }
}

/// Returns the worker that holds the execution.
///
/// An abandoned execution still names its owner but is held by nobody: its
/// active time has ended, which nothing else does without taking the owner away.
pub(crate) fn holder(status: &ExecutionStatus) -> Option<WorkerId> {
    status.active_since.and(status.owner)
}

fn owned_destination(status: &ExecutionStatus, workers: &Workers) -> Option<Place> {
    let worker = holder(status)?;
    match workers.gone_since(worker) {
        // What was to be retried later is still not due before that.
        Some(gone) => place(Queue::Ready, Some(status.due.map_or(gone, |due| due.max(gone)))),
        None => place(Queue::Retry, status.due),
    }
}

fn place(queue: Queue, at: Option<Timestamp>) -> Option<Place> {
    at.map(|at| Place { queue, at })
}
