//! The journal as a running handler sees it: read once, fenced by the epoch on every write.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{
    Batch, Error, ErrorCode, Execution, ExecutionId, Journal, JournalEntry, JournalKind, Op,
    Result, Store, StoreError,
};
use serde_json::Value;
use tokio::sync::Mutex;

/// The journal of one run of a handler.
pub(crate) struct RunJournal {
    store: Arc<dyn Store>,
    id: ExecutionId,
    epoch: u64,
    /// What is known to be in the journal; `None` until it was read.
    known: Mutex<Option<HashMap<String, JournalEntry>>>,
}

impl RunJournal {
    /// Makes the journal of the run that `execution` is in.
    pub(crate) fn new(store: Arc<dyn Store>, execution: &Execution) -> Self {
        // The first run of an execution has nothing to look up.
        let status = &execution.status;
        let is_first = status.epoch == 1 && status.retry_count == 0 && status.resume_count == 0;
        Self {
            store,
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

    async fn record(&self, entry: JournalEntry) -> Result<()> {
        let op = Op::Journal { id: self.id, epoch: self.epoch, entry: Box::new(entry.clone()) };
        match self.store.commit(Batch::new().with(op)).await {
            Ok(_) => self.with_known(|entries| _ = entries.insert(entry.path.clone(), entry)).await,
            Err(StoreError::Conflict { .. }) => {
                let message = format!("execution {} is no longer run by this handler", self.id);
                Err(Error::new(ErrorCode::InvalidState, message))
            }
            Err(error) => Err(error.into()),
        }
    }
}
