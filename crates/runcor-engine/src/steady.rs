//! The engine's time: the host's, except that it never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use runcor_core::{Clock, ExecutionQuery, ExecutionState, Order, Store, Timestamp};
use tokio::sync::Notify;

/// How far the host's clock may go back and be waited for, in milliseconds:
/// corrections of that size are daily life, and threads read the clock in no order.
const TOLERANCE: i64 = 1_000;

/// A clock that never goes back.
///
/// Whoever put something into the store an hour ago by a clock that has since
/// been set back would see it due in an hour. So a small step back makes this
/// time stand still for a moment, and after a large one it goes on from where
/// it was, ahead of the host's time by that step until the process ends.
#[derive(Debug)]
pub(crate) struct Steady {
    host: Arc<dyn Clock>,
    /// How far this time is ahead of the host's, in milliseconds.
    ahead: AtomicI64,
    /// The latest instant that was told, in milliseconds.
    latest: AtomicI64,
    /// Held while `ahead` is changed.
    adjusting: Mutex<()>,
    adjusted: Notify,
}

impl Steady {
    pub(crate) fn new(host: Arc<dyn Clock>) -> Self {
        let now = host.now().as_millis();
        Self {
            host,
            ahead: AtomicI64::new(0),
            latest: AtomicI64::new(now),
            adjusting: Mutex::default(),
            adjusted: Notify::new(),
        }
    }

    /// Sees to it that the time is at least `instant`, which has passed already.
    pub(crate) fn reach(&self, instant: Timestamp) {
        self.latest.fetch_max(instant.as_millis(), Ordering::SeqCst);
        self.now();
    }

    /// Makes up for a step back of the host's clock.
    fn adjust(&self) -> Timestamp {
        let adjusting = self.adjusting.lock();
        let ahead = self.ahead.load(Ordering::SeqCst);
        let now = self.host.now().as_millis().saturating_add(ahead);
        let latest = self.latest.load(Ordering::SeqCst);
        let step = latest.saturating_sub(now);
        if step <= TOLERANCE {
            return Timestamp::from_millis(now.max(latest));
        }
        self.ahead.store(ahead.saturating_add(step), Ordering::SeqCst);
        drop(adjusting);
        tracing::warn!(
            milliseconds = step,
            "the clock of the host was set back; the engine's time goes on from where it was"
        );
        self.adjusted.notify_waiters();
        Timestamp::from_millis(latest)
    }
}

/// Begins no earlier than what the store has accepted: where the clock was set
/// back between two processes, that would not be due for as long.
pub(crate) async fn catch_up(clock: &Steady, store: &dyn Store) {
    if !store.capabilities().durable {
        return;
    }
    for state in [ExecutionState::Queued, ExecutionState::Running] {
        let order = Order::Newest;
        let newest = ExecutionQuery { state: Some(state), order, limit: 1, ..Default::default() };
        match store.executions(&newest).await {
            Ok(page) => {
                // Such an execution is due since it was stored; it never waits for its time.
                let due = page.items.iter().filter_map(|execution| execution.status.due).max();
                due.into_iter().for_each(|due| clock.reach(due));
            }
            Err(error) => tracing::warn!(%error, "the time of the last start can't be read"),
        }
    }
}

#[async_trait]
impl Clock for Steady {
    fn now(&self) -> Timestamp {
        // In this order: a step back in between is seen as one, and not taken for time passed.
        let ahead = self.ahead.load(Ordering::SeqCst);
        let now = self.host.now().as_millis().saturating_add(ahead);
        let latest = self.latest.load(Ordering::SeqCst);
        if now == latest {
            return Timestamp::from_millis(now);
        }
        if now > latest {
            let latest = self.latest.fetch_max(now, Ordering::SeqCst).max(now);
            return Timestamp::from_millis(latest);
        }
        if latest.saturating_sub(now) <= TOLERANCE {
            return Timestamp::from_millis(latest);
        }
        self.adjust()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        while self.now() < instant {
            let adjusted = self.adjusted.notified();
            let ahead = self.ahead.load(Ordering::SeqCst);
            let by_host = Timestamp::from_millis(instant.as_millis().saturating_sub(ahead));
            tokio::select! {
                () = self.host.sleep_until(by_host) => {}
                () = adjusted => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runcor_core::ManualClock;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn steady() -> (Arc<Steady>, ManualClock) {
        let host = ManualClock::new();
        (Arc::new(Steady::new(Arc::new(host.clone()))), host)
    }

    #[test]
    fn a_small_step_back_makes_the_time_stand_still() {
        let (steady, host) = steady();
        let start = host.now();
        host.set(Timestamp::from_millis(start.as_millis() - 900));
        assert_eq!(steady.now(), start);
        host.advance(Duration::from_millis(900));
        assert_eq!(steady.now(), start);
        host.advance(Duration::from_millis(1));
        assert_eq!(steady.now(), start.after(Duration::from_millis(1)));
    }

    #[test]
    fn after_a_large_step_back_the_time_goes_on_from_where_it_was() {
        let (steady, host) = steady();
        let start = host.now();
        host.advance(HOUR);
        assert_eq!(steady.now(), start.after(HOUR));
        host.set(start);
        assert_eq!(steady.now(), start.after(HOUR));
        host.advance(HOUR);
        assert_eq!(steady.now(), start.after(HOUR * 2));
    }

    #[test]
    fn the_time_begins_no_earlier_than_what_has_passed_already() {
        let (steady, host) = steady();
        let start = host.now();
        steady.reach(start.after(HOUR));
        host.advance(HOUR);
        assert_eq!(steady.now(), start.after(HOUR * 2));
        steady.reach(start);
        assert_eq!(steady.now(), start.after(HOUR * 2));
    }

    #[tokio::test]
    async fn a_sleeper_sleeps_as_long_as_it_wanted_though_the_clock_is_set_back() {
        let (steady, host) = steady();
        let start = host.now();
        let sleeper = tokio::spawn({
            let steady = Arc::clone(&steady);
            async move { steady.sleep(Duration::from_secs(60)).await }
        });
        while host.next_wake().is_none() {
            tokio::task::yield_now().await;
        }
        host.set(Timestamp::from_millis(start.as_millis() - 3_600_000));
        assert_eq!(steady.now(), start);
        let wake = Timestamp::from_millis(start.as_millis() - 3_540_000);
        while host.next_wake() != Some(wake) {
            tokio::task::yield_now().await;
        }
        host.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        host.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}
