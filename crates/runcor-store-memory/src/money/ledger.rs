//! The ledger: rows in order of writing, the ways to find them, and what they add up to.

use std::collections::VecDeque;

use runcor_core::{AttemptId, ExecutionId, LedgerEntry};

use super::buckets::Buckets;
use super::groups::Groups;
use crate::index::Index;

/// One row and its group.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(super) entry: Box<LedgerEntry>,
    pub(super) group: u32,
}

/// Every row that is kept, and the totals of all that were ever written.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// How many rows were forgotten; the first one that is kept has the number after.
    pub(super) gone: u64,
    pub(super) rows: VecDeque<Row>,
    ids: Index<AttemptId>,
    pub(super) executions: Index<ExecutionId, VecDeque<u64>>,
    pub(super) groups: Groups,
    pub(super) buckets: Buckets,
}

impl PartialEq for Ledger {
    /// The slots of groups may differ.
    fn eq(&self, other: &Self) -> bool {
        let entries = |ledger: &Self| -> Vec<LedgerEntry> {
            ledger.rows.iter().map(|row| (*row.entry).clone()).collect()
        };
        self.gone == other.gone
            && entries(self) == entries(other)
            && self.ids == other.ids
            && self.executions == other.executions
            && self.groups == other.groups
            && self.buckets.days.keys().eq(other.buckets.days.keys())
            && self.buckets.hours.keys().eq(other.buckets.hours.keys())
    }
}

impl Ledger {
    pub(crate) fn has(&self, id: AttemptId) -> bool {
        self.ids.get(id).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes a row under the next number.
    pub(crate) fn add(&mut self, entry: Box<LedgerEntry>) {
        let number = self.last() + 1;
        let group = self.groups.add(number, &entry);
        self.buckets.add(number, group, &entry);
        self.ids.insert(entry.id, number);
        if let Some(id) = entry.execution_id
            && let Some(rows) = self.executions.find_or_default(id)
        {
            rows.push_back(number);
        }
        self.rows.push_back(Row { entry, group });
    }

    /// Takes the newest row back, as if it had never been written.
    pub(crate) fn unadd(&mut self) {
        let Some(Row { entry, group }) = self.rows.pop_back() else { return };
        self.groups.unadd(group, &entry);
        self.buckets.unadd(group, &entry);
        self.ids.remove(entry.id);
        self.leave_execution(&entry, VecDeque::pop_back);
    }

    /// Forgets the oldest row; totals keep it.
    pub(crate) fn forget(&mut self) -> Option<Row> {
        let row = self.rows.pop_front()?;
        self.gone += 1;
        self.groups.forget(row.group);
        self.buckets.forget(&row.entry);
        self.ids.remove(row.entry.id);
        self.leave_execution(&row.entry, VecDeque::pop_front);
        Some(row)
    }

    /// Remembers the oldest row again.
    pub(crate) fn remember(&mut self, row: Row) {
        let number = self.gone;
        self.gone -= 1;
        self.groups.remember(number, row.group);
        self.buckets.remember(number, &row.entry);
        self.ids.insert(row.entry.id, number);
        if let Some(id) = row.entry.execution_id
            && let Some(rows) = self.executions.find_or_default(id)
        {
            rows.push_front(number);
        }
        self.rows.push_front(row);
    }

    pub(super) fn row(&self, number: u64) -> Option<&Row> {
        let place = number.checked_sub(self.gone + 1)?;
        self.rows.get(usize::try_from(place).ok()?)
    }

    /// Returns the number of the newest row.
    pub(super) fn last(&self) -> u64 {
        self.gone + u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    fn leave_execution(
        &mut self,
        entry: &LedgerEntry,
        take: impl Fn(&mut VecDeque<u64>) -> Option<u64>,
    ) {
        if let Some(id) = entry.execution_id
            && let Some(rows) = self.executions.find_mut(id)
        {
            take(rows);
            if rows.is_empty() {
                self.executions.remove(id);
            }
        }
    }
}
