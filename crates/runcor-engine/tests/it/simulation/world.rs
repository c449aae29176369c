//! The world of a history: what outlives every power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use runcor_core::{ExecutionId, ManualClock};
use runcor_store_memory::MemoryStore;
use runcor_testkit::LossyStore;

use super::chance::Chance;

/// Everything about a history.
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) clock: ManualClock,
    pub(crate) store: LossyStore,
    /// How often each outside effect was caused, by its idempotency key.
    pub(crate) effects: Effects,
    /// The execution that each acknowledged key stands for.
    pub(crate) accepted: BTreeMap<String, ExecutionId>,
    /// Forks that were acknowledged.
    pub(crate) forks: BTreeSet<ExecutionId>,
    /// Executions whose cancel was acknowledged.
    pub(crate) cancelled: BTreeSet<ExecutionId>,
    /// Effects whose results have survived a power cut, and how often they had been caused.
    pub(crate) remembered: BTreeMap<String, usize>,
    pub(crate) totals: Totals,
}

/// A log of outside effects.
pub(crate) type Effects = Arc<Mutex<BTreeMap<String, usize>>>;

/// What has happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) accepted: usize,
    pub(crate) power_cuts: usize,
    pub(crate) effects: usize,
    pub(crate) effects_twice: usize,
    pub(crate) complete: usize,
    pub(crate) failed: usize,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            clock: ManualClock::new(),
            store: LossyStore::new(seed, || Arc::new(MemoryStore::new())),
            effects: Effects::default(),
            accepted: BTreeMap::new(),
            forks: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            remembered: BTreeMap::new(),
            totals: Totals::default(),
        }
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.power_cuts += other.power_cuts;
        self.effects += other.effects;
        self.effects_twice += other.effects_twice;
        self.complete += other.complete;
        self.failed += other.failed;
    }

    /// A simulation in which nothing happens proves nothing.
    pub(crate) fn check_that_enough_happened(&self, histories: u64) {
        if histories >= 100 {
            assert!(self.accepted > 500 && self.power_cuts > 50, "{self:?}");
            assert!(self.effects_twice > 0 && self.failed > 0 && self.complete > 0, "{self:?}");
        }
    }
}
