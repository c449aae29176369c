//! The clock: the only source of time, so that tests can own it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::time::Timestamp;

/// Tells the time and waits for it.
///
/// # Contract
/// `sleep_until` MUST return at once for an instant that has passed, and MAY be
/// dropped at any moment without effect.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the present instant.
    fn now(&self) -> Timestamp;

    /// Returns when `instant` has come.
    async fn sleep_until(&self, instant: Timestamp);

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().after(duration)).await;
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// How long the system clock sleeps at most before it looks again, so that a
/// wait of months is exact and follows a clock that is set.
const LONGEST_NAP: Duration = Duration::from_secs(60);

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else uses")]
    fn now(&self) -> Timestamp {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, instant: Timestamp) {
        loop {
            let left = instant.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }
}

/// A clock that stands still until it is told to move: the tests' clock.
///
/// Clones share the same time.
///
/// ```
/// # use runcor_core::{Clock, ManualClock};
/// # use std::time::Duration;
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now().since(before), Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    inner: Arc<Mutex<Manual>>,
}

struct Manual {
    now: Timestamp,
    next_ticket: u64,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
}

impl ManualClock {
    /// Makes a clock that stands at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::from_millis(1_767_225_600_000))
    }

    /// Makes a clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Manual { now, next_ticket: 0, sleepers: BTreeMap::new() })),
        }
    }

    /// Moves the clock on by `duration` and wakes everyone whose instant has come.
    pub fn advance(&self, duration: Duration) {
        let now = self.inner.lock().now;
        self.set(now.after(duration));
    }

    /// Moves the clock to `now`, also backwards, and wakes everyone whose instant has come.
    pub fn set(&self, now: Timestamp) {
        let mut inner = self.inner.lock();
        inner.now = now;
        let later = inner.sleepers.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut inner.sleepers, later);
        drop(inner);
        for sleeper in due.into_values() {
            // A sleeper that went away in the meantime needs no waking.
            let _ = sleeper.send(());
        }
    }

    /// Returns the earliest instant that somebody sleeps for.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let mut inner = self.inner.lock();
        inner.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        inner.sleepers.keys().next().map(|(at, _)| *at)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.inner.lock().now).finish()
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.inner.lock().now
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let woken = {
            let mut inner = self.inner.lock();
            if instant <= inner.now {
                return;
            }
            let (wake, woken) = oneshot::channel();
            inner.next_ticket += 1;
            let ticket = inner.next_ticket;
            inner.sleepers.insert((instant, ticket), wake);
            woken
        };
        // The sender is dropped only with the clock, and then time has ended.
        if woken.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_manual_clock_reaches_its_instant() {
        let clock = ManualClock::new();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(60)).await }
        });
        while clock.next_wake().is_none() {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[tokio::test]
    async fn an_instant_that_has_passed_is_not_waited_for() {
        let clock = ManualClock::new();
        clock.sleep_until(Timestamp::from_millis(0)).await;
        SystemClock.sleep_until(Timestamp::from_millis(0)).await;
    }
}
