//! The lease under which this engine owns what it runs.

use std::sync::atomic::Ordering;

use runcor_core::{Batch, Op, StoreError, Timestamp, WorkerId};

use crate::config::EngineConfig;
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
        let (lease, until) = operation(self.worker, &self.config, self.now());
        self.store.commit(Batch::new().with(lease)).await?;
        self.leased_until.store(until.as_millis(), Ordering::SeqCst);
        Ok(())
    }

    /// Renews a lease that has run out, as after a long stop of the whole
    /// process: a claim would take away what this worker itself still runs.
    ///
    /// `now` is the instant of the claim, so that both see the same time
    /// whatever the clock does in between.
    pub(crate) async fn hold_lease(&self, now: Timestamp) -> Result<(), StoreError> {
        if now.as_millis() < self.leased_until.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.renew_lease().await
    }
}
