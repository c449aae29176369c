//! Workers: their leases, and what each of them holds.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use runcor_core::{Timestamp, WorkerId};

use crate::groups::Groups;

/// The lease table and the index of what workers hold.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Workers {
    leases: HashMap<WorkerId, Lease>,
    /// When live leases end.
    ends: BTreeSet<(Timestamp, WorkerId)>,
    /// Those that are gone and still have a row.
    gone: BTreeSet<WorkerId>,
    held: Groups<WorkerId, u64>,
}

/// A worker's promise to be alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) until: Timestamp,
    /// The worker is known to be gone; the row stays as long as it holds anything.
    pub(crate) gone: bool,
}

/// When a worker that never had a lease was last alive.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

impl Workers {
    /// Returns since when the worker is gone; `None` while it is taken to be alive.
    pub(crate) fn gone_since(&self, worker: WorkerId) -> Option<Timestamp> {
        match self.leases.get(&worker) {
            None => Some(NEVER),
            Some(lease) => lease.gone.then_some(lease.until),
        }
    }

    pub(crate) fn lease(&self, worker: WorkerId) -> Option<Lease> {
        self.leases.get(&worker).copied()
    }

    /// Sets or removes a lease and returns the former one.
    pub(crate) fn set_lease(&mut self, worker: WorkerId, lease: Option<Lease>) -> Option<Lease> {
        let former = match lease {
            Some(lease) => self.leases.insert(worker, lease),
            None => self.leases.remove(&worker),
        };
        if let Some(former) = former {
            self.ends.remove(&(former.until, worker));
            self.gone.remove(&worker);
        }
        match lease {
            Some(lease) if lease.gone => {
                self.gone.insert(worker);
            }
            Some(lease) => {
                self.ends.insert((lease.until, worker));
            }
            None => {}
        }
        former
    }

    /// Returns the worker whose live lease ended first, if it has ended by `now`.
    pub(crate) fn first_ended(&self, now: Timestamp) -> Option<(Timestamp, WorkerId)> {
        self.ends.first().copied().filter(|(until, _)| *until <= now)
    }

    /// Returns when the next lease under which anything is held ends, strictly after `now`.
    pub(crate) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let last = WorkerId::from_bytes([0xff; 16]);
        let mut later = self.ends.range((Excluded((now, last)), Unbounded));
        later.find(|(_, worker)| self.held.get(worker).is_some()).map(|(until, _)| *until)
    }

    pub(crate) fn hold(&mut self, worker: WorkerId, number: u64) {
        self.held.insert(&worker, number);
    }

    pub(crate) fn let_go(&mut self, worker: WorkerId, number: u64) {
        self.held.remove(&worker, &number);
    }

    /// Drops the rows of workers that are gone and hold nothing any more.
    pub(crate) fn forget_idle(&mut self) {
        let Self { leases, gone, held, .. } = self;
        gone.retain(|worker| {
            let holds = held.get(worker).is_some();
            if !holds {
                leases.remove(worker);
            }
            holds
        });
    }

    /// Returns what a worker holds.
    pub(crate) fn held_by(&self, worker: WorkerId) -> Vec<u64> {
        self.held.get(&worker).map(|held| held.iter().copied().collect()).unwrap_or_default()
    }
}
