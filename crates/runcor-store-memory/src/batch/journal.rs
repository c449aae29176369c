//! Operations on journals: writing an entry, beginning a fork's, and taking both back.

use runcor_core::{ExecutionId, ExecutionState, JournalEntry, StoreError};

use super::{Undo, Work, conflict};
use crate::journal::JournalLog;
use crate::record::Record;

impl Work<'_> {
    pub(super) fn journal(
        &mut self,
        id: ExecutionId,
        epoch: u64,
        entry: JournalEntry,
        replace: bool,
    ) -> Result<(), StoreError> {
        let (number, record) = self.found(id)?;
        if !is_run_under(record, epoch) || !(replace || is_open(record, &entry.path)) {
            return Err(conflict(id, Some(record)));
        }
        let undo = match record.journal.get_or_insert_default().write(entry) {
            Some(former) => Undo::Replace(number, Box::new(former)),
            None => Undo::Append(number),
        };
        self.undo.push(undo);
        Ok(())
    }

    pub(super) fn seed(
        &mut self,
        id: ExecutionId,
        entries: Vec<JournalEntry>,
    ) -> Result<(), StoreError> {
        let (number, record) = self.found(id)?;
        let may_begin = record.execution.status.epoch == 0 && record.journal.is_none();
        let journal = may_begin.then(|| JournalLog::seeded(entries)).flatten();
        let Some(journal) = journal else { return Err(conflict(id, Some(record))) };
        if !journal.entries().is_empty() {
            record.journal = Some(Box::new(journal));
            self.undo.push(Undo::Seed(number));
        }
        Ok(())
    }

    pub(super) fn unappend(&mut self, number: u64) {
        if let Some(record) = self.state.executions.get_mut(number) {
            if let Some(journal) = &mut record.journal {
                journal.unwrite();
            }
            record.journal.take_if(|journal| journal.entries().is_empty());
        }
    }

    pub(super) fn unreplace(&mut self, number: u64, former: JournalEntry) {
        let record = self.state.executions.get_mut(number);
        if let Some(journal) = record.and_then(|record| record.journal.as_mut()) {
            journal.write(former);
        }
    }

    pub(super) fn unseed(&mut self, number: u64) {
        if let Some(record) = self.state.executions.get_mut(number) {
            record.journal = None;
        }
    }

    fn found(&mut self, id: ExecutionId) -> Result<(u64, &mut Record), StoreError> {
        let found = self.state.executions.by_id_mut(id);
        found.ok_or_else(|| conflict(id, None))
    }
}

fn is_run_under(record: &Record, epoch: u64) -> bool {
    let status = &record.execution.status;
    status.state == ExecutionState::Running && status.epoch == epoch
}

/// Returns whether a place may be written: there is no answer yet, or only that
/// it did not happen.
fn is_open(record: &Record, path: &str) -> bool {
    record.entry(path).is_none_or(|entry| entry.outcome().is_none())
}
