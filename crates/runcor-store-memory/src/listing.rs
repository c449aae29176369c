//! Lists: one page of executions, walked along the narrowest index.

use std::collections::BTreeSet;
use std::ops::Bound::{self, Excluded, Unbounded};

use runcor_core::{Cursor, Execution, ExecutionQuery, Order, Page};

use crate::executions::Executions;
use crate::record::Record;

type Range = (Bound<u64>, Bound<u64>);

/// The index along which a list is walked.
enum Walk<'a> {
    Everything,
    Group(&'a BTreeSet<u64>),
    Nothing,
}

impl Executions {
    /// Returns a page of executions in order of creation.
    pub(crate) fn page(&self, query: &ExecutionQuery) -> Page<Execution> {
        let mut found = self
            .walk(query)
            .filter_map(|number| self.get(number).map(|record| (number, record)))
            .filter(|(_, record)| matches(record, query))
            .skip(query.offset);
        let mut page = Page { items: Vec::new(), next: None };
        let mut last = None;
        for (number, record) in found.by_ref().take(query.limit) {
            last = Some(Cursor::new(number));
            page.items.push(record.execution.clone());
        }
        page.next = last.filter(|_| found.next().is_some());
        page
    }

    fn walk<'a>(&'a self, query: &ExecutionQuery) -> Box<dyn Iterator<Item = u64> + 'a> {
        let range = range(query);
        if is_empty(range) {
            return Box::new(std::iter::empty());
        }
        let newest_first = query.order == Order::Newest;
        match self.narrowest(query) {
            Walk::Nothing => Box::new(std::iter::empty()),
            Walk::Everything => {
                let numbers = self.records.range(range).map(|(number, _)| *number);
                if newest_first { Box::new(numbers.rev()) } else { Box::new(numbers) }
            }
            Walk::Group(group) => {
                let numbers = group.range(range).copied();
                if newest_first { Box::new(numbers.rev()) } else { Box::new(numbers) }
            }
        }
    }

    fn narrowest(&self, query: &ExecutionQuery) -> Walk<'_> {
        let groups = [
            query.state.as_ref().map(|state| self.states.get(state)),
            query.flow.as_ref().map(|flow| self.flows.get(flow)),
            query.user.as_ref().map(|user| self.users.get(user)),
            query.tenant.as_ref().map(|tenant| self.tenants.get(tenant)),
            query.parent.as_ref().map(|parent| self.parents.get(parent)),
        ];
        let mut walk = Walk::Everything;
        for group in groups.into_iter().flatten() {
            walk = match (group, walk) {
                (None, _) | (_, Walk::Nothing) => return Walk::Nothing,
                (Some(group), Walk::Group(other)) if other.len() <= group.len() => {
                    Walk::Group(other)
                }
                (Some(group), _) => Walk::Group(group),
            };
        }
        walk
    }
}

fn range(query: &ExecutionQuery) -> Range {
    match (query.after, query.order) {
        (None, _) => (Unbounded, Unbounded),
        (Some(after), Order::Oldest) => (Excluded(after.number()), Unbounded),
        (Some(after), Order::Newest) => (Unbounded, Excluded(after.number())),
    }
}

/// Nothing lies before the first or after the last number.
fn is_empty(range: Range) -> bool {
    matches!(range, (Excluded(u64::MAX), _) | (_, Excluded(0)))
}

fn matches(record: &Record, query: &ExecutionQuery) -> bool {
    fn fits<T: PartialEq>(wanted: Option<&T>, actual: Option<&T>) -> bool {
        wanted.is_none() || wanted == actual
    }
    let (spec, status) = (&*record.execution.spec, &record.execution.status);
    fits(query.state.as_ref(), Some(&status.state))
        && fits(query.flow.as_ref(), Some(&spec.flow))
        && fits(query.user.as_ref(), spec.user_id.as_ref())
        && fits(query.tenant.as_ref(), spec.tenant_id.as_ref())
        && fits(query.parent.as_ref(), spec.parent.as_ref().map(|parent| &parent.id))
}
