//! Queues: whatever is due some time, ordered by when and then by creation.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};

use runcor_core::{FlowName, Timestamp};

use crate::groups::Groups;
use crate::record::{Place, Queue};

/// When something is due, and its creation number.
type Due = (Timestamp, u64);

/// Every queue of the store.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Queues {
    /// By flow, so that a backlog of one flow costs the others nothing.
    ready: Groups<FlowName, Due>,
    retries: BTreeSet<Due>,
    waits: BTreeSet<Due>,
    expiries: BTreeSet<Due>,
}

impl Queues {
    pub(crate) fn insert(&mut self, flow: &FlowName, place: Place, number: u64) {
        let due = (place.at, number);
        match self.plain(place.queue) {
            Some(queue) => {
                queue.insert(due);
            }
            None => self.ready.insert(flow, due),
        }
    }

    pub(crate) fn remove(&mut self, flow: &FlowName, place: Place, number: u64) {
        let due = (place.at, number);
        match self.plain(place.queue) {
            Some(queue) => {
                queue.remove(&due);
            }
            None => self.ready.remove(flow, &due),
        }
    }

    fn plain(&mut self, queue: Queue) -> Option<&mut BTreeSet<Due>> {
        match queue {
            Queue::Ready => None,
            Queue::Retry => Some(&mut self.retries),
            Queue::Wait => Some(&mut self.waits),
            Queue::Expiry => Some(&mut self.expiries),
        }
    }

    /// Returns what of `flows` may be claimed, oldest due first, at most `limit`.
    pub(crate) fn claimable(&self, flows: &[FlowName], now: Timestamp, limit: usize) -> Vec<u64> {
        let flows: HashSet<&FlowName> = flows.iter().collect();
        let mut lanes: Vec<_> = flows
            .into_iter()
            .filter_map(|flow| self.ready.get(flow))
            .map(|lane| lane.range(..=(now, u64::MAX)))
            .collect();
        let mut heads: BinaryHeap<Reverse<(Due, usize)>> = lanes
            .iter_mut()
            .enumerate()
            .filter_map(|(lane, dues)| dues.next().map(|due| Reverse((*due, lane))))
            .collect();
        let mut picked = Vec::new();
        while picked.len() < limit
            && let Some(Reverse(((_, number), lane))) = heads.pop()
        {
            picked.push(number);
            let next = lanes.get_mut(lane).and_then(Iterator::next);
            heads.extend(next.map(|due| Reverse((*due, lane))));
        }
        picked
    }

    /// Returns the waits that are due at `now`, most overdue first.
    pub(crate) fn due_waits(&self, now: Timestamp) -> impl Iterator<Item = u64> {
        self.waits.range(..=(now, u64::MAX)).map(|(_, number)| *number)
    }

    /// Returns what may be swept away at `now`, most overdue first.
    pub(crate) fn expired(&self, now: Timestamp, limit: usize) -> Vec<u64> {
        self.expiries.range(..=(now, u64::MAX)).take(limit).map(|(_, number)| *number).collect()
    }

    /// Returns the earliest instant in any queue strictly after `now`.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let plain = [&self.retries, &self.waits, &self.expiries];
        let later = (Excluded((now, u64::MAX)), Unbounded);
        let queues = self.ready.sets().chain(plain);
        queues.filter_map(|queue| queue.range(later).next()).map(|(at, _)| *at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues(dues: &[(&str, i64, u64)]) -> Queues {
        let mut queues = Queues::default();
        for (flow, at, number) in dues {
            let at = Timestamp::from_millis(*at);
            let flow = FlowName::new(flow).unwrap();
            queues.insert(&flow, Place { queue: Queue::Ready, at }, *number);
        }
        queues
    }

    fn flows(names: &[&str]) -> Vec<FlowName> {
        names.iter().map(|name| FlowName::new(name).unwrap()).collect()
    }

    #[test]
    fn the_lanes_of_flows_are_merged_by_due_and_then_by_creation() {
        let queues = queues(&[("a", 5, 1), ("b", 3, 2), ("a", 3, 3), ("c", 1, 4), ("b", 9, 5)]);
        let now = Timestamp::from_millis(8);
        assert_eq!(queues.claimable(&flows(&["a", "b", "a"]), now, 10), [2, 3, 1]);
        assert_eq!(queues.claimable(&flows(&["a", "b"]), now, 2), [2, 3]);
        assert_eq!(queues.claimable(&flows(&["d"]), now, 2), [0; 0]);
        assert_eq!(queues.next_due(now), Some(Timestamp::from_millis(9)));
        assert_eq!(queues.next_due(Timestamp::from_millis(9)), None);
    }
}
