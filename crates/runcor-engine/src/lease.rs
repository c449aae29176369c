//! The lease under which this engine owns what it runs.

use std::sync::atomic::Ordering;

use runcor_core::{Batch, ExecutionStatus, Op, StoreError, Timestamp, WorkerId};

use crate::config::EngineConfig;
use crate::running::Key;
use crate::shared::Shared;

/// Returns the operation that takes or renews a lease, and when that lease ends.
pub(crate) fn operation(
    worker: WorkerId,
    config: &EngineConfig,
    now: Timestamp,
) -> (Op, Timestamp) {
    let until = now.after(config.lease);
    (Op::Lease { worker, until }, until)
}

impl Shared {
    /// Returns when the lease is to be renewed.
    pub(crate) fn renew_lease_at(&self) -> Timestamp {
        let until = Timestamp::from_millis(self.leased_until.load(Ordering::SeqCst));
        let two_thirds = self.config.lease * 2 / 3;
        Timestamp::from_millis(
            until.as_millis() - i64::try_from(two_thirds.as_millis()).unwrap_or(0),
        )
    }

    /// Renews the lease.
    pub(crate) async fn renew_lease(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.renewing.lock().await;
        self.renew().await
    }

    /// Renews a lease that has run out, as after a long stop of the whole
    /// process: a claim would take away what this worker itself still runs, and
    /// what it runs may be somebody else's by now.
    ///
    /// `now` is the instant of the claim, so that both see the same time
    /// whatever the clock does in between.
    pub(crate) async fn hold_lease(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.is_leased(now) {
            return Ok(());
        }
        let _one_at_a_time = self.renewing.lock().await;
        if self.is_leased(now) {
            return Ok(());
        }
        self.renew().await
    }

    fn is_leased(&self, now: Timestamp) -> bool {
        now.as_millis() < self.leased_until.load(Ordering::SeqCst)
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let now = self.now();
        let had_run_out = !self.is_leased(now);
        let (lease, until) = operation(self.worker, &self.config, now);
        self.store.commit(Batch::new().with(lease)).await?;
        if had_run_out {
            // Before anybody may rely on the new lease.
            self.stop_lost_runs().await?;
        }
        self.leased_until.store(until.as_millis(), Ordering::SeqCst);
        Ok(())
    }

    /// Stops what others have taken over while this worker had no lease.
    pub(crate) async fn stop_lost_runs(&self) -> Result<(), StoreError> {
        for key in self.running.keys() {
            if self.is_lost(key).await? {
                tracing::warn!(execution = %key.0, "the execution has ended or passed on to another worker while this one had no lease; it is stopped here");
                self.running.lose(key);
            }
        }
        Ok(())
    }

    /// Looks whether a run's execution has passed on to somebody else, or to its end.
    pub(crate) async fn is_lost(&self, (id, epoch): Key) -> Result<bool, StoreError> {
        let stored = self.store.execution(id).await?;
        // One that is not there may be on its way into the store.
        Ok(stored.is_some_and(|stored| has_passed_on(&stored.status, epoch, self.worker)))
    }
}

/// An older epoch is none: the claim of the run is still on its way into the store.
fn has_passed_on(stored: &ExecutionStatus, epoch: u64, worker: WorkerId) -> bool {
    let is_foreign = stored.epoch == epoch && stored.owner != Some(worker);
    stored.epoch > epoch || stored.state.is_terminal() || is_foreign
}
