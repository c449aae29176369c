//! The circuit breaker as a pure function of state, event and time.

use std::time::Duration;

use runcor_core::{ProviderHealth, Timestamp};

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BreakerPolicy {
    /// The consecutive failures that open it; at least 1.
    pub(crate) threshold: u32,
    /// How long it stays open before one request may find out.
    pub(crate) cooldown: Duration,
}

/// What a breaker remembers of its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// Everything is let through.
    Healthy { failures: u32 },
    /// Nothing is let through until the cooldown that began at `since` is over.
    Unhealthy { failures: u32, since: Timestamp },
    /// One request at a time is let through to find out.
    HalfOpen { failures: u32, probing: bool },
}

/// What happens to a breaker.
///
/// An outcome with `probe` belongs to the request that a half-open breaker let
/// through. While a breaker is half-open, outcomes of older requests tell of
/// the time before and are passed over, so that the probe alone decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BreakerEvent {
    /// Time has passed.
    Looked,
    /// Someone wants to call; [`Breaker::admission`] says whether they may.
    Asked,
    /// A call succeeded.
    Succeeded { probe: bool },
    /// A call failed in a way that speaks of the provider's health.
    Failed { probe: bool },
    /// A probe ended without saying anything about the provider's health.
    Released,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Not now.
    Refused,
    /// Yes.
    Open,
    /// Yes, as the one call that finds out.
    Probe,
}

impl Breaker {
    /// A breaker that has seen nothing.
    pub(crate) const NEW: Self = Self::Healthy { failures: 0 };

    /// Says whether a call may be made at `now`.
    pub(crate) fn admission(self, now: Timestamp, policy: BreakerPolicy) -> Admission {
        match self.elapse(now, policy) {
            Self::Healthy { .. } => Admission::Open,
            Self::HalfOpen { probing: false, .. } => Admission::Probe,
            Self::Unhealthy { .. } | Self::HalfOpen { probing: true, .. } => Admission::Refused,
        }
    }

    /// Moves on by one event that happens at `now`.
    pub(crate) fn step(self, event: BreakerEvent, now: Timestamp, policy: BreakerPolicy) -> Self {
        let state = self.elapse(now, policy);
        match event {
            BreakerEvent::Looked => state,
            BreakerEvent::Asked => state.asked(),
            BreakerEvent::Succeeded { probe } => state.succeeded(probe),
            BreakerEvent::Failed { probe } => state.failed(probe, now, policy),
            BreakerEvent::Released => state.released(),
        }
    }

    /// Returns the state as reports and events name it.
    pub(crate) fn health(self) -> ProviderHealth {
        match self {
            Self::Healthy { .. } => ProviderHealth::Healthy,
            Self::Unhealthy { .. } => ProviderHealth::Unhealthy,
            Self::HalfOpen { .. } => ProviderHealth::HalfOpen,
        }
    }

    /// Returns how long the cooldown still lasts, where one is running.
    pub(crate) fn remaining(self, now: Timestamp, policy: BreakerPolicy) -> Option<Duration> {
        match self.elapse(now, policy) {
            Self::Unhealthy { since, .. } => Some(policy.cooldown.saturating_sub(now.since(since))),
            Self::Healthy { .. } | Self::HalfOpen { .. } => None,
        }
    }

    /// Ends the cooldown when it is over. A clock that was set back ends it too:
    /// a probe too early costs one request, a provider lost for hours costs more.
    fn elapse(self, now: Timestamp, policy: BreakerPolicy) -> Self {
        match self {
            Self::Unhealthy { failures, since }
                if now < since || now.since(since) >= policy.cooldown =>
            {
                Self::HalfOpen { failures, probing: false }
            }
            state => state,
        }
    }

    fn asked(self) -> Self {
        match self {
            Self::HalfOpen { failures, .. } => Self::HalfOpen { failures, probing: true },
            state => state,
        }
    }

    fn succeeded(self, probe: bool) -> Self {
        match self {
            Self::Healthy { .. } => Self::NEW,
            Self::Unhealthy { since, .. } => Self::Unhealthy { failures: 0, since },
            Self::HalfOpen { .. } if probe => Self::NEW,
            stale @ Self::HalfOpen { .. } => stale,
        }
    }

    fn failed(self, probe: bool, now: Timestamp, policy: BreakerPolicy) -> Self {
        match self {
            Self::Healthy { failures } if failures.saturating_add(1) >= policy.threshold => {
                Self::Unhealthy { failures: failures.saturating_add(1), since: now }
            }
            Self::Healthy { failures } => Self::Healthy { failures: failures.saturating_add(1) },
            Self::Unhealthy { failures, since } => {
                Self::Unhealthy { failures: failures.saturating_add(1), since }
            }
            Self::HalfOpen { failures, .. } if probe => {
                Self::Unhealthy { failures: failures.saturating_add(1), since: now }
            }
            stale @ Self::HalfOpen { .. } => stale,
        }
    }

    fn released(self) -> Self {
        match self {
            Self::HalfOpen { failures, .. } => Self::HalfOpen { failures, probing: false },
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

    use super::*;

    const COOLDOWN: u64 = 50;

    /// Section 3.8 of the contract, told with a timer instead of instants.
    struct Table {
        health: ProviderHealth,
        failures: u32,
        cooldown_left: u64,
        probe: bool,
    }

    impl Table {
        fn pass(&mut self, millis: u64) {
            if self.health == ProviderHealth::Unhealthy {
                self.cooldown_left = self.cooldown_left.saturating_sub(millis);
                if self.cooldown_left == 0 {
                    self.health = ProviderHealth::HalfOpen;
                    self.probe = false;
                }
            }
        }

        fn ask(&mut self) -> Admission {
            match self.health {
                ProviderHealth::Healthy => Admission::Open,
                ProviderHealth::HalfOpen if !self.probe => {
                    self.probe = true;
                    Admission::Probe
                }
                _ => Admission::Refused,
            }
        }

        fn outcome(&mut self, good: bool, probe: bool, threshold: u32) {
            match (self.health, good) {
                (ProviderHealth::HalfOpen, _) if !probe => {}
                (ProviderHealth::Unhealthy, true) => self.failures = 0,
                (ProviderHealth::Unhealthy, false) => self.failures += 1,
                (_, true) => {
                    self.failures = 0;
                    self.health = ProviderHealth::Healthy;
                }
                (health, false) => {
                    self.failures += 1;
                    if health == ProviderHealth::HalfOpen || self.failures >= threshold {
                        self.health = ProviderHealth::Unhealthy;
                        self.cooldown_left = COOLDOWN;
                    }
                }
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Act {
        Pass(u64),
        Ask,
        End { which: usize, how: How },
    }

    #[derive(Debug, Clone, Copy)]
    enum How {
        Good,
        Bad,
        Dropped,
    }

    fn act() -> impl Strategy<Value = Act> {
        let how = prop_oneof![Just(How::Good), Just(How::Bad), Just(How::Bad), Just(How::Dropped)];
        prop_oneof![
            (0..80_u64).prop_map(Act::Pass),
            Just(Act::Ask),
            Just(Act::Ask),
            (0..4_usize, how).prop_map(|(which, how)| Act::End { which, how }),
        ]
    }

    proptest! {
        #[test]
        fn the_breaker_follows_the_table_and_admits_one_probe_at_a_time(
            threshold in 1..5_u32,
            acts in proptest::collection::vec(act(), 0..200),
        ) {
            let policy = BreakerPolicy { threshold, cooldown: Duration::from_millis(COOLDOWN) };
            let mut now = Timestamp::from_millis(1_000);
            let mut breaker = Breaker::NEW;
            let mut table = Table {
                health: ProviderHealth::Healthy,
                failures: 0,
                cooldown_left: 0,
                probe: false,
            };
            let mut running: Vec<bool> = Vec::new();
            for act in acts {
                match act {
                    Act::Pass(millis) => {
                        now = now.after(Duration::from_millis(millis));
                        table.pass(millis);
                        breaker = breaker.step(BreakerEvent::Looked, now, policy);
                    }
                    Act::Ask => {
                        let admission = breaker.admission(now, policy);
                        assert_eq!(admission, table.ask());
                        if admission != Admission::Refused {
                            breaker = breaker.step(BreakerEvent::Asked, now, policy);
                            running.push(admission == Admission::Probe);
                        }
                    }
                    Act::End { which, how } if which < running.len() => {
                        let probe = running.remove(which);
                        let event = match how {
                            How::Good => BreakerEvent::Succeeded { probe },
                            How::Bad => BreakerEvent::Failed { probe },
                            How::Dropped if probe => BreakerEvent::Released,
                            How::Dropped => BreakerEvent::Looked,
                        };
                        breaker = breaker.step(event, now, policy);
                        match how {
                            How::Good => table.outcome(true, probe, threshold),
                            How::Bad => table.outcome(false, probe, threshold),
                            How::Dropped => table.probe &= !probe,
                        }
                    }
                    Act::End { .. } => {}
                }
                assert_eq!(breaker.health(), table.health);
                assert!(running.iter().filter(|probe| **probe).count() <= 1);
                if let Breaker::Healthy { failures } = breaker {
                    assert_eq!(failures, table.failures);
                }
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_cooldown() {
        let policy = BreakerPolicy { threshold: 1, cooldown: Duration::from_secs(30) };
        let now = Timestamp::from_millis(100_000);
        let open = Breaker::NEW.step(BreakerEvent::Failed { probe: false }, now, policy);
        assert_eq!(open.admission(now, policy), Admission::Refused);
        assert_eq!(open.remaining(now, policy), Some(Duration::from_secs(30)));
        let earlier = Timestamp::from_millis(5);
        assert_eq!(open.admission(earlier, policy), Admission::Probe);
    }
}
