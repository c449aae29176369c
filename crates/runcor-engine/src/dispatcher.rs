//! The dispatcher: claims what is runnable and does what time demands.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runcor_core::{StoreError, Timestamp};

use crate::housekeeping::Housekeeping;
use crate::outlast::Attempts;
use crate::runner;
use crate::shared::Shared;

/// How many executions one look at the store brings at most.
const CHUNK: usize = 256;

/// How long timers are trusted at most: another process, or a store that
/// failed, may have left something behind.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How soon the dispatcher looks again after the store has failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Works until the engine has stopped, also when a part that it calls panics.
pub(crate) async fn work(shared: Arc<Shared>) {
    while let Err(error) = shared.tasks.spawn(watch(Arc::clone(&shared))).await {
        tracing::error!(%error, "the dispatcher ended early and begins anew");
        shared.strays.store(true, Ordering::SeqCst);
        tokio::select! {
            () = shared.clock.sleep(REST_AFTER_FAILURE) => {}
            () = shared.stopping.cancelled() => return,
        }
    }
}

async fn watch(shared: Arc<Shared>) {
    let mut timers = Timers::new(&shared);
    let mut attempts = Attempts::default();
    while !shared.stopping.is_cancelled() {
        if shared.health.is_degraded() {
            attempts.outlast(&shared).await;
            // Everything that is due may have become so in the meantime.
            timers = Timers::new(&shared);
            continue;
        }
        let dispatched =
            if shared.draining.is_cancelled() { Ok(()) } else { dispatch(&shared).await };
        let until = timers.tend(&shared).await;
        let woken = async {
            match dispatched {
                Ok(()) => tokio::select! {
                    () = shared.admission.woken() => {}
                    () = shared.clock.sleep_until(until) => {}
                    () = shared.health.changed() => {}
                },
                Err(error) => {
                    tracing::debug!(%error, "runnable executions could not be claimed, trying again");
                    // Whoever wakes it now would only have it fail again.
                    shared.clock.sleep(REST_AFTER_FAILURE).await;
                }
            }
        };
        tokio::select! {
            () = woken => {}
            () = shared.stopping.cancelled() => {}
        }
    }
}

/// Fills the free slots with runnable executions, oldest first.
async fn dispatch(shared: &Arc<Shared>) -> Result<(), StoreError> {
    shared.return_strays().await?;
    loop {
        let mut slots = shared.admission.take_many(CHUNK);
        if slots.is_empty() {
            // Whoever frees a slot shall look for more; what was freed before looks itself.
            shared.admission.raise_backlog();
            if shared.admission.has_free_slot() {
                continue;
            }
            return Ok(());
        }
        let wanted = slots.len();
        let seen = shared.admission.backlog();
        let claimed = runner::claim(shared, wanted).await.inspect_err(|_| {
            shared.admission.raise_backlog();
        })?;
        if claimed.taken < wanted {
            shared.admission.found_empty(seen);
        } else {
            shared.admission.raise_backlog();
        }
        for run in claimed.runnable {
            if let Some(slot) = slots.pop() {
                runner::spawn(shared, run, slot);
            }
        }
        if claimed.taken < wanted {
            return Ok(());
        }
    }
}

/// What has to happen at certain times.
struct Timers {
    /// When something in the store becomes due.
    due_at: Timestamp,
    /// What is done about ended executions.
    housekeeping: Housekeeping,
}

impl Timers {
    /// Everything is looked at once at the start.
    fn new(shared: &Shared) -> Self {
        let now = shared.now();
        Self { due_at: now, housekeeping: Housekeeping::new(shared, now) }
    }

    /// Does what is due and returns when to come again.
    async fn tend(&mut self, shared: &Shared) -> Timestamp {
        let now = shared.now();
        let mut renew_at = shared.renew_lease_at();
        if now >= renew_at {
            if let Err(error) = shared.renew_lease().await {
                tracing::debug!(%error, "the lease could not be renewed, trying again");
            }
            renew_at = shared.renew_lease_at().max(now.after(REST_AFTER_FAILURE));
        }
        if now >= self.due_at || shared.timers_changed.load(Ordering::SeqCst) {
            // Until the new instant is known, every timer that is set asks for another look.
            shared.next_wake.store(i64::MAX, Ordering::SeqCst);
            shared.timers_changed.store(false, Ordering::SeqCst);
            self.due_at = self.do_what_is_due(shared, now).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "timers could not be looked at, trying again");
                now.after(REST_AFTER_FAILURE)
            });
            shared.next_wake.store(self.due_at.as_millis(), Ordering::SeqCst);
        }
        self.due_at.min(renew_at)
    }

    /// Wakes sleepers, fails waits that took too long, keeps house, and returns
    /// when there is something to do next: at once, when there is more than one
    /// go should take.
    async fn do_what_is_due(
        &mut self,
        shared: &Shared,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let mut is_done = true;
        let due = shared.store.due_waits(now, CHUNK).await?;
        is_done &= due.len() < CHUNK;
        for mut execution in due {
            shared.end_due_wait(&mut execution).await?;
        }
        is_done &= self.housekeeping.tend(shared, now).await?;
        if !is_done {
            return Ok(now);
        }
        let next = shared.store.next_due(now).await?.unwrap_or(Timestamp::MAX);
        Ok(next.min(now.after(LONGEST_REST)))
    }
}
