//! The plan of faults: by number, as an outage, or by what a test decides.

use std::collections::BTreeMap;

use runcor_core::StoreError;

use super::fate::{Fate, StoreCall};

pub(super) type Decide = Box<dyn FnMut(&StoreCall<'_>) -> Fate + Send>;

#[derive(Default)]
pub(super) struct Plan {
    pub(super) commits: u64,
    pub(super) before: BTreeMap<u64, StoreError>,
    pub(super) after: BTreeMap<u64, StoreError>,
    pub(super) outage: Option<StoreError>,
    pub(super) decide: Option<Decide>,
}

impl Plan {
    /// Counts a call and says what becomes of it.
    ///
    /// What was planned by number comes before an outage, and that before what
    /// the test decides.
    pub(super) fn meet(&mut self, call: &StoreCall<'_>) -> Fate {
        if matches!(call, StoreCall::Commit(_)) {
            self.commits += 1;
            if let Some(error) = self.before.remove(&self.commits) {
                return Fate::Refuse(error);
            }
        }
        if let Some(error) = self.outage.clone()
            && !matches!(call, StoreCall::Read(_))
        {
            return Fate::Refuse(error);
        }
        if matches!(call, StoreCall::Commit(_))
            && let Some(error) = self.after.remove(&self.commits)
        {
            return Fate::Lose(error);
        }
        self.decide.as_mut().map_or(Fate::Pass, |decide| decide(call))
    }
}
