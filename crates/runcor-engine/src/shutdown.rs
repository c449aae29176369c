//! Shutdown: no more work, time to finish, and nothing lost.

use std::sync::atomic::Ordering;

use runcor_core::{
    Batch, Change, EngineStatus, ErrorCode, Event, ExecutionQuery, ExecutionState, Op, Result,
};

use crate::runner::failure;
use crate::shared::Shared;

impl Shared {
    /// Stops the engine; a second call waits for the first.
    pub(crate) async fn shutdown(&self) -> Result<()> {
        let _one_at_a_time = self.shutting_down.lock().await;
        if self.status() == EngineStatus::Stopped {
            return Ok(());
        }
        self.set_status(EngineStatus::ShuttingDown);
        self.draining.cancel();
        self.drain().await;
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if !self.durable {
            self.fail_queued().await;
        }
        self.leave().await;
        let closed = self.store.close().await;
        self.set_status(EngineStatus::Stopped);
        self.waiters.release_all();
        Ok(closed?)
    }

    /// Waits until no handler runs, for the drain timeout at most.
    async fn drain(&self) {
        let deadline = self.now().after(self.config.drain_timeout);
        tokio::select! {
            biased;
            () = self.admission.idle() => {}
            () = self.clock.sleep_until(deadline) => {}
        }
    }

    /// Fails what is still queued in a store that does not outlive the process.
    async fn fail_queued(&self) {
        let queued = ExecutionQuery {
            state: Some(ExecutionState::Queued),
            limit: 256,
            ..ExecutionQuery::default()
        };
        loop {
            let page = match self.store.executions(&queued).await {
                Ok(page) if page.items.is_empty() => return,
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "queued executions could not be read");
                    return;
                }
            };
            for mut execution in page.items {
                let message = "the engine stopped before the execution could begin";
                let error = failure(&execution, message, Some(ErrorCode::Shutdown), false);
                let fail = Change::Fail { error, expires: self.expiry(self.now()) };
                if let Err(error) = self.change(&mut execution, fail).await {
                    tracing::warn!(execution = %execution.id(), %error, "it could not be failed");
                    return;
                }
            }
        }
    }

    /// Ends the lease and says goodbye.
    async fn leave(&self) {
        let retire = Op::Retire { worker: self.worker, now: self.now() };
        let goodbye = Batch::new().with(retire).with(Op::Emit(Event::Shutdown));
        if let Err(error) = self.store.commit(goodbye).await {
            tracing::warn!(%error, "the lease could not be ended; the next start takes over all the same");
        }
        self.next_wake.store(i64::MAX, Ordering::SeqCst);
    }
}
