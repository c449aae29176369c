//! One event stream: what happened since the client last listened, then what happens now.
//!
//! The stream listens first and reads history second, so nothing falls between
//! the two; what comes both ways is recognised by its sequence number. It is
//! pulled by the connection: a client that does not read is not written for,
//! and learns from a `gap` message what it has missed.

mod filter;
mod frame;
mod sight;

use std::sync::Arc;

use bytes::Bytes;
use runcor_core::{EventGap, EventRecord, EventSubscription};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

pub(crate) use filter::Filter;

use crate::access::Access;
use frame::{GapReason, comment, gap, push_event};
use sight::Sight;

/// How many stored events are read at once.
const PAGE: usize = 64;
/// The highest number that every store can be asked for.
const HIGHEST: u64 = i64::MAX as u64;

pub(crate) struct EventStream {
    access: Access,
    live: EventSubscription,
    filter: Filter,
    sight: Sight,
    phase: Phase,
    /// The newest event that was read from history.
    replayed_to: u64,
    /// Whether history was read and nothing live has come since.
    catching_up: bool,
    heartbeat: Interval,
    _place: OwnedSemaphorePermit,
}

#[derive(Clone, Copy)]
enum Phase {
    /// Nothing was sent yet; history begins after the given event.
    Opening(Option<u64>),
    /// History is being read; the first page still has to prove that it joins on.
    Replaying {
        after: u64,
        claimed: bool,
    },
    Live,
    Ended,
}

/// Stored events, and after which one they begin; `None` when the client's is not of this history.
struct HistoryPage {
    after: Option<u64>,
    /// How many events in between history no longer has, of whomever they were.
    forgotten: u64,
    events: Vec<EventRecord>,
}

enum Next {
    Event(Arc<EventRecord>),
    Missed(u64),
    Beat,
    Over,
}

impl EventStream {
    pub(crate) fn open(
        access: Access,
        filter: Filter,
        after: Option<u64>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let period = access.app.config.heartbeat;
        let mut heartbeat = interval_at(Instant::now() + period, period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            live: access.runtime().subscribe(),
            access,
            filter,
            sight: Sight::default(),
            phase: Phase::Opening(after),
            replayed_to: 0,
            catching_up: after.is_some(),
            heartbeat,
            _place: place,
        }
    }

    /// Returns the next bytes for the client, `None` at the end of the stream.
    pub(crate) async fn next_chunk(&mut self) -> Option<Bytes> {
        loop {
            let chunk = match self.phase {
                Phase::Opening(after) => {
                    self.phase = match after {
                        Some(after) => {
                            Phase::Replaying { after: after.min(HIGHEST), claimed: true }
                        }
                        None => Phase::Live,
                    };
                    Some(comment("connected"))
                }
                Phase::Replaying { after, claimed } => self.replay(after, claimed).await,
                Phase::Live => self.follow().await,
                Phase::Ended => return None,
            };
            if chunk.is_some() {
                return chunk;
            }
        }
    }

    /// Sends the next page of history, `None` when there is nothing to say.
    async fn replay(&mut self, after: u64, claimed: bool) -> Option<Bytes> {
        // A store in memory answers at once; others shall have their turn too.
        tokio::task::yield_now().await;
        let stop = self.access.app.stop.clone();
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => return Some(self.end("shutdown")),
            page = self.page(after, claimed) => page,
        };
        match page {
            Ok(page) => self.send(&page).await,
            Err(error) => {
                tracing::warn!(code = %error.code(), %error, "stored events can't be read");
                Some(self.end("the store does not answer; connect again later"))
            }
        }
    }

    /// Reads a page; also finds out whether the client's event is one of this history.
    ///
    /// After a restart on a store that forgets, a client comes with a number
    /// that is higher than all that exist: it gets everything there is.
    async fn page(&self, after: u64, claimed: bool) -> runcor_core::Result<HistoryPage> {
        let (seen, whole) = (self.access.runtime(), self.access.app.runtime());
        let events = seen.events(after, PAGE).await?;
        let is_known = !events.is_empty() || !claimed || after == 0;
        if !is_known && whole.events(after - 1, 1).await?.is_empty() {
            let events = seen.events(0, PAGE).await?;
            return Ok(HistoryPage { after: None, forgotten: 0, events });
        }
        let first = if self.access.is_of_a_tenant() {
            whole.events(after, 1).await?.first().map(|record| record.seq)
        } else {
            events.first().map(|record| record.seq)
        };
        let forgotten = first.map_or(0, |first| first.saturating_sub(after + 1));
        Ok(HistoryPage { after: Some(after), forgotten, events })
    }

    /// How many events a client may be told to have missed. Zero, which is
    /// nobody knows how many, for tenants: most are likely to be of others.
    fn told(&self, missed: u64) -> u64 {
        if self.access.is_of_a_tenant() { 0 } else { missed }
    }

    async fn send(&mut self, page: &HistoryPage) -> Option<Bytes> {
        let mut out = Vec::new();
        match page {
            HistoryPage { after: None, events, .. } if !events.is_empty() => {
                gap(&mut out, 0, GapReason::UnknownId);
            }
            HistoryPage { forgotten: 0, .. } => {}
            page => gap(&mut out, self.told(page.forgotten), GapReason::Forgotten),
        }
        let Some(last) = page.events.last() else {
            // Whether the present joins on is known only if the client's event is.
            self.replayed_to = page.after.unwrap_or(0);
            self.catching_up = page.after.is_some();
            self.phase = Phase::Live;
            return (!out.is_empty()).then(|| Bytes::from(out));
        };
        for record in page.events.iter().filter(|record| self.filter.passes(&record.event)) {
            if self.sight.sees(&self.access, &record.event).await {
                push_event(&mut out, record);
            }
        }
        self.replayed_to = last.seq;
        self.phase = Phase::Replaying { after: last.seq, claimed: false };
        (!out.is_empty()).then(|| Bytes::from(out))
    }

    /// Sends what happens now, `None` for what is not meant for this client.
    async fn follow(&mut self) -> Option<Bytes> {
        match self.next().await {
            Next::Beat => Some(comment("ping")),
            Next::Over => Some(self.end("shutdown")),
            Next::Missed(_) if self.catching_up => {
                // It happened while history was read, so history has it.
                self.phase = Phase::Replaying { after: self.replayed_to, claimed: false };
                None
            }
            Next::Missed(missed) => {
                let mut out = Vec::new();
                gap(&mut out, self.told(missed), GapReason::Lagged);
                Some(Bytes::from(out))
            }
            Next::Event(record) => {
                if record.seq <= self.replayed_to {
                    return None;
                }
                self.catching_up = false;
                let event = &record.event;
                if !self.filter.passes(event) || !self.sight.sees(&self.access, event).await {
                    return None;
                }
                let mut out = Vec::with_capacity(256);
                push_event(&mut out, &record);
                (!out.is_empty()).then(|| Bytes::from(out))
            }
        }
    }

    async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            () = self.access.app.stop.cancelled() => Next::Over,
            _ = self.heartbeat.tick() => Next::Beat,
            heard = self.live.next() => match heard {
                Ok(Some(record)) => Next::Event(record),
                Ok(None) => Next::Over,
                Err(EventGap { missed }) => Next::Missed(missed),
            },
        }
    }

    fn end(&mut self, why: &str) -> Bytes {
        self.phase = Phase::Ended;
        comment(why)
    }
}
