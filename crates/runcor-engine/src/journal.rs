//! The journal as a running handler sees it: read once, fenced by the epoch on every write.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{
    Batch, Clock, Error, ErrorCode, Execution, ExecutionId, Journal, JournalEntry, JournalKind, Op,
    Result, Store, StoreError,
};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::pause::Pauses;

/// The journal of one run of a handler.
pub(crate) struct RunJournal {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    id: ExecutionId,
    epoch: u64,
    /// What is known to be in the journal; `None` until it was read.
    known: Mutex<Option<HashMap<String, JournalEntry>>>,
}

impl RunJournal {
    /// Makes the journal of the run that `execution` is in.
    pub(crate) fn new(
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        execution: &Execution,
    ) -> Self {
        // The first run of an execution has nothing to look up.
        let status = &execution.status;
        let is_first = status.epoch == 1 && status.retry_count == 0 && status.resume_count == 0;
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            id: execution.id(),
            epoch: status.epoch,
            known: Mutex::new(is_first.then(HashMap::new)),
        }
    }

    async fn with_known<T>(
        &self,
        ask: impl FnOnce(&mut HashMap<String, JournalEntry>) -> T + Send,
    ) -> Result<T> {
        let mut known = self.known.lock().await;
        let entries = match known.as_mut() {
            Some(entries) => entries,
            None => {
                let stored = self.store.journal(self.id).await?;
                known.insert(stored.into_iter().map(|entry| (entry.path.clone(), entry)).collect())
            }
        };
        Ok(ask(entries))
    }
}

#[async_trait]
impl Journal for RunJournal {
    async fn find(&self, path: &str) -> Result<Option<Value>> {
        self.with_known(|entries| entries.get(path).map(|entry| entry.value.clone())).await
    }

    async fn count(&self, kind: JournalKind) -> Result<usize> {
        self.with_known(|entries| entries.values().filter(|entry| entry.kind == kind).count()).await
    }

    /// Records what was achieved, however long the store takes to accept it:
    /// the handler has paid for it already. Timeout, cancel and shutdown end
    /// the attempts by dropping the handler's future.
    async fn record(&self, entry: JournalEntry) -> Result<()> {
        let mut pauses = Pauses::default();
        let mut is_unsure = false;
        loop {
            let tried = match self.append(&entry).await {
                // Perhaps it was this handler itself, at an attempt whose answer was lost.
                Err(StoreError::Conflict { .. }) if is_unsure => self.reads_back(&entry).await,
                tried => tried.map(|()| true),
            };
            match tried {
                Ok(true) => {
                    let remember = |entries: &mut HashMap<_, _>| {
                        entries.insert(entry.path.clone(), entry);
                    };
                    return self.with_known(remember).await;
                }
                Ok(false) | Err(StoreError::Conflict { .. }) => return Err(self.lost()),
                Err(error) if error.is_temporary() => {
                    tracing::warn!(execution = %self.id, %error, "a step can't be stored yet, trying again");
                }
                Err(error) => return Err(error.into()),
            }
            is_unsure = true;
            self.clock.sleep(pauses.next()).await;
        }
    }
}

impl RunJournal {
    async fn append(&self, entry: &JournalEntry) -> Result<(), StoreError> {
        let op = Op::Journal { id: self.id, epoch: self.epoch, entry: Box::new(entry.clone()) };
        self.store.commit(Batch::new().with(op)).await.map(|_| ())
    }

    /// Looks whether an entry is in the journal after all.
    async fn reads_back(&self, entry: &JournalEntry) -> Result<bool, StoreError> {
        let stored = self.store.journal(self.id).await?;
        Ok(stored.iter().any(|stored| stored.path == entry.path && stored.at == entry.at))
    }

    fn lost(&self) -> Error {
        let message = format!("execution {} is no longer run by this handler", self.id);
        Error::new(ErrorCode::InvalidState, message)
    }
}
