//! Pages of the ledger, walked along the narrowest list of rows.

use std::collections::VecDeque;
use std::ops::Range;

use runcor_core::{Cursor, LedgerEntry, LedgerFilter, LedgerQuery, Order, Page};

use super::buckets::HOUR;
use super::ledger::Ledger;

/// The rows among which a page is looked for.
enum Walk<'a> {
    Everything,
    List(&'a VecDeque<u64>),
    Nothing,
}

impl Ledger {
    /// Returns a page of rows in order of writing.
    pub(crate) fn page(&self, query: &LedgerQuery) -> Page<LedgerEntry> {
        let fits =
            |number: &u64| self.row(*number).is_some_and(|row| query.filter.fits(&row.entry));
        let mut found = self.walk(query).filter(fits);
        let mut page = Page { items: Vec::new(), next: None };
        let mut last = None;
        for number in found.by_ref().take(query.limit) {
            last = Some(Cursor::new(number));
            page.items.extend(self.row(number).map(|row| (*row.entry).clone()));
        }
        page.next = last.filter(|_| found.next().is_some());
        page
    }

    fn walk<'a>(&'a self, query: &LedgerQuery) -> Box<dyn Iterator<Item = u64> + 'a> {
        let numbers = self.numbers(query);
        let newest_first = query.order == Order::Newest;
        match self.narrowest(&query.filter) {
            Walk::Nothing => Box::new(std::iter::empty()),
            Walk::Everything if newest_first => Box::new(numbers.rev()),
            Walk::Everything => Box::new(numbers),
            Walk::List(list) => {
                let at = |number| list.partition_point(|other| *other < number);
                let (start, end) = (at(numbers.start), at(numbers.end));
                let numbers = list.range(start.min(end)..end).copied();
                if newest_first { Box::new(numbers.rev()) } else { Box::new(numbers) }
            }
        }
    }

    /// Returns the numbers between which the page lies, by its cursor and its time.
    fn numbers(&self, query: &LedgerQuery) -> Range<u64> {
        let (mut start, mut end) = (self.gone + 1, self.last() + 1);
        match (query.after.map(Cursor::number), query.order) {
            (None, _) => {}
            (Some(after), Order::Oldest) => start = start.max(after.saturating_add(1)),
            (Some(after), Order::Newest) => end = end.min(after),
        }
        if let Some(from) = query.filter.from {
            let hours = self.buckets.hours.range(from.as_millis().div_euclid(HOUR)..);
            let first = hours.filter_map(|(_, hour)| hour.rows.front()).min();
            start = start.max(first.copied().unwrap_or(end));
        }
        if let Some(to) = query.filter.to {
            let hours = self.buckets.hours.range(..=to.as_millis().div_euclid(HOUR));
            let last = hours.filter_map(|(_, hour)| hour.rows.back()).max();
            end = end.min(last.map_or(0, |last| last + 1));
        }
        start..end.max(start)
    }

    fn narrowest(&self, filter: &LedgerFilter) -> Walk<'_> {
        let Some(wanted) = self.groups.wanted(filter) else { return Walk::Nothing };
        let mut lists: Vec<_> = self.groups.wanted_values(wanted).map(|v| &v.rows).collect();
        if let Some(id) = filter.execution {
            let Some(rows) = self.executions.find(id) else { return Walk::Nothing };
            lists.push(rows);
        }
        lists.into_iter().min_by_key(|list| list.len()).map_or(Walk::Everything, Walk::List)
    }
}
