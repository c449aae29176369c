//! A second request when the first is slow.

use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, select_biased};

use crate::ask::Ask;
use crate::call::Call;
use crate::route::{Ended, Lost, Routed};
use crate::router::Router;
use crate::slot::{Permit, Slot};
use crate::walk::Walk;

/// When a request is made a second time while the first still runs.
///
/// The answer that comes first is taken. The others are given up; their vendors
/// bill them all the same, so each is reserved and booked like any other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hedge {
    /// The share of a provider's last answers that came sooner, between 0 and 1.
    ///
    /// As long as fewer than 10 of them have been measured nothing is hedged.
    pub after: f64,
    /// The time that is waited for an answer in any case.
    pub at_least: Duration,
    /// How many more requests may be made.
    pub max_extra: usize,
}

/// One more request after the 95th percentile, and not before half a second.
impl Default for Hedge {
    fn default() -> Self {
        Self { after: 0.95, at_least: Duration::from_millis(500), max_extra: 1 }
    }
}

/// How many answers make a percentile worth something.
const ENOUGH: usize = 10;

impl Hedge {
    /// Returns how long an answer of `slot` is waited for before another is asked for.
    fn patience(&self, slot: &Slot) -> Option<Duration> {
        slot.vitals.latency.percentile(self.after, ENOUGH).map(|usual| usual.max(self.at_least))
    }
}

impl Router {
    /// Asks one provider after the other, and the next one already while one is slow.
    pub(crate) async fn ask_hedged<A: Ask>(
        &self,
        call: &mut Call,
        mut walk: Walk<'_>,
        hedge: Hedge,
    ) -> Result<Routed<A::Answer>, Lost> {
        let mut running = FuturesUnordered::new();
        let mut alarm: Fuse<BoxFuture<'_, ()>> = Fuse::terminated();
        let (mut extra, mut attempts, mut refused) = (hedge.max_extra, Vec::new(), None);
        let mut next = walk.next(call);
        let mut last = None;
        loop {
            if let Some(permit) = next.take() {
                let slot = permit.shared();
                if extra > 0
                    && let Some(patience) = hedge.patience(&slot)
                {
                    alarm = self.clock.sleep(patience).fuse();
                }
                last = Some(slot);
                running.push(self.ask_alone::<A>(permit, call.clone()));
            } else if running.is_empty() {
                return Err(refused.map_or(Lost::GivenUp(attempts), Lost::NotReserved));
            }
            select_biased! {
                (ended, aimed) = running.select_next_some() => match ended {
                    Ok(routed) => {
                        *call = aimed;
                        return Ok(routed);
                    }
                    Err(Ended::GivenUp(attempt)) => {
                        attempts.push(attempt);
                        if running.is_empty() {
                            // What it gave back may be enough for whom a budget refused beside it.
                            let again = refused.as_ref().and(last.as_ref()).and_then(Slot::admit);
                            next = again.or_else(|| walk.next(call));
                            refused = refused.filter(|_| next.is_none());
                        }
                    }
                    // What is under way is paid for and may still answer.
                    Err(Ended::NotReserved(error)) => refused = Some(error),
                },
                () = alarm => {
                    extra -= 1;
                    next = walk.next(call).or_else(|| last.as_ref().and_then(Slot::admit));
                    continue;
                }
            }
        }
    }

    async fn ask_alone<A: Ask>(
        &self,
        permit: Permit,
        call: Call,
    ) -> (Result<Routed<A::Answer>, Ended>, Call) {
        (self.ask_one::<A>(permit, &call).await, call)
    }
}
