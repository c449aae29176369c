//! The dispatcher: claims what is runnable and does what time demands.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runcor_core::{Batch, Op, StoreError, Timestamp};

use crate::runner;
use crate::shared::Shared;

/// How many executions one look at the store brings at most.
const CHUNK: usize = 256;

/// How long timers are trusted at most: another process, or a store that
/// failed, may have left something behind.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How soon the dispatcher looks again after the store has failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Works until the engine has stopped.
pub(crate) async fn work(shared: Arc<Shared>) {
    let mut timers = Timers::new(&shared);
    while !shared.stopping.is_cancelled() {
        if !shared.draining.is_cancelled() {
            dispatch(&shared).await;
        }
        let until = timers.tend(&shared).await;
        tokio::select! {
            () = shared.admission.woken() => {}
            () = shared.clock.sleep_until(until) => {}
            () = shared.stopping.cancelled() => {}
        }
    }
}

/// Fills the free slots with runnable executions, oldest first.
async fn dispatch(shared: &Arc<Shared>) {
    loop {
        let mut slots = shared.admission.take_many(CHUNK);
        if slots.is_empty() {
            // Whoever frees a slot shall look for more.
            shared.admission.raise_backlog();
            return;
        }
        shared.admission.lower_backlog();
        let wanted = slots.len();
        let claimed = runner::claim(shared, wanted).await;
        let got = claimed.taken;
        if got == wanted {
            shared.admission.raise_backlog();
        }
        for execution in claimed.runnable {
            if let Some(slot) = slots.pop() {
                runner::spawn(shared, execution, slot);
            }
        }
        if got < wanted {
            return;
        }
    }
}

/// What has to happen at certain times.
struct Timers {
    /// When something in the store becomes due.
    due_at: Timestamp,
    /// When ended executions past their retention are removed.
    sweep_at: Timestamp,
}

impl Timers {
    /// Everything is looked at once at the start.
    fn new(shared: &Shared) -> Self {
        let now = shared.now();
        Self { due_at: now, sweep_at: now }
    }

    /// Does what is due and returns when to come again.
    async fn tend(&mut self, shared: &Shared) -> Timestamp {
        let now = shared.now();
        let mut renew_at = shared.renew_lease_at();
        if now >= renew_at {
            if let Err(error) = shared.renew_lease().await {
                tracing::warn!(%error, "the lease could not be renewed, trying again");
            }
            renew_at = shared.renew_lease_at().max(now.after(REST_AFTER_FAILURE));
        }
        if now >= self.due_at || shared.timers_changed.load(Ordering::SeqCst) {
            // Until the new instant is known, every timer that is set asks for another look.
            shared.next_wake.store(i64::MAX, Ordering::SeqCst);
            shared.timers_changed.store(false, Ordering::SeqCst);
            self.due_at = self.do_what_is_due(shared, now).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "timers could not be looked at, trying again");
                now.after(REST_AFTER_FAILURE)
            });
            shared.next_wake.store(self.due_at.as_millis(), Ordering::SeqCst);
        }
        self.due_at.min(renew_at)
    }

    /// Fails waits that took too long, removes what is past its retention, and
    /// returns when there is something to do next.
    async fn do_what_is_due(
        &mut self,
        shared: &Shared,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        loop {
            let expired = shared.store.expired_waits(now, CHUNK).await?;
            let count = expired.len();
            for mut execution in expired {
                shared.fail_expired_wait(&mut execution).await;
            }
            if count < CHUNK {
                break;
            }
        }
        while now >= self.sweep_at && !shared.config.retention.is_zero() {
            let sweep = Op::Sweep { now, limit: CHUNK };
            let swept = shared.store.commit(Batch::new().with(sweep)).await?.swept;
            if swept < CHUNK {
                self.sweep_at = now.after(shared.config.sweep_interval());
            }
        }
        let next = shared.store.next_due(now).await?.unwrap_or(Timestamp::MAX);
        Ok(next.min(now.after(LONGEST_REST)))
    }
}
