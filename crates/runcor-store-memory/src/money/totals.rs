//! Totals of the ledger, put together from what is rolled up.

use std::collections::HashMap;

use runcor_core::{LedgerDimension, LedgerFilter, LedgerTotal, Timestamp};

use super::buckets::{Bucket, DAY, HOUR, is_empty};
use super::groups::{Group, Wanted, column};
use super::ledger::Ledger;
use super::range::Pieces;

/// By what totals are told apart: a slot of a value, a day, or nothing.
type Name = i64;

/// Totals under way.
struct Sum<'a> {
    ledger: &'a Ledger,
    by: Option<LedgerDimension>,
    wanted: Wanted,
    /// The groups that are wanted, when they are fewer than all.
    groups: Option<Vec<u32>>,
    totals: HashMap<Name, LedgerTotal>,
}

impl Ledger {
    /// Returns one total, or one for each value of a dimension, the highest cost first.
    pub(crate) fn totals(
        &self,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
    ) -> Vec<LedgerTotal> {
        let mut totals = match self.groups.wanted(filter) {
            None => Vec::new(),
            Some(wanted) => Sum::new(self, by, wanted).add_up(filter),
        };
        if by.is_none() && totals.is_empty() {
            totals.push(LedgerTotal::default());
        }
        totals.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
        totals
    }
}

impl<'a> Sum<'a> {
    fn new(ledger: &'a Ledger, by: Option<LedgerDimension>, wanted: Wanted) -> Self {
        let values = ledger.groups.wanted_values(wanted);
        let narrowest = values.map(|value| &value.groups).min_by_key(|groups| groups.len());
        let groups = narrowest.map(|groups| {
            let has = |slot: &u32| ledger.groups.group(*slot).is_some_and(|g| g.has(&wanted));
            groups.iter().copied().filter(has).collect()
        });
        Self { ledger, by, wanted, groups, totals: HashMap::new() }
    }

    fn add_up(mut self, filter: &LedgerFilter) -> Vec<LedgerTotal> {
        let is_open = filter.from.is_none() && filter.to.is_none();
        if let Some(id) = filter.execution {
            let rows = self.ledger.executions.find(id);
            self.rows(rows.into_iter().flatten(), filter);
        } else if is_open && self.by != Some(LedgerDimension::Day) {
            self.all_time();
        } else {
            self.pieces(&Pieces::of(filter), filter);
        }
        let Self { ledger, by, totals, .. } = self;
        let named = totals.into_iter().filter(|(_, total)| !is_empty(total));
        named.map(|(name, total)| LedgerTotal { name: text(ledger, by, name), ..total }).collect()
    }

    fn all_time(&mut self) {
        let ledger = self.ledger;
        match (&self.groups, self.by.and_then(column)) {
            (None, None) => self.merge(0, &ledger.groups.whole),
            (None, Some(by)) => {
                for (slot, (_, value)) in ledger.groups.values_of(by) {
                    self.merge(i64::from(slot), &value.total);
                }
            }
            (Some(groups), _) => {
                for slot in groups.clone() {
                    if let Some(group) = ledger.groups.group(slot) {
                        self.merge(self.name(group, 0), &group.total);
                    }
                }
            }
        }
    }

    fn pieces(&mut self, pieces: &Pieces, filter: &LedgerFilter) {
        let buckets = &self.ledger.buckets;
        for days in &pieces.days {
            for (day, bucket) in buckets.days.range(days.clone()) {
                self.bucket(*day, bucket);
            }
        }
        for hours in &pieces.hours {
            for (number, hour) in buckets.hours.range(hours.clone()) {
                self.bucket((number * HOUR).div_euclid(DAY), &hour.bucket);
            }
        }
        for part in &pieces.parts {
            let (first, last) = (part.start().div_euclid(HOUR), part.end().div_euclid(HOUR));
            let hours = buckets.hours.range(first..=last);
            let within = LedgerFilter {
                from: Some(Timestamp::from_millis(*part.start())),
                to: Some(Timestamp::from_millis(*part.end())),
                ..filter.clone()
            };
            for (_, hour) in hours {
                self.rows(hour.rows.iter(), &within);
            }
        }
    }

    fn bucket(&mut self, day: i64, bucket: &Bucket) {
        let ledger = self.ledger;
        match &self.groups {
            None if self.by.and_then(column).is_none() => self.merge(self.day(day), &bucket.whole),
            Some(groups) if groups.len() < bucket.groups.len() => {
                for slot in groups.clone() {
                    if let (Some(group), Some(total)) =
                        (ledger.groups.group(slot), bucket.groups.get(&slot))
                    {
                        self.merge(self.name(group, day), total);
                    }
                }
            }
            _ => {
                for (slot, total) in &bucket.groups {
                    if let Some(group) = ledger.groups.group(*slot)
                        && group.has(&self.wanted)
                    {
                        self.merge(self.name(group, day), total);
                    }
                }
            }
        }
    }

    fn rows<'r>(&mut self, numbers: impl Iterator<Item = &'r u64>, filter: &LedgerFilter) {
        let ledger = self.ledger;
        for row in numbers.filter_map(|number| ledger.row(*number)) {
            if filter.fits(&row.entry)
                && let Some(group) = ledger.groups.group(row.group)
            {
                let day = row.entry.timestamp.as_millis().div_euclid(DAY);
                self.totals.entry(self.name(group, day)).or_default().add(&row.entry);
            }
        }
    }

    fn merge(&mut self, name: Name, total: &LedgerTotal) {
        self.totals.entry(name).or_default().merge(total);
    }

    fn name(&self, group: &Group, day: i64) -> Name {
        let value = self.by.and_then(column).and_then(|by| group.values.get(by));
        value.map_or_else(|| self.day(day), |slot| i64::from(*slot))
    }

    fn day(&self, day: i64) -> Name {
        if self.by == Some(LedgerDimension::Day) { day } else { 0 }
    }
}

fn text(ledger: &Ledger, by: Option<LedgerDimension>, name: Name) -> Option<String> {
    match column(by?) {
        None => {
            let day = Timestamp::from_millis(name.saturating_mul(DAY)).to_string();
            Some(day.split('T').next().unwrap_or_default().to_owned())
        }
        Some(by) => {
            let (name, _) = ledger.groups.value(by, u32::try_from(name).ok()?)?;
            name.as_deref().map(str::to_owned)
        }
    }
}
