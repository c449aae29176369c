//! Rate limits: a window for each counter, and when it counts nothing any more.

use std::collections::BTreeSet;
use std::time::Duration;

use runcor_core::{RateKey, RateRefusal, RateTake, RateWindow, Timestamp};

use crate::keyed::Keyed;

/// The window of one counter.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    window: RateWindow,
    length: Duration,
    /// Under which instant it stands among the ends; it may have moved on since.
    noted: Timestamp,
}

impl PartialEq for Counter {
    fn eq(&self, other: &Self) -> bool {
        (&self.window, self.length) == (&other.window, other.length)
    }
}

/// Every counter.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    counters: Keyed<RateKey, Counter>,
    ends: BTreeSet<(Timestamp, u32)>,
}

impl PartialEq for Rates {
    fn eq(&self, other: &Self) -> bool {
        self.counters == other.counters
    }
}

/// How a step is taken back.
#[derive(Debug)]
pub(crate) enum RateUndo {
    Opened(u32),
    Window(u32, RateWindow, Duration),
    Forgotten(u32, Box<(RateKey, Counter)>),
}

impl Rates {
    /// Lets one through or books its turn; returns the turn, and how it is taken back.
    pub(crate) fn take(
        &mut self,
        wish: &RateTake,
    ) -> Result<(Timestamp, RateUndo), Box<RateRefusal>> {
        let found = self.counters.find(&wish.key);
        if let Some((slot, counter)) =
            found.and_then(|slot| Some((slot, self.counters.get_mut(slot)?)))
        {
            let mut window = counter.window.clone();
            let turn = window.take(wish)?;
            let former = std::mem::replace(&mut counter.window, window);
            let length = std::mem::replace(&mut counter.length, wish.window);
            self.note(slot);
            return Ok((turn, RateUndo::Window(slot, former, length)));
        }
        let mut window = RateWindow::default();
        let turn = window.take(wish)?;
        let noted = window.expires(wish.window).unwrap_or(turn);
        let slot =
            self.counters.add(wish.key.clone(), Counter { window, length: wish.window, noted });
        self.ends.insert((noted, slot));
        Ok((turn, RateUndo::Opened(slot)))
    }

    /// Forgets counters that count nothing any more.
    pub(crate) fn expire(&mut self, now: Timestamp, limit: usize) -> Vec<RateUndo> {
        let mut forgotten = Vec::new();
        while forgotten.len() < limit
            && let Some(&(at, slot)) = self.ends.first()
            && at <= now
        {
            self.ends.remove(&(at, slot));
            let Some(counter) = self.counters.get_mut(slot) else { continue };
            match counter.window.expires(counter.length) {
                // It was used since; it has its turn among the others at its real end.
                Some(end) if end > at => {
                    counter.noted = end;
                    self.ends.insert((end, slot));
                }
                _ => forgotten
                    .extend(self.counters.take(slot).map(|pair| RateUndo::Forgotten(slot, pair))),
            }
        }
        forgotten
    }

    pub(crate) fn undo(&mut self, undo: RateUndo) {
        match undo {
            RateUndo::Opened(slot) => {
                if let Some(pair) = self.counters.take(slot) {
                    self.ends.remove(&(pair.1.noted, slot));
                }
            }
            RateUndo::Window(slot, window, length) => {
                if let Some(counter) = self.counters.get_mut(slot) {
                    (counter.window, counter.length) = (window, length);
                }
                self.note(slot);
            }
            RateUndo::Forgotten(slot, pair) => {
                self.ends.insert((pair.1.noted, slot));
                self.counters.put(slot, pair);
            }
        }
    }

    /// Sees to it that a counter is looked at no later than at its end.
    fn note(&mut self, slot: u32) {
        let Some(counter) = self.counters.get_mut(slot) else { return };
        let end = counter.window.expires(counter.length).unwrap_or(counter.noted);
        if end < counter.noted {
            self.ends.remove(&(counter.noted, slot));
            self.ends.insert((end, slot));
            counter.noted = end;
        }
    }
}
