//! The event log: a ring of the newest events, numbered without a gap.

use std::collections::VecDeque;

use runcor_core::{Event, EventFeed, EventRecord};

/// How many events are kept for those who come late.
pub(crate) const KEPT: usize = 10_000;

/// The newest events and the number of the newest.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EventLog {
    last: u64,
    ring: VecDeque<EventRecord>,
}

impl EventLog {
    /// Numbers, keeps and publishes events; the caller holds the lock, and so the order.
    pub(crate) fn append(&mut self, events: impl IntoIterator<Item = Event>, feed: &EventFeed) {
        // Asked once: it takes a lock.
        let has_listeners = feed.has_listeners();
        for event in events {
            self.last += 1;
            let record = EventRecord { seq: self.last, event };
            if has_listeners {
                feed.publish(record.clone());
            }
            if self.ring.len() == KEPT {
                self.ring.pop_front();
            }
            self.ring.push_back(record);
        }
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Returns kept events above `after`, oldest first.
    pub(crate) fn after(&self, after: u64, limit: usize) -> Vec<EventRecord> {
        let first = self.ring.front().map_or(1, |record| record.seq);
        let skipped = after.saturating_add(1).saturating_sub(first);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        self.ring.iter().skip(skipped).take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_events_are_forgotten_and_the_numbers_show_it() {
        let mut log = EventLog::default();
        let extra = 25;
        log.append(std::iter::repeat_n(Event::Ready, KEPT + extra), &EventFeed::new());
        assert_eq!(log.last(), (KEPT + extra) as u64);
        let all = log.after(0, usize::MAX);
        assert_eq!(all.len(), KEPT);
        assert_eq!(all[0].seq, extra as u64 + 1);
        assert_eq!(log.after(30, 1)[0].seq, 31);
        assert!(log.after(log.last(), 10).is_empty());
        assert!(log.after(u64::MAX, 10).is_empty());
    }
}
