//! Shutdown: no more work, time to finish, and nothing lost.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fail::fail_point;
use runcor_core::{
    Batch, Change, EngineStatus, ErrorCode, Event, ExecutionQuery, ExecutionState, Op, Result,
    StoreError,
};

use crate::settle::failure;
use crate::shared::Shared;

/// How often it is looked whether what was told to stop, or the store, is worth waiting for.
const LOOK: Duration = Duration::from_secs(1);

/// After how many looks they are given up. Looks are counted, and not the time:
/// one leap of the clock is no reason.
const PATIENCE: u32 = 60;

/// The same while the store has trouble: it is known to answer nothing, or nothing good.
const PATIENCE_IN_TROUBLE: u32 = 5;

impl Shared {
    /// Stops the engine; a second call waits for the first.
    pub(crate) async fn shutdown(&self) -> Result<()> {
        let _one_at_a_time = self.shutting_down.lock().await;
        if self.status() == EngineStatus::Stopped {
            return Ok(());
        }
        self.set_status(EngineStatus::ShuttingDown);
        self.draining.cancel();
        fail_point!("shutdown.drain");
        self.drain().await;
        self.stopping.cancel();
        self.tasks.close();
        let closed = self.close().await;
        self.set_status(EngineStatus::Stopped);
        self.waiters.release_all();
        closed
    }

    /// Waits for what was told to stop, says goodbye and closes the store.
    async fn close(&self) -> Result<()> {
        if self.in_time(self.tasks.wait()).await.is_none() {
            tracing::error!(tasks = self.tasks.len(), "tasks do not stop and are left behind");
        }
        self.tell_what_is_left();
        let closed = self.in_time(async {
            if !self.durable {
                self.fail_active().await;
            }
            // Nobody comes after this to whom bills could be left.
            self.flush_bills().await;
            self.leave().await;
            self.store.close().await
        });
        closed.await.unwrap_or_else(|| {
            Err(StoreError::Unavailable { message: "it does not close".to_owned() })
        })?;
        Ok(())
    }

    /// Gives what should take a moment up when it takes far longer: a handler
    /// that never yields or a store that hangs must not keep the process.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut looks = 0;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = self.clock.sleep(LOOK) => {}
            }
            let is_well = self.health.trouble().is_none();
            let patience = if is_well { PATIENCE } else { PATIENCE_IN_TROUBLE };
            looks += 1;
            if looks >= patience {
                return None;
            }
        }
    }

    /// Says what becomes of that which the store could not be told any more.
    fn tell_what_is_left(&self) {
        let Some(trouble) = self.health.trouble() else { return };
        let fate = if self.durable {
            "the engine stops while the store has trouble; what it could not be told of runs again \
             after the next start, finished steps excepted"
        } else {
            "the engine stops while the store has trouble"
        };
        tracing::error!(code = %trouble.code, since = %trouble.since, message = %trouble.message, "{fate}");
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

    /// Fails what has neither ended nor waits in a store that does not outlive the process.
    async fn fail_active(&self) {
        for state in [ExecutionState::Queued, ExecutionState::Running, ExecutionState::Retrying] {
            self.fail_all(state).await;
        }
    }

    async fn fail_all(&self, state: ExecutionState) {
        let query = ExecutionQuery { state: Some(state), limit: 256, ..ExecutionQuery::default() };
        loop {
            let page = match self.store.executions(&query).await {
                Ok(page) if page.items.is_empty() => return,
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "active executions could not be read");
                    return;
                }
            };
            for mut execution in page.items {
                let message = "the engine stopped before the execution could finish";
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
