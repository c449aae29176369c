//! The journal as a running handler sees it: read once, fenced by the epoch on every write.
//!
//! Whatever a handler does begins with a look into its journal. So this is also
//! where a run that nobody is sure to own any more is held up, before it has
//! an effect that its new owner has as well.

mod notes;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use runcor_core::{
    Batch, Clock, Error, ErrorCode, Execution, ExecutionId, Journal, JournalEntry, MemoryOwner, Op,
    Outcome, Result, Store, StoreError,
};
use tokio::sync::Mutex;

use self::notes::{Noted, Notes};
use crate::health::Health;
use crate::patience::Patience;
use crate::shared::Shared;

/// The journal of one run of a handler.
pub(crate) struct RunJournal {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    /// Weak, since a handler may leave its context behind somewhere.
    shared: Weak<Shared>,
    id: ExecutionId,
    epoch: u64,
    /// Whether somebody else has taken the execution over.
    lost: Arc<AtomicBool>,
    known: Mutex<Known>,
    /// Whether something was written to the execution's own memory.
    has_session: AtomicBool,
    /// What is written together with whatever comes next.
    notes: Notes,
}

/// Whether the handler has run before since the execution was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempts {
    /// It has not.
    First,
    /// It has: it was retried, or had to look again at what it waits for.
    Later,
}

#[derive(Default)]
struct Known {
    /// What is known to be in the journal; `None` until it was read.
    entries: Option<HashMap<String, JournalEntry>>,
    /// Where an answer is being written: whoever drops the write before its
    /// end does not know whether it is there.
    unsure: HashSet<String>,
}

impl RunJournal {
    /// Makes the journal of the run that `execution` is in.
    pub(crate) fn new(shared: &Arc<Shared>, execution: &Execution, attempt: Attempts) -> Self {
        // The first attempt at an execution has nothing to look up, unless it is a fork.
        let is_first = execution.status.epoch == 1 && attempt == Attempts::First;
        let is_empty = is_first && execution.spec.fork.is_none();
        Self {
            store: Arc::clone(&shared.store),
            clock: Arc::clone(&shared.clock),
            health: Arc::clone(&shared.health),
            shared: Arc::downgrade(shared),
            id: execution.id(),
            epoch: execution.status.epoch,
            lost: shared.running.lost(execution),
            known: Mutex::new(Known {
                entries: is_empty.then(HashMap::new),
                unsure: HashSet::new(),
            }),
            // An earlier run may have written there.
            has_session: AtomicBool::new(!is_first),
            notes: Notes::default(),
        }
    }

    /// Returns whether the execution's own memory may have something.
    pub(crate) fn has_session(&self) -> bool {
        self.has_session.load(Ordering::SeqCst)
    }

    /// Returns what was noted and is not yet durable.
    pub(crate) fn noted(&self) -> Noted {
        self.notes.now()
    }

    /// Returns what was noted and must be durable before anything is done.
    pub(crate) fn noted_entries(&self) -> Noted {
        self.notes.entries_now()
    }

    /// Returns the operations that write what was noted. It may stand there
    /// already, where the answer of an earlier write was lost.
    pub(crate) fn note_operations(&self, noted: &Noted) -> Vec<Op> {
        noted.ops(|entry| self.operation(entry, true))
    }

    /// Notes an entry that was written.
    pub(crate) async fn learn(&self, entry: JournalEntry) {
        let mut known = self.known.lock().await;
        known.unsure.remove(&entry.path);
        if let Some(entries) = known.entries.as_mut() {
            entries.insert(entry.path.clone(), entry);
        }
    }

    /// Returns the operation that writes an entry as this run.
    pub(crate) fn operation(&self, entry: &JournalEntry, replace: bool) -> Op {
        Op::Journal { id: self.id, epoch: self.epoch, entry: Box::new(entry.clone()), replace }
    }

    async fn known(&self, path: &str) -> Result<Option<JournalEntry>, StoreError> {
        let mut known = self.known.lock().await;
        if known.unsure.contains(path) {
            // The store works in order: once it answers this, it is through with that write.
            self.store.commit(Batch::new().with(Op::NotEnded { id: self.id })).await?;
            known.unsure.remove(path);
            known.entries = None;
        }
        let entries = match known.entries.as_mut() {
            Some(entries) => entries,
            None => {
                let stored = self.store.journal(self.id).await?;
                let stored = stored.into_iter().map(|entry| (entry.path.clone(), entry));
                known.entries.insert(stored.collect())
            }
        };
        Ok(entries.get(path).cloned())
    }

    /// Returns the entry at `path` with its value.
    async fn look(&self, path: &str) -> Result<Option<JournalEntry>, StoreError> {
        let Some(mut entry) = self.known(path).await? else { return Ok(None) };
        if let Some(answer) = &mut entry.answer
            && matches!(answer.outcome, Outcome::Spilled { .. })
        {
            let value = self.store.journal_value(self.id, path).await?;
            let value = value.ok_or_else(|| {
                let message = format!("the result at {path} of execution {} is missing", self.id);
                StoreError::Corrupt { message }
            })?;
            answer.outcome = Outcome::Done(value);
        }
        Ok(Some(entry))
    }

    /// Writes an entry, what was noted before it, and what belongs to it.
    async fn write(
        &self,
        entry: &JournalEntry,
        replace: bool,
        noted: &Noted,
        with: &[Op],
    ) -> Result<(), StoreError> {
        let mut batch = Batch { ops: self.note_operations(noted) };
        batch.ops.push(self.operation(entry, replace));
        batch.ops.extend(with.iter().cloned());
        self.store.commit(batch).await.map(|_| ())
    }

    /// Notes what was written: an entry, and what had been noted before it.
    pub(crate) async fn learn_with(&self, noted: &Noted, entry: JournalEntry) {
        for noted in noted.entries() {
            self.learn(noted.clone()).await;
        }
        self.notes.written(noted);
        self.learn(entry).await;
    }

    /// Looks whether an entry is in the journal after all.
    async fn reads_back(&self, entry: &JournalEntry) -> Result<bool, StoreError> {
        let stored = self.store.journal(self.id).await?;
        Ok(stored.iter().any(|stored| is_same_writing(stored, entry)))
    }

    /// Fails when the execution is somebody else's by now. Where nobody can
    /// tell, because the lease has run out, this waits until it is renewed.
    async fn check_ownership(&self) -> Result<()> {
        let mut patience = Patience::new(&self.health);
        loop {
            if self.lost.load(Ordering::SeqCst) {
                return Err(self.lost());
            }
            let Some(shared) = self.shared.upgrade() else { return Ok(()) };
            let Err(error) = shared.hold_lease(shared.now()).await else { break };
            drop(shared);
            tracing::debug!(execution = %self.id, %error, "the lease can't be renewed yet");
            self.clock.sleep(patience.after(error)?).await;
        }
        if self.lost.load(Ordering::SeqCst) { Err(self.lost()) } else { Ok(()) }
    }

    /// Stops the run if a conflict came from the loss of the execution; a
    /// handler may meet other conflicts with itself.
    async fn stop_if_lost(&self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let key = (self.id, self.epoch);
        if shared.is_lost(key).await.unwrap_or(false) {
            shared.running.lose(key);
        }
    }

    async fn conflict(&self) -> Error {
        self.stop_if_lost().await;
        self.lost()
    }

    pub(crate) fn lost(&self) -> Error {
        let message = format!("execution {} is no longer run by this handler", self.id);
        Error::new(ErrorCode::ExecutionLost, message)
    }
}

#[async_trait]
impl Journal for RunJournal {
    /// Looks, however long the store takes to answer: trouble of the store is
    /// no failure of the handler.
    async fn find(&self, path: &str) -> Result<Option<JournalEntry>> {
        self.check_ownership().await?;
        let mut patience = Patience::new(&self.health);
        loop {
            let error = match self.look(path).await {
                Err(error) if error.is_temporary() => error,
                found => return Ok(found?),
            };
            tracing::debug!(execution = %self.id, %error, "the journal can't be read yet");
            self.clock.sleep(patience.after(error)?).await;
        }
    }

    /// Notes what begins, however long the store takes to accept it: what can't
    /// be noted does not begin, and trouble of the store is no failure of the handler.
    async fn begin(&self, entry: JournalEntry) -> Result<()> {
        let mut patience = Patience::new(&self.health);
        let noted = self.noted_entries();
        loop {
            // Once more does no harm where only the answer was lost.
            let error = match self.write(&entry, false, &noted, &[]).await {
                Ok(()) => {
                    self.learn_with(&noted, entry).await;
                    return Ok(());
                }
                Err(StoreError::Conflict { .. }) => return Err(self.conflict().await),
                Err(error) => error,
            };
            tracing::debug!(execution = %self.id, %error, "a beginning can't be noted yet");
            self.clock.sleep(patience.after(error)?).await;
        }
    }

    /// Records what was achieved, however long the store takes to accept it:
    /// the handler has paid for it already. Timeout, cancel and shutdown end
    /// the attempts by dropping the handler's future.
    async fn end(&self, entry: JournalEntry, replace: bool, with: Vec<Op>) -> Result<()> {
        let mut patience = Patience::new(&self.health);
        let mut is_unsure = false;
        self.known.lock().await.unsure.insert(entry.path.clone());
        let noted = self.noted();
        if with.iter().any(is_of_session) {
            self.has_session.store(true, Ordering::SeqCst);
        }
        loop {
            let tried = match self.write(&entry, replace, &noted, &with).await {
                // Perhaps it was this handler itself, at an attempt whose answer was lost.
                Err(StoreError::Conflict { .. }) if is_unsure => self.reads_back(&entry).await,
                tried => tried.map(|()| true),
            };
            let error = match tried {
                Ok(true) => {
                    self.learn_with(&noted, entry).await;
                    return Ok(());
                }
                Ok(false) | Err(StoreError::Conflict { .. }) => return Err(self.conflict().await),
                // Nothing was written; whoever wants that decides what follows from it.
                Err(error @ (StoreError::Stale { .. } | StoreError::MemoryFull { .. })) => {
                    self.known.lock().await.unsure.remove(&entry.path);
                    return Err(error.into());
                }
                Err(error) => error,
            };
            tracing::debug!(execution = %self.id, %error, "a result can't be stored yet");
            is_unsure = true;
            self.clock.sleep(patience.after(error)?).await;
        }
    }

    fn note(&self, entry: Option<JournalEntry>, with: Vec<Op>) {
        self.notes.add(entry, with);
    }

    fn has_notes(&self) -> bool {
        self.notes.has_entries()
    }
}

fn is_of_session(op: &Op) -> bool {
    matches!(op, Op::Remember(write) if matches!(write.space.owner, MemoryOwner::Session(_)))
}

/// Returns whether a stored entry is the one that was written; results are not
/// compared, since they may be large.
fn is_same_writing(stored: &JournalEntry, wanted: &JournalEntry) -> bool {
    let at = |entry: &JournalEntry| entry.answer.as_ref().map(|answer| answer.at);
    stored.path == wanted.path && at(stored) == at(wanted) && stored.begun == wanted.begun
}
