//! Journals, written and read wrongly.

use std::sync::atomic::Ordering;

use runcor_core::{Answer, Batch, ExecutionId, JournalEntry, Op, Outcome, Store, StoreError};

use super::{BrokenStore, Flaw};

impl BrokenStore {
    pub(super) async fn spoil_journals(&self, mut batch: Batch) -> Result<Batch, StoreError> {
        for op in &mut batch.ops {
            match op {
                Op::Journal { id, epoch, entry, replace } => {
                    *replace |= self.has(Flaw::OverwritesAnswers);
                    self.spoil_entry(entry);
                    self.meet_former(*id, entry, *replace).await?;
                    let current = self.inner.execution(*id).await?;
                    if let Some(current) =
                        current.filter(|_| self.has(Flaw::IgnoresEpochsOfEntries))
                    {
                        *epoch = current.status.epoch;
                    }
                }
                Op::Seed { entries, .. } => {
                    entries.iter_mut().for_each(|entry| self.spoil_entry(entry));
                }
                _ => {}
            }
        }
        Ok(batch)
    }

    fn spoil_entry(&self, entry: &mut JournalEntry) {
        if self.has(Flaw::LosesRequests) {
            entry.request = None;
        }
        if self.has(Flaw::TakesNullNotesForNone) {
            entry.note = entry.note.take().filter(|note| !note.is_null());
        }
    }

    async fn meet_former(
        &self,
        id: ExecutionId,
        entry: &mut JournalEntry,
        replace: bool,
    ) -> Result<(), StoreError> {
        let journal = self.inner.journal(id).await?;
        let Some(former) = journal.into_iter().find(|former| former.path == entry.path) else {
            return Ok(());
        };
        if self.has(Flaw::MergesEntries) {
            entry.note = entry.note.take().or(former.note);
        }
        if self.has(Flaw::RefusesToBeginAgain) && former.answer.is_some() && !replace {
            return Err(StoreError::Conflict { id, current: None });
        }
        Ok(())
    }

    pub(super) fn misread(
        &self,
        id: ExecutionId,
        mut journal: Vec<JournalEntry>,
    ) -> Vec<JournalEntry> {
        if self.has(Flaw::MovesAnsweredEntries) {
            journal.sort_by_key(|entry| entry.answer.as_ref().map(|answer| answer.at));
        }
        if self.has(Flaw::PacksNotesAway) && self.is_packed.load(Ordering::SeqCst) {
            journal.iter_mut().for_each(|entry| entry.note = None);
        }
        if self.has(Flaw::SpillsForGood) {
            journal.iter_mut().for_each(|entry| spill(entry, false));
        }
        if self.has(Flaw::KeepsJournals) {
            return self.kept.lock().get(&id).cloned().unwrap_or(journal);
        }
        journal
    }

    /// Notes the journals that a batch has written, to show them for ever.
    pub(super) async fn keep(&self, written: Vec<ExecutionId>) -> Result<(), StoreError> {
        for id in written {
            let journal = self.inner.journal(id).await?;
            self.kept.lock().insert(id, journal);
        }
        Ok(())
    }
}

pub(super) fn written(batch: &Batch) -> Vec<ExecutionId> {
    let ids = batch.ops.iter().map(|op| match op {
        Op::Journal { id, .. } => Some(*id),
        _ => None,
    });
    ids.flatten().collect()
}

/// Leaves a large result out, and may be wrong about its size.
pub(crate) fn spill(entry: &mut JournalEntry, is_wrong: bool) {
    if let Some(Answer { outcome, .. }) = &mut entry.answer
        && let Outcome::Done(value) = outcome
    {
        let bytes = value.to_string().len() as u64;
        if bytes > 1_000 {
            *outcome = Outcome::Spilled { bytes: bytes - u64::from(is_wrong) };
        }
    }
}
