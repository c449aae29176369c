//! Health: whether the store takes what it is given, and since when it does not.
//!
//! A commit or claim that fails for the store's own reasons, or that the store
//! leaves without an answer for too long, makes the engine *degraded*. The
//! first commit that begins after that and succeeds ends it. A damaged store
//! has to do more: what was withheld because of the damage must be stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use runcor_core::{Clock, Degraded, Error, ErrorCode, StoreError, Timestamp};
use tokio::sync::Notify;

/// What is known of the store's health.
#[derive(Debug)]
pub(crate) struct Health {
    clock: Arc<dyn Clock>,
    /// How long the store may leave commits without an answer; zero is for ever.
    slow_commit: Duration,
    /// Odd while degraded; grows with every failure and at the end of the trouble.
    round: AtomicU64,
    /// How many commits and claims are under way.
    under_way: AtomicUsize,
    /// When the store answered last, or the first of those came under way, in milliseconds.
    answered_at: AtomicI64,
    trouble: Mutex<Trouble>,
    /// How many outcomes are withheld until a damaged store takes them.
    withheld: AtomicUsize,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Trouble {
    told: Option<Degraded>,
    /// What a look found that may be slowness: the last answer, and when it was looked.
    suspicion: Option<(i64, Timestamp)>,
}

/// A commit or claim that is under way; dropping it takes it off the count.
pub(crate) struct Flight<'a> {
    health: &'a Health,
    round: u64,
}

/// An outcome that is withheld until a damaged store takes it.
pub(crate) struct Withheld {
    health: Arc<Health>,
}

impl Health {
    pub(crate) fn new(clock: Arc<dyn Clock>, slow_commit: Duration) -> Self {
        Self {
            clock,
            slow_commit,
            round: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            answered_at: AtomicI64::new(0),
            trouble: Mutex::default(),
            withheld: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Notes that a commit or claim begins.
    pub(crate) fn begin(&self) -> Flight<'_> {
        if self.under_way.load(Ordering::SeqCst) == 0 {
            // Before it is counted, or a look might take the last answer for its beginning.
            self.answered_at.store(self.clock.now().as_millis(), Ordering::SeqCst);
        }
        self.under_way.fetch_add(1, Ordering::SeqCst);
        Flight { health: self, round: self.round.load(Ordering::SeqCst) }
    }

    /// Returns whether the store is known to have trouble; it does not look for slowness.
    pub(crate) fn is_degraded(&self) -> bool {
        self.round.load(Ordering::SeqCst) % 2 == 1
    }

    /// Returns the trouble that the store has, if any.
    pub(crate) fn trouble(&self) -> Option<Degraded> {
        if self.under_way.load(Ordering::SeqCst) > 0 {
            self.look_for_slowness();
        }
        if !self.is_degraded() {
            return None;
        }
        self.trouble.lock().told.clone()
    }

    /// Returns why nothing new is taken, if that is so.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let Degraded { code, message, since } = self.trouble()?;
        let advice = match code {
            ErrorCode::StorageCorrupt => {
                "; stop runcor, check the file with `runcor verify`, and restore a backup if need be"
            }
            ErrorCode::StorageSlow => "; look at the disk and at what else uses it",
            ErrorCode::StorageUnavailable => "; the engine goes on by itself once it is",
            // The store says it already.
            _ => "",
        };
        let message = format!("nothing new is taken since {since}: {message}{advice}");
        Some(Error::new(code, message).retryable(None))
    }

    /// Returns once the trouble has begun, ended or changed, now or since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns the round, for [`trust`](Self::trust).
    pub(crate) fn round(&self) -> u64 {
        self.round.load(Ordering::SeqCst)
    }

    /// Ends the trouble of a damaged store that has taken a commit which began
    /// in `round`, unless there is still something that it does not take.
    pub(crate) fn trust(&self, round: u64) {
        if self.withheld.load(Ordering::SeqCst) == 0 {
            self.recover(round);
        }
    }

    /// Notes that an outcome is withheld until a damaged store takes it.
    pub(crate) fn withhold(self: &Arc<Self>, error: &StoreError) -> Withheld {
        self.withheld.fetch_add(1, Ordering::SeqCst);
        self.failed(error);
        Withheld { health: Arc::clone(self) }
    }

    fn failed(&self, error: &StoreError) {
        let code = match error {
            StoreError::Full { .. } => ErrorCode::StorageFull,
            StoreError::Unavailable { .. } => ErrorCode::StorageUnavailable,
            StoreError::Corrupt { .. } => ErrorCode::StorageCorrupt,
            // The store works; it is the call that was refused.
            _ => return,
        };
        self.degrade(code, error.to_string(), self.clock.now());
    }

    fn degrade(&self, code: ErrorCode, message: String, since: Timestamp) {
        let mut trouble = self.trouble.lock();
        let known = trouble.told.as_ref().map(|told| told.code);
        // Two on: it stays odd, and what began before this failure proves nothing.
        self.round.fetch_add(if known.is_some() { 2 } else { 1 }, Ordering::SeqCst);
        // Nothing is worse than damage.
        if known == Some(code) || known == Some(ErrorCode::StorageCorrupt) {
            return;
        }
        if code == ErrorCode::StorageCorrupt {
            tracing::error!(%code, %message, "the store has trouble: nothing new is taken until it is over");
        } else {
            tracing::warn!(%code, %message, "the store has trouble: nothing new is taken until it is over");
        }
        let since = trouble.told.as_ref().map_or(since, |told| told.since);
        trouble.told = Some(Degraded { code, message, since });
        drop(trouble);
        self.changed.notify_one();
    }

    /// Notes that something which began in `round` is stored.
    fn stored(&self, round: u64) {
        if round % 2 == 1 && !self.is_damaged() {
            self.recover(round);
        }
    }

    fn is_damaged(&self) -> bool {
        let trouble = self.trouble.lock();
        trouble.told.as_ref().is_some_and(|told| told.code == ErrorCode::StorageCorrupt)
    }

    /// Ends the trouble, unless something has failed since `round`.
    fn recover(&self, round: u64) {
        let mut trouble = self.trouble.lock();
        if round.is_multiple_of(2) || self.round.load(Ordering::SeqCst) != round {
            return;
        }
        self.round.fetch_add(1, Ordering::SeqCst);
        if let Some(Degraded { code, since, .. }) = trouble.told.take() {
            tracing::info!(%code, %since, "the store works again");
        }
        drop(trouble);
        self.changed.notify_one();
    }

    /// Looks whether the store has left commits without an answer for too long.
    ///
    /// It takes two looks some time apart: after one leap of the clock every
    /// commit seems to have taken that long.
    fn look_for_slowness(&self) {
        let answered_at = self.answered_at.load(Ordering::SeqCst);
        let now = self.clock.now();
        if !self.is_too_long(answered_at, now) {
            return;
        }
        let mut trouble = self.trouble.lock();
        let suspected_at = match trouble.suspicion {
            Some((same, at)) if same == answered_at => at,
            _ => {
                trouble.suspicion = Some((answered_at, now));
                return;
            }
        };
        let is_certain = now.since(suspected_at) >= self.slow_commit / 5;
        let is_known = trouble.told.is_some();
        drop(trouble);
        if is_certain && !is_known {
            let limit = self.slow_commit.as_millis();
            let message = format!("the store has not answered for more than {limit} ms");
            self.degrade(ErrorCode::StorageSlow, message, Timestamp::from_millis(answered_at));
        }
    }

    fn is_too_long(&self, answered_at: i64, now: Timestamp) -> bool {
        let silence = now.since(Timestamp::from_millis(answered_at));
        !self.slow_commit.is_zero() && silence > self.slow_commit
    }
}

impl Flight<'_> {
    /// Notes how it has ended, and whether it changed anything if it succeeded.
    pub(crate) fn end(self, error: Option<&StoreError>, wrote: bool) {
        let health = self.health;
        let now = health.clock.now();
        let before = health.answered_at.swap(now.as_millis(), Ordering::SeqCst);
        if let Some(error) = error {
            health.failed(error);
        } else if wrote && health.is_degraded() && !health.is_too_long(before, now) {
            health.stored(self.round);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.health.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Withheld {
    fn drop(&mut self) {
        if self.health.withheld.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The store may be well again: somebody shall look.
            self.health.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::ManualClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn health() -> (Arc<Health>, ManualClock) {
        let clock = ManualClock::new();
        (Arc::new(Health::new(Arc::new(clock.clone()), SECOND * 5)), clock)
    }

    fn full() -> StoreError {
        StoreError::Full { message: "no space".to_owned() }
    }

    fn code(health: &Health) -> Option<ErrorCode> {
        health.trouble().map(|trouble| trouble.code)
    }

    #[test]
    fn a_failure_is_over_with_the_next_success_that_began_after_it() {
        let (health, clock) = health();
        let since = clock.now();
        let before = health.begin();
        health.begin().end(Some(&full()), true);
        clock.advance(SECOND);
        before.end(None, true);
        let told = health.trouble().unwrap();
        assert_eq!((told.code, told.since), (ErrorCode::StorageFull, since));
        health.begin().end(None, false);
        assert!(health.is_degraded());
        health.begin().end(None, true);
        assert_eq!(health.trouble(), None);
    }

    #[test]
    fn a_refused_call_is_no_trouble_of_the_store() {
        let (health, _) = health();
        let refused = StoreError::Unstorable { message: "too deep".to_owned() };
        health.begin().end(Some(&refused), true);
        assert_eq!(health.trouble(), None);
    }

    #[test]
    fn a_silent_store_is_slow_until_it_answers_in_time() {
        let (health, clock) = health();
        let since = clock.now();
        let stuck = health.begin();
        clock.advance(SECOND * 6);
        assert_eq!(code(&health), None);
        clock.advance(SECOND);
        let told = health.trouble().unwrap();
        assert_eq!((told.code, told.since), (ErrorCode::StorageSlow, since));
        let next = health.begin();
        stuck.end(None, true);
        assert_eq!(code(&health), Some(ErrorCode::StorageSlow));
        clock.advance(SECOND * 6);
        next.end(None, true);
        assert_eq!(code(&health), Some(ErrorCode::StorageSlow), "that was slow again");
        health.begin().end(None, true);
        assert_eq!(code(&health), None);
    }

    #[test]
    fn a_leap_of_the_clock_is_no_slowness() {
        let (health, clock) = health();
        let commit = health.begin();
        clock.advance(SECOND * 3_600);
        assert_eq!(code(&health), None);
        commit.end(None, true);
        clock.advance(SECOND * 3_600);
        let _next = health.begin();
        assert_eq!(code(&health), None);
    }

    #[test]
    fn a_store_that_answers_some_is_not_slow_though_many_wait() {
        let (health, clock) = health();
        let _patient = health.begin();
        for _ in 0..20 {
            clock.advance(SECOND);
            health.begin().end(None, true);
            assert_eq!(code(&health), None);
        }
    }

    #[test]
    fn damage_outlasts_other_successes_and_other_failures() {
        let (health, _) = health();
        let damage = StoreError::Corrupt { message: "page 7".to_owned() };
        let withheld = health.withhold(&damage);
        health.begin().end(None, true);
        health.begin().end(Some(&full()), true);
        health.trust(health.round());
        assert_eq!(code(&health), Some(ErrorCode::StorageCorrupt));
        drop(withheld);
        health.trust(health.round() - 2);
        assert_eq!(code(&health), Some(ErrorCode::StorageCorrupt), "it has failed since");
        health.trust(health.round());
        assert_eq!(code(&health), None);
    }
}
