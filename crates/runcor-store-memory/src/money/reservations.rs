//! Reservations: what is set aside for requests under way, by identity and by when they lapse.

use std::collections::BTreeSet;

use runcor_core::{AttemptId, Reservation, Timestamp};

use crate::index::Index;

/// A reservation and the accounts that it holds money of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) reservation: Box<Reservation>,
    /// The slots of its accounts, in the order of its holds.
    pub(crate) slots: Vec<u32>,
}

/// Every reservation.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    held: Index<AttemptId, Held>,
    lapses: BTreeSet<(Timestamp, AttemptId)>,
}

impl PartialEq for Reservations {
    /// The slots of accounts may differ.
    fn eq(&self, other: &Self) -> bool {
        let get = |reservations: &Self, id| reservations.get(id).map(|h| h.reservation.clone());
        self.lapses == other.lapses
            && self.lapses.iter().all(|(_, id)| get(self, *id) == get(other, *id))
    }
}

impl Reservations {
    pub(crate) fn get(&self, id: AttemptId) -> Option<&Held> {
        self.held.find(id)
    }

    pub(crate) fn put(&mut self, held: Held) {
        let (id, lapses) = (held.reservation.id(), held.reservation.lapses);
        self.lapses.insert((lapses, id));
        self.held.insert(id, held);
    }

    pub(crate) fn take(&mut self, id: AttemptId) -> Option<Held> {
        let held = self.held.remove(id)?;
        self.lapses.remove(&(held.reservation.lapses, id));
        Some(held)
    }

    /// Returns what has lapsed by `now`, the earliest first.
    pub(crate) fn lapsed(&self, now: Timestamp, limit: usize) -> Vec<AttemptId> {
        let lapsed = self.lapses.iter().take_while(|(at, _)| *at <= now);
        lapsed.take(limit).map(|(_, id)| *id).collect()
    }
}
