//! Rate limits: sliding windows as a pure state machine, and what takes a place in them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::TenantId;
use crate::time::Timestamp;

/// Whose doings a rate limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateScope {
    /// Each user's.
    User,
    /// Each flow's.
    Flow,
    /// Each tenant's.
    Tenant,
    /// Everybody's.
    Global,
}

impl RateScope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::User, Self::Flow, Self::Tenant, Self::Global];

    /// Returns the scope as stores keep it and the wire shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Flow => "flow",
            Self::Tenant => "tenant",
            Self::Global => "global",
        }
    }
}

/// The identity of one counter: every limit has its own, for each whom it counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey {
    /// The limit's name.
    pub limit: String,
    /// The limit's scope.
    pub scope: RateScope,
    /// The tenant that it counts in; users of two tenants are two users.
    pub tenant: Option<TenantId>,
    /// The user, flow or tenant; empty for everybody.
    pub subject: String,
}

/// A wish to do something that a rate limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateTake {
    /// The counter.
    pub key: RateKey,
    /// How often it may happen within the window; at least 1.
    pub limit: u32,
    /// The length of the window.
    pub window: Duration,
    /// The present instant.
    pub now: Timestamp,
    /// What to do when it may not happen now.
    pub queue: Option<RateQueue>,
}

/// How long a queue a rate limit may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateQueue {
    /// The most that may wait at once.
    pub depth: u32,
    /// The longest that one may wait.
    pub timeout: Duration,
}

/// Why something may not happen at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRefusal {
    /// The counter.
    pub key: RateKey,
    /// How often it may happen within the window.
    pub limit: u32,
    /// The length of the window.
    pub window: Duration,
    /// How often it has happened, or is going to, as far as it still counts.
    pub count: u32,
    /// When it may happen if nothing comes in between.
    pub retry_at: Timestamp,
    /// How long it is until then.
    pub retry_after: Duration,
}

/// The most runs that a window keeps; beyond that it counts a little too strictly.
const MOST_RUNS: usize = 128;

/// A sliding window: the instants of what was let through, and of what waits for its turn.
///
/// It holds what still counts, oldest first: any `limit` + 1 of its instants
/// in a row span at least the window, so no window of that length ever lets
/// more than `limit` through. Runs of instants are merged into their latest
/// when they become too many, which never lets more through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateWindow {
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    at: i64,
    count: u32,
}

impl RateWindow {
    /// Lets one through now, or books it for its turn where a queue allows that;
    /// returns the instant of its turn.
    ///
    /// # Errors
    /// Refuses it, and changes nothing that counts.
    pub fn take(&mut self, wish: &RateTake) -> Result<Timestamp, Box<RateRefusal>> {
        let length = i64::try_from(wish.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let now = wish.now.as_millis();
        self.runs.retain(|run| run.at.saturating_add(length) > now);
        let turn = self.next_turn(now, wish.limit.max(1), length);
        if turn > now && !self.may_wait(wish, turn) {
            return Err(Box::new(RateRefusal {
                key: wish.key.clone(),
                limit: wish.limit,
                window: wish.window,
                count: self.count(),
                retry_at: Timestamp::from_millis(turn),
                retry_after: Timestamp::from_millis(turn).since(wish.now),
            }));
        }
        self.push(turn);
        Ok(Timestamp::from_millis(turn))
    }

    /// Returns when the last of its instants stops to count.
    #[must_use]
    pub fn expires(&self, window: Duration) -> Option<Timestamp> {
        self.runs.last().map(|run| Timestamp::from_millis(run.at).after(window))
    }

    /// Returns how many instants it holds.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.runs.iter().fold(0, |sum: u32, run| sum.saturating_add(run.count))
    }

    /// Returns the window as stores keep it: sixteen bytes for each run.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let run = |run: &Run| {
            let [at, count] = [run.at.to_le_bytes(), u64::from(run.count).to_le_bytes()];
            at.into_iter().chain(count)
        };
        self.runs.iter().flat_map(run).collect()
    }

    /// Makes a window of what [`to_bytes`](Self::to_bytes) gave; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<16>();
        let run = |chunk: &[u8; 16]| {
            let at = i64::from_le_bytes(*chunk.first_chunk()?);
            let count = u32::try_from(u64::from_le_bytes(*chunk.last_chunk()?)).ok()?;
            Some(Run { at, count })
        };
        let runs = chunks.iter().map(run).collect::<Option<Vec<_>>>()?;
        let in_order = runs.is_sorted_by_key(|run| run.at);
        (rest.is_empty() && in_order).then_some(Self { runs })
    }

    /// Returns the first instant from `now` on that is no earlier than any
    /// booked one and a whole window after the one `limit` places before it.
    fn next_turn(&self, now: i64, limit: u32, length: i64) -> i64 {
        let booked = self.runs.last().map_or(now, |run| run.at.max(now));
        let mut places = limit;
        for run in self.runs.iter().rev() {
            if run.count >= places {
                return booked.max(run.at.saturating_add(length));
            }
            places -= run.count;
        }
        booked
    }

    fn may_wait(&self, wish: &RateTake, turn: i64) -> bool {
        let now = wish.now.as_millis();
        let waiting = self.runs.iter().filter(|run| run.at > now);
        let waiting = waiting.fold(0, |sum: u32, run| sum.saturating_add(run.count));
        wish.queue.is_some_and(|queue| {
            waiting < queue.depth && Timestamp::from_millis(turn) <= wish.now.after(queue.timeout)
        })
    }

    fn push(&mut self, at: i64) {
        match self.runs.last_mut() {
            Some(last) if last.at == at => last.count = last.count.saturating_add(1),
            _ => self.runs.push(Run { at, count: 1 }),
        }
        if self.runs.len() > MOST_RUNS {
            self.merge_closest();
        }
    }

    /// Merges the two neighbours that lie closest together into the later of them.
    fn merge_closest(&mut self) {
        let gaps = self.runs.windows(2).enumerate().filter_map(|(index, pair)| match pair {
            [a, b] => Some((b.at.saturating_sub(a.at), index)),
            _ => None,
        });
        let Some((_, index)) = gaps.min() else { return };
        let earlier = self.runs.remove(index);
        if let Some(later) = self.runs.get_mut(index) {
            later.count = later.count.saturating_add(earlier.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(now: i64, limit: u32, queue: Option<RateQueue>) -> RateTake {
        let key = RateKey {
            limit: "l".to_owned(),
            scope: RateScope::Global,
            tenant: None,
            subject: String::new(),
        };
        let (window, now) = (Duration::from_millis(1_000), Timestamp::from_millis(now));
        RateTake { key, limit, window, now, queue }
    }

    #[test]
    fn one_more_than_the_limit_is_refused_until_the_window_has_slid() {
        let mut window = RateWindow::default();
        for now in [0, 10, 20] {
            assert_eq!(window.take(&wish(now, 3, None)).unwrap().as_millis(), now);
        }
        let refused = window.take(&wish(999, 3, None)).unwrap_err();
        assert_eq!((refused.count, refused.retry_at.as_millis()), (3, 1_000));
        assert!(window.take(&wish(1_000, 3, None)).is_ok());
    }

    #[test]
    fn whoever_waits_gets_the_next_turns_in_order_and_nobody_overtakes() {
        let queue = Some(RateQueue { depth: 2, timeout: Duration::from_secs(5) });
        let mut window = RateWindow::default();
        let turns: Vec<_> =
            (0..4).map(|_| window.take(&wish(0, 2, queue)).unwrap().as_millis()).collect();
        assert_eq!(turns, [0, 0, 1_000, 1_000]);
        assert!(window.take(&wish(0, 2, queue)).is_err(), "the queue is full");
        assert!(window.take(&wish(999, 2, None)).is_err());
        assert_eq!(window.take(&wish(1_500, 2, queue)).unwrap().as_millis(), 2_000);
    }

    proptest! {
        #[test]
        fn no_window_ever_lets_more_than_its_limit_through(
            steps in proptest::collection::vec((0_i64..400, any::<bool>()), 1..400),
            limit in 1_u32..20,
        ) {
            let mut window = RateWindow::default();
            let mut now = 0;
            let mut turns: Vec<i64> = Vec::new();
            for (pause, waits) in steps {
                now += pause / 8;
                let queue = RateQueue { depth: 50, timeout: Duration::from_secs(60) };
                if let Ok(turn) = window.take(&wish(now, limit, waits.then_some(queue))) {
                    turns.push(turn.as_millis());
                }
                window = RateWindow::from_bytes(&window.to_bytes()).unwrap();
            }
            let limit = limit as usize;
            prop_assert!(turns.is_sorted());
            for pair in turns.windows(limit + 1) {
                prop_assert!(pair[limit] - pair[0] >= 1_000, "{pair:?}");
            }
        }

        #[test]
        fn a_large_limit_stays_small_and_is_never_exceeded(
            pauses in proptest::collection::vec(0_i64..8, 600..900),
        ) {
            let mut window = RateWindow::default();
            let (mut now, mut turns) = (0, Vec::new());
            for pause in pauses {
                now += pause;
                if window.take(&wish(now, 300, None)).is_ok() {
                    turns.push(now);
                }
                prop_assert!(window.runs.len() <= MOST_RUNS);
            }
            for pair in turns.windows(301) {
                prop_assert!(pair[300] - pair[0] >= 1_000);
            }
        }
    }
}
