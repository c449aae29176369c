//! How long a provider takes: a smoothed latency, and the last ones for percentiles.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use runcor_core::Timestamp;

/// How many latencies are kept for percentiles.
const KEPT: usize = 64;

/// The weight of a new latency in the smoothed one.
const WEIGHT: f64 = 0.3;

/// The time after which a smoothed latency counts half, so that a provider that
/// was slow once is tried again.
const HALF_LIFE: Duration = Duration::from_secs(60);

/// The latencies of one provider.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    wanted: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    smoothed: Option<Smoothed>,
    last: Vec<Duration>,
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Smoothed {
    millis: f64,
    /// When it was measured, or somebody went to measure it anew.
    at: Timestamp,
}

impl Latency {
    /// Begins to measure; until then nobody pays for it.
    pub(crate) fn measure(&self) {
        if !self.is_measured() {
            self.wanted.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether anybody wants to know.
    pub(crate) fn is_measured(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Notes an answer, or the first piece of one.
    pub(crate) fn note(&self, began: Timestamp, now: Timestamp) {
        self.seen.lock().note(now.since(began), now);
    }

    /// Returns what is expected at `now` in milliseconds; `None` when nothing was measured.
    pub(crate) fn expected(&self, now: Timestamp) -> Option<f64> {
        let smoothed = self.seen.lock().smoothed?;
        let halvings = now.since(smoothed.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        Some(smoothed.millis * (-halvings).exp2())
    }

    /// Notes that somebody is about to ask, so that one request at a time finds
    /// out whether a provider is still slow.
    pub(crate) fn tried(&self, now: Timestamp) {
        if let Some(smoothed) = &mut self.seen.lock().smoothed {
            smoothed.at = now;
        }
    }

    /// Returns the latency within which the share `share` of the last answers
    /// came, as soon as `enough` are known.
    pub(crate) fn percentile(&self, share: f64, enough: usize) -> Option<Duration> {
        let mut last = self.seen.lock().last.clone();
        if last.len() < enough {
            return None;
        }
        let at = rank(share, last.len())?;
        let (_, found, _) = last.select_nth_unstable(at);
        Some(*found)
    }
}

/// The position of a percentile among `count` sorted values, the nearest rank.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the cast saturates, and there are at most 64"
)]
fn rank(share: f64, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let rank = (share * count as f64).ceil() as usize;
    Some(rank.saturating_sub(1).min(last))
}

impl Seen {
    fn note(&mut self, took: Duration, now: Timestamp) {
        let millis = took.as_secs_f64() * 1e3;
        let millis = match self.smoothed {
            Some(before) => before.millis + WEIGHT * (millis - before.millis),
            None => millis,
        };
        self.smoothed = Some(Smoothed { millis, at: now });
        match self.last.get_mut(self.next) {
            Some(oldest) => *oldest = took,
            None => self.last.push(took),
        }
        self.next = (self.next + 1) % KEPT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn noted(millis: impl IntoIterator<Item = u64>) -> Latency {
        let latency = Latency::default();
        for millis in millis {
            latency.seen.lock().note(Duration::from_millis(millis), START);
        }
        latency
    }

    #[test]
    fn a_latency_follows_what_is_measured_and_is_halved_by_time() {
        assert_eq!(Latency::default().expected(START), None);
        let latency = noted([100, 200]);
        let at = |seconds| latency.expected(START.after(Duration::from_secs(seconds))).unwrap();
        assert!((at(0) - 130.0).abs() < 1e-6 && (at(60) - 65.0).abs() < 1e-6);
        latency.tried(START.after(Duration::from_secs(60)));
        assert!((at(60) - 130.0).abs() < 1e-6);
    }

    #[test]
    fn a_percentile_is_of_the_last_answers() {
        assert_eq!(Latency::default().percentile(0.95, 0), None);
        assert_eq!(noted([7]).percentile(0.95, 1), Some(Duration::from_millis(7)));
        assert_eq!(noted([7]).percentile(0.95, 2), None);
        let latency = noted((1..=164).rev().map(|n| n * 10));
        let percentile = |share| latency.percentile(share, 1).unwrap().as_millis();
        assert_eq!((percentile(0.0), percentile(0.5), percentile(1.0)), (10, 320, 640));
    }
}
