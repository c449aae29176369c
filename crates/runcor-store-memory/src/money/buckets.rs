//! Rolled-up totals by day and by hour.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use runcor_core::{AttemptOutcome, LedgerEntry, LedgerTotal};

use crate::index::Kept;

pub(super) const HOUR: i64 = 3_600_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// What the rows of one day or one hour add up to, altogether and by group.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Bucket {
    pub(super) whole: LedgerTotal,
    pub(super) groups: HashMap<u32, LedgerTotal, BuildHasherDefault<Kept>>,
}

/// An hour, and its rows as far as they are kept.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Hour {
    pub(super) bucket: Bucket,
    pub(super) rows: VecDeque<u64>,
}

/// All days and hours, by their number since the Unix epoch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Buckets {
    pub(super) days: BTreeMap<i64, Bucket>,
    pub(super) hours: BTreeMap<i64, Hour>,
}

impl Buckets {
    pub(super) fn add(&mut self, number: u64, group: u32, entry: &LedgerEntry) {
        let (day, hour) = place(entry);
        self.days.entry(day).or_default().add(group, entry);
        let hour = self.hours.entry(hour).or_default();
        hour.bucket.add(group, entry);
        hour.rows.push_back(number);
    }

    /// Takes the newest row back.
    pub(super) fn unadd(&mut self, group: u32, entry: &LedgerEntry) {
        let (day, hour) = place(entry);
        if let Some(bucket) = self.days.get_mut(&day) {
            bucket.subtract(group, entry);
            if bucket.groups.is_empty() {
                self.days.remove(&day);
            }
        }
        if let Some(found) = self.hours.get_mut(&hour) {
            found.bucket.subtract(group, entry);
            found.rows.pop_back();
            if found.bucket.groups.is_empty() {
                self.hours.remove(&hour);
            }
        }
    }

    /// Forgets the oldest row, which stays in the totals.
    pub(super) fn forget(&mut self, entry: &LedgerEntry) {
        if let Some(hour) = self.hours.get_mut(&place(entry).1) {
            hour.rows.pop_front();
        }
    }

    /// Remembers the oldest row again.
    pub(super) fn remember(&mut self, number: u64, entry: &LedgerEntry) {
        if let Some(hour) = self.hours.get_mut(&place(entry).1) {
            hour.rows.push_front(number);
        }
    }
}

impl Bucket {
    fn add(&mut self, group: u32, entry: &LedgerEntry) {
        self.whole.add(entry);
        self.groups.entry(group).or_default().add(entry);
    }

    fn subtract(&mut self, group: u32, entry: &LedgerEntry) {
        subtract(&mut self.whole, entry);
        if let Some(total) = self.groups.get_mut(&group) {
            subtract(total, entry);
            if is_empty(total) {
                self.groups.remove(&group);
            }
        }
    }
}

/// Takes a row back that was added to a total.
pub(super) fn subtract(total: &mut LedgerTotal, entry: &LedgerEntry) {
    let usage = &entry.usage;
    if entry.outcome == AttemptOutcome::Replayed {
        total.replayed -= 1;
        total.saved_tokens -= usage.prompt_tokens + usage.completion_tokens;
        return;
    }
    total.cost -= entry.cost;
    total.count -= 1;
    total.unpriced -= u64::from(entry.unpriced);
    total.prompt_tokens -= usage.prompt_tokens;
    total.completion_tokens -= usage.completion_tokens;
    total.cached_tokens -= usage.cached_tokens;
    total.reasoning_tokens -= usage.reasoning_tokens;
}

/// Returns whether no row was added to a total.
pub(super) fn is_empty(total: &LedgerTotal) -> bool {
    total.count == 0 && total.replayed == 0
}

/// Returns the day and the hour of a row.
fn place(entry: &LedgerEntry) -> (i64, i64) {
    let at = entry.timestamp.as_millis();
    (at.div_euclid(DAY), at.div_euclid(HOUR))
}
