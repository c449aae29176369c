//! Strays: executions that the store calls this engine's, and that nobody here runs.
//!
//! They come from commits and claims that were applied although the store could
//! not say so. The lease would keep them for as long as the engine lives.

use std::sync::atomic::Ordering;

use runcor_core::{Change, Execution, ExecutionQuery, ExecutionState, ExecutionStatus, StoreError};

use crate::shared::{ChangeError, Shared};

/// How many executions are looked through at a time.
const PAGE: usize = 256;

impl Shared {
    /// Has the dispatcher look for strays: a commit failed, and nobody knows
    /// whether it came true all the same.
    pub(crate) fn suspect_strays(&self) {
        self.strays.store(true, Ordering::SeqCst);
        self.admission.wake();
    }

    /// Gives strays back to the queue, if any are suspected.
    pub(crate) async fn return_strays(&self) -> Result<(), StoreError> {
        if !self.strays.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let returned = async {
            self.tell_of_ends().await?;
            self.stop_lost_runs().await?;
            self.give_back(ExecutionQuery {
                state: Some(ExecutionState::Running),
                limit: PAGE,
                ..ExecutionQuery::default()
            })
            .await
        };
        match returned.await {
            Err(error) if error.is_temporary() => {
                self.strays.store(true, Ordering::SeqCst);
                Err(error)
            }
            Err(error) => {
                // Nothing else shall wait for what can't be read.
                tracing::error!(%error, "strays can't be looked for");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Tells those who wait for an end that came while the store could not say so.
    async fn tell_of_ends(&self) -> Result<(), StoreError> {
        for id in self.waiters.awaited() {
            match self.store.execution(id).await? {
                Some(execution) if execution.state().is_terminal() => {
                    self.waiters.ended(&execution);
                }
                Some(_) => {}
                None => self.waiters.gone(id),
            }
        }
        Ok(())
    }

    async fn give_back(&self, mut query: ExecutionQuery) -> Result<(), StoreError> {
        loop {
            let (strays, next) = {
                // What is being claimed is not known to be run here yet.
                let _no_claim = self.claiming.write().await;
                let page = self.store.executions(&query).await?;
                let strays: Vec<_> =
                    page.items.into_iter().filter(|execution| self.is_stray(execution)).collect();
                (strays, page.next)
            };
            for mut stray in strays {
                tracing::warn!(execution = %stray.id(), "a stray execution goes back to the queue");
                match self.change(&mut stray, Change::Release).await {
                    Err(ChangeError::Store(error)) if error.is_temporary() => return Err(error),
                    // Somebody has changed it since: then it is none.
                    _ => self.admission.raise_backlog(),
                }
            }
            match next {
                Some(_) => query.after = next,
                None => return Ok(()),
            }
        }
    }

    fn is_stray(&self, execution: &Execution) -> bool {
        let status = &execution.status;
        // An abandoned execution is left as it is; its active time has ended.
        let is_held = status.owner == Some(self.worker) && status.active_since.is_some();
        is_held && !self.running.runs(execution)
    }
}

/// Returns whether two statuses are the outcome of the same change, as far as
/// its author can tell. Results are not compared: they may be large.
pub(crate) fn is_same_change(stored: &ExecutionStatus, wanted: &ExecutionStatus) -> bool {
    let key = |status: &ExecutionStatus| {
        (status.version, status.epoch, status.state, status.owner, status.due, status.resume_count)
    };
    key(stored) == key(wanted) && stored.error == wanted.error
}
