//! Housekeeping: ended executions are packed after a while, and go in the end.

use std::time::Duration;

use fail::fail_point;
use runcor_core::{Batch, Op, Receipt, Store, StoreError, Timestamp};

use crate::shared::Shared;

/// How many executions one commit removes or packs at most.
const CHUNK: usize = 256;

/// How long an ended execution is left as it is: it is most likely read then.
const COMPACT_AFTER: Duration = Duration::from_secs(60);

/// How often journals are packed.
const COMPACT_EVERY: Duration = Duration::from_secs(30);

/// How often the size of the store is looked at.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// How often it is looked for reservations that have lapsed, and for what has expired.
const EXPIRE_EVERY: Duration = Duration::from_secs(30);

/// When ended executions, and what has expired, are looked at next.
pub(crate) struct Housekeeping {
    sweep_at: Timestamp,
    compact_at: Timestamp,
    lapse_at: Timestamp,
    expire_at: Timestamp,
}

impl Housekeeping {
    /// Begins a while after the start: a caller that a crash has interrupted
    /// shall first see how its children ended, though that was long ago.
    pub(crate) fn new(shared: &Shared, now: Timestamp) -> Self {
        let pause = pause_between_sweeps(shared).unwrap_or_default();
        Self {
            sweep_at: now.after(pause),
            compact_at: now.after(COMPACT_AFTER),
            lapse_at: now.after(EXPIRE_EVERY),
            expire_at: now.after(EXPIRE_EVERY),
        }
    }

    /// Does what is due; false when there is more than one go should take.
    pub(crate) async fn tend(
        &mut self,
        shared: &Shared,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let is_swept = self.sweep(shared, now).await?;
        let is_packed = self.compact(shared, now).await?;
        let is_settled = self.lapse(shared, now).await?;
        let is_expired = self.expire(shared, now).await?;
        Ok(is_swept && is_packed && is_settled && is_expired)
    }

    /// Books requests whose end nobody has told, as what they can have cost at most.
    async fn lapse(&mut self, shared: &Shared, now: Timestamp) -> Result<bool, StoreError> {
        if now < self.lapse_at || shared.governance.meter.is_none() {
            return Ok(true);
        }
        shared.flush_bills().await;
        let is_done = lapse(shared, by_any_clock(shared, now)).await?;
        if is_done {
            self.lapse_at = now.after(EXPIRE_EVERY);
        }
        Ok(is_done)
    }

    async fn expire(&mut self, shared: &Shared, now: Timestamp) -> Result<bool, StoreError> {
        if now < self.expire_at {
            return Ok(true);
        }
        let (keep_ledger, keep_evaluations) =
            (shared.config.max_ledger_entries, shared.config.max_evaluations);
        let past = by_any_clock(shared, now);
        let expire = Op::Expire { now: past, limit: CHUNK, keep_ledger, keep_evaluations };
        fail_point!("expire.before_commit");
        let is_done = commit(shared, expire).await?.expired < CHUNK;
        if is_done {
            self.expire_at = now.after(EXPIRE_EVERY);
        }
        Ok(is_done)
    }

    async fn sweep(&mut self, shared: &Shared, now: Timestamp) -> Result<bool, StoreError> {
        let Some(pause) = pause_between_sweeps(shared) else { return Ok(true) };
        if now < self.sweep_at {
            return Ok(true);
        }
        fail_point!("sweep.before_commit");
        let max_bytes = shared.config.max_bytes;
        let swept = commit(shared, Op::Sweep { now, limit: CHUNK, max_bytes }).await?.swept;
        fail_point!("sweep.after_commit");
        let is_done = swept < CHUNK;
        if is_done {
            self.sweep_at = now.after(pause);
        }
        Ok(is_done)
    }

    async fn compact(&mut self, shared: &Shared, now: Timestamp) -> Result<bool, StoreError> {
        if now < self.compact_at || !shared.durable {
            return Ok(true);
        }
        fail_point!("compact.before_commit");
        let age = i64::try_from(COMPACT_AFTER.as_millis()).unwrap_or(i64::MAX);
        let ended_before = Timestamp::from_millis(now.as_millis().saturating_sub(age));
        let packed = commit(shared, Op::Compact { ended_before, limit: CHUNK }).await?.compacted;
        fail_point!("compact.after_commit");
        let is_done = packed < CHUNK;
        if is_done {
            self.compact_at = now.after(COMPACT_EVERY);
        }
        Ok(is_done)
    }
}

/// Returns an instant that has passed by the host's time as well, which the
/// engine's is ahead of once the clock was set back: money is kept by the host's.
fn by_any_clock(shared: &Shared, now: Timestamp) -> Timestamp {
    now.min(shared.host.now())
}

/// Settles reservations that lapse by an instant; false when there are more.
async fn lapse(shared: &Shared, by: Timestamp) -> Result<bool, StoreError> {
    fail_point!("lapse.before_commit");
    let lapsed = commit(shared, Op::Lapse { now: by, limit: CHUNK }).await?.lapsed;
    fail_point!("lapse.after_commit");
    Ok(lapsed < CHUNK)
}

/// Settles what earlier processes have left, where none of them can be alive any more.
pub(crate) async fn lapse_all(store: &dyn Store) -> Result<(), StoreError> {
    let lapse = Op::Lapse { now: Timestamp::MAX, limit: CHUNK };
    while store.commit(Batch::new().with(lapse.clone())).await?.lapsed == CHUNK {}
    Ok(())
}

/// Returns how long to wait between two sweeps; `None` when nothing is ever removed.
fn pause_between_sweeps(shared: &Shared) -> Option<Duration> {
    let by_age = !shared.config.retention.is_zero();
    let by_age = by_age.then(|| shared.config.sweep_interval());
    let by_size = shared.config.max_bytes.map(|_| MEASURE_EVERY);
    [by_age, by_size].into_iter().flatten().min()
}

async fn commit(shared: &Shared, op: Op) -> Result<Receipt, StoreError> {
    shared.store.commit(Batch::new().with(op)).await
}
