//! Groups: rows of the ledger that have flow, user, tenant, provider and model in common.

use std::collections::VecDeque;
use std::sync::Arc;

use runcor_core::{
    FlowName, LedgerDimension, LedgerEntry, LedgerFilter, LedgerTotal, TenantId, UserId,
};

use super::buckets::{is_empty, subtract};
use crate::keyed::Keyed;

/// How many dimensions a group has.
const WIDTH: usize = 5;

/// What the rows of a group have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    flow: FlowName,
    user: Option<UserId>,
    tenant: Option<TenantId>,
    provider: Box<str>,
    model: Box<str>,
}

/// A group: the slots of its values, one for each dimension, and the total.
#[derive(Debug, PartialEq)]
pub(super) struct Group {
    pub(super) values: [u32; WIDTH],
    pub(super) total: LedgerTotal,
}

/// One value of a dimension: a flow, a user…
#[derive(Debug, Default, PartialEq)]
pub(super) struct Value {
    pub(super) total: LedgerTotal,
    /// The groups that have it.
    pub(super) groups: Vec<u32>,
    /// Its rows as far as they are kept.
    pub(super) rows: VecDeque<u64>,
}

type Name = Option<Arc<str>>;

/// All groups and values.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) whole: LedgerTotal,
    groups: Keyed<GroupKey, Group>,
    values: [Keyed<Name, Value>; WIDTH],
}

impl PartialEq for Groups {
    /// Groups are equal when they add up to the same; their slots may differ.
    fn eq(&self, other: &Self) -> bool {
        let same = |(key, group): &(GroupKey, Group)| {
            let found = other.groups.find(key).and_then(|slot| other.groups.get(slot));
            found.is_some_and(|(_, other)| other.total == group.total)
        };
        self.whole == other.whole
            && self.groups.pairs().count() == other.groups.pairs().count()
            && self.groups.pairs().all(same)
    }
}

/// The slots of the values that a filter wants, by dimension.
pub(super) type Wanted = [Option<u32>; WIDTH];

impl Groups {
    /// Adds a row; returns its group.
    pub(super) fn add(&mut self, number: u64, entry: &LedgerEntry) -> u32 {
        let slot = self.find(entry).unwrap_or_else(|| self.open(entry));
        self.whole.add(entry);
        let Some(group) = self.groups.get_mut(slot) else { return slot };
        group.total.add(entry);
        for (values, value) in self.values.iter_mut().zip(group.values) {
            if let Some(value) = values.get_mut(value) {
                value.total.add(entry);
                value.rows.push_back(number);
            }
        }
        slot
    }

    /// Takes the newest row back.
    pub(super) fn unadd(&mut self, slot: u32, entry: &LedgerEntry) {
        subtract(&mut self.whole, entry);
        let Some(group) = self.groups.get_mut(slot) else { return };
        subtract(&mut group.total, entry);
        let (values, is_empty) = (group.values, is_empty(&group.total));
        self.each(values, |value| {
            subtract(&mut value.total, entry);
            value.rows.pop_back();
        });
        if is_empty {
            self.close(slot, values);
        }
    }

    /// Forgets the oldest row, which stays in the totals.
    pub(super) fn forget(&mut self, slot: u32) {
        let values = self.groups.get(slot).map(|(_, group)| group.values);
        self.each(values.unwrap_or_default(), |value| {
            value.rows.pop_front();
        });
    }

    /// Remembers the oldest row again.
    pub(super) fn remember(&mut self, number: u64, slot: u32) {
        let values = self.groups.get(slot).map(|(_, group)| group.values);
        self.each(values.unwrap_or_default(), |value| value.rows.push_front(number));
    }

    /// Finds the values that a filter wants; `None` when there is one that no row has.
    pub(super) fn wanted(&self, filter: &LedgerFilter) -> Option<Wanted> {
        let names = [
            filter.flow.as_ref().map(FlowName::as_str),
            filter.user.as_ref().map(UserId::as_str),
            filter.tenant.as_ref().map(TenantId::as_str),
            filter.provider.as_deref(),
            filter.model.as_deref(),
        ];
        let mut wanted = Wanted::default();
        for ((wanted, name), values) in wanted.iter_mut().zip(names).zip(&self.values) {
            if let Some(name) = name {
                *wanted =
                    Some(values.find_by(&Some(name), |other| other.as_deref() == Some(name))?);
            }
        }
        Some(wanted)
    }

    pub(super) fn group(&self, slot: u32) -> Option<&Group> {
        self.groups.get(slot).map(|(_, group)| group)
    }

    /// Returns every value of a dimension with its slot.
    pub(super) fn values_of(&self, by: usize) -> impl Iterator<Item = (u32, &(Name, Value))> {
        self.values.get(by).into_iter().flat_map(Keyed::slots)
    }

    pub(super) fn value(&self, by: usize, slot: u32) -> Option<&(Name, Value)> {
        self.values.get(by)?.get(slot)
    }

    /// Returns the wanted values, one for each dimension that has one.
    pub(super) fn wanted_values(&self, wanted: Wanted) -> impl Iterator<Item = &Value> {
        wanted
            .into_iter()
            .zip(&self.values)
            .filter_map(|(slot, values)| Some(&values.get(slot?)?.1))
    }

    fn find(&self, entry: &LedgerEntry) -> Option<u32> {
        let like = (
            &entry.flow_name,
            &entry.user_id,
            &entry.tenant_id,
            entry.provider.as_str(),
            entry.model.as_str(),
        );
        self.groups.find_by(&like, |key| {
            key.flow == entry.flow_name
                && key.user == entry.user_id
                && key.tenant == entry.tenant_id
                && *key.provider == *entry.provider
                && *key.model == *entry.model
        })
    }

    fn open(&mut self, entry: &LedgerEntry) -> u32 {
        let names = [
            Some(entry.flow_name.as_str()),
            entry.user_id.as_ref().map(UserId::as_str),
            entry.tenant_id.as_ref().map(TenantId::as_str),
            Some(entry.provider.as_str()),
            Some(entry.model.as_str()),
        ];
        let mut slots = [0; WIDTH];
        for ((slot, name), values) in slots.iter_mut().zip(names).zip(&mut self.values) {
            let found = values.find_by(&name, |other| other.as_deref() == name);
            *slot = found.unwrap_or_else(|| values.add(name.map(Arc::from), Value::default()));
        }
        let key = GroupKey {
            flow: entry.flow_name.clone(),
            user: entry.user_id.clone(),
            tenant: entry.tenant_id.clone(),
            provider: entry.provider.as_str().into(),
            model: entry.model.as_str().into(),
        };
        let group = self.groups.add(key, Group { values: slots, total: LedgerTotal::default() });
        self.each(slots, |value| value.groups.push(group));
        group
    }

    /// Removes a group that has no row any more, and the values that nothing else has.
    fn close(&mut self, slot: u32, values: [u32; WIDTH]) {
        self.groups.take(slot);
        for (values, at) in self.values.iter_mut().zip(values) {
            if let Some(value) = values.get_mut(at) {
                value.groups.retain(|group| *group != slot);
                if value.groups.is_empty() {
                    values.take(at);
                }
            }
        }
    }

    fn each(&mut self, slots: [u32; WIDTH], mut work: impl FnMut(&mut Value)) {
        for (values, slot) in self.values.iter_mut().zip(slots) {
            if let Some(value) = values.get_mut(slot) {
                work(value);
            }
        }
    }
}

impl Group {
    pub(super) fn has(&self, wanted: &Wanted) -> bool {
        self.values.iter().zip(wanted).all(|(value, wanted)| wanted.is_none_or(|w| w == *value))
    }
}

/// Returns the place of a dimension in a group; `None` for days.
pub(super) fn column(by: LedgerDimension) -> Option<usize> {
    match by {
        LedgerDimension::Flow => Some(0),
        LedgerDimension::User => Some(1),
        LedgerDimension::Tenant => Some(2),
        LedgerDimension::Provider => Some(3),
        LedgerDimension::Model => Some(4),
        LedgerDimension::Day => None,
    }
}
