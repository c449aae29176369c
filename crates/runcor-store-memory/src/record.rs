//! One stored execution: the record, its journal, and where it is queued.

use std::collections::HashSet;

use runcor_core::{
    Execution, ExecutionState, ExecutionStatus, Fence, JournalEntry, Timestamp, WorkerId,
};

use crate::workers::Workers;

/// An execution with everything that the store keeps about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) execution: Execution,
    /// Where it is queued now; kept so that it is found there again.
    pub(crate) place: Option<Place>,
    journal: Option<Box<JournalLog>>,
}

/// The entries in order, and their paths for a look-up that does not depend on how many there are.
#[derive(Debug, Default, PartialEq)]
struct JournalLog {
    entries: Vec<JournalEntry>,
    paths: HashSet<String>,
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
    /// To be resumed, or to fail.
    Wait,
    /// To be swept away.
    Expiry,
}

impl Record {
    pub(crate) fn new(execution: Execution) -> Self {
        Self { execution, place: None, journal: None }
    }

    pub(crate) fn fence(&self) -> Fence {
        self.execution.fence()
    }

    pub(crate) fn journal(&self) -> &[JournalEntry] {
        self.journal.as_ref().map_or(&[], |journal| &journal.entries)
    }

    /// Appends an entry; returns whether its path was free.
    pub(crate) fn append(&mut self, entry: JournalEntry) -> bool {
        let journal = self.journal.get_or_insert_default();
        let is_free = journal.paths.insert(entry.path.clone());
        if is_free {
            journal.entries.push(entry);
        }
        is_free
    }

    /// Takes the newest entry back.
    pub(crate) fn unappend(&mut self) {
        if let Some(journal) = &mut self.journal
            && let Some(entry) = journal.entries.pop()
        {
            journal.paths.remove(&entry.path);
        }
        self.journal.take_if(|journal| journal.entries.is_empty());
    }

    /// Returns where the execution belongs as things stand.
    pub(crate) fn destination(&self, workers: &Workers) -> Option<Place> {
        let status = &self.execution.status;
        match status.state {
            ExecutionState::Waiting => place(Queue::Wait, status.due),
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
