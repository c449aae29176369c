//! A shelf: one item for each execution, in order of writing, found by flow and tenant.

use std::collections::{BTreeMap, BTreeSet};

use runcor_core::{Cursor, ExecutionId, FlowName, Order, Page, TenantId};

use crate::groups::Groups;
use crate::index::Index;

/// What a shelf tells its items apart by.
pub(crate) trait Shelved {
    fn flow(&self) -> Option<&FlowName>;
    fn tenant(&self) -> Option<&TenantId>;
}

/// Items of executions.
#[derive(Debug, PartialEq)]
pub(crate) struct Shelf<T> {
    last: u64,
    items: BTreeMap<u64, Box<T>>,
    numbers: Index<ExecutionId>,
    flows: Groups<FlowName, u64>,
    tenants: Groups<TenantId, u64>,
}

/// What stood on the shelf before a step.
#[derive(Debug)]
pub(crate) struct Former<T> {
    item: Option<(u64, Box<T>)>,
    last: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        let (numbers, items) = (Index::default(), BTreeMap::new());
        Self { last: 0, items, numbers, flows: Groups::default(), tenants: Groups::default() }
    }
}

impl<T: Shelved + Clone> Shelf<T> {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn get(&self, id: ExecutionId) -> Option<&T> {
        self.items.get(&self.numbers.get(id)?).map(Box::as_ref)
    }

    /// Returns the items, oldest first.
    pub(crate) fn items(&self) -> impl Iterator<Item = &T> {
        self.items.values().map(Box::as_ref)
    }

    /// Sets an item in the place of the former one, or at the end.
    pub(crate) fn set(&mut self, id: ExecutionId, item: Box<T>) -> Former<T> {
        let former = self.remove(id);
        let number = former.item.as_ref().map_or(self.last + 1, |(number, _)| *number);
        self.put(id, number, item);
        former
    }

    /// Sets an item at the end, and removes the former one.
    pub(crate) fn renew(&mut self, id: ExecutionId, item: Box<T>) -> Former<T> {
        let former = self.remove(id);
        self.put(id, self.last + 1, item);
        former
    }

    pub(crate) fn remove(&mut self, id: ExecutionId) -> Former<T> {
        let item = self.numbers.remove(id).and_then(|number| {
            let item = self.items.remove(&number)?;
            if let Some(flow) = item.flow() {
                self.flows.remove(flow, &number);
            }
            if let Some(tenant) = item.tenant() {
                self.tenants.remove(tenant, &number);
            }
            Some((number, item))
        });
        Former { item, last: self.last }
    }

    /// Makes it again what it was before a step.
    pub(crate) fn restore(&mut self, id: ExecutionId, former: Former<T>) {
        self.remove(id);
        if let Some((number, item)) = former.item {
            self.put(id, number, item);
        }
        self.last = former.last;
    }

    /// Returns a page of the items of a flow and a tenant.
    pub(crate) fn page(
        &self,
        owner: (Option<&FlowName>, Option<&TenantId>),
        order: Order,
        after: Option<Cursor>,
        limit: usize,
        fits: impl Fn(&T) -> bool,
    ) -> Page<T> {
        let belongs = |item: &T| {
            owner.0.is_none_or(|flow| item.flow() == Some(flow))
                && owner.1.is_none_or(|tenant| item.tenant() == Some(tenant))
        };
        let mut found = self
            .walk(owner, order, after)
            .filter_map(|number| Some((number, self.items.get(&number)?)))
            .filter(|(_, item)| belongs(item) && fits(item));
        let mut page = Page { items: Vec::new(), next: None };
        let mut last = None;
        for (number, item) in found.by_ref().take(limit) {
            last = Some(Cursor::new(number));
            page.items.push((**item).clone());
        }
        page.next = last.filter(|_| found.next().is_some());
        page
    }

    fn walk<'a>(
        &'a self,
        (flow, tenant): (Option<&FlowName>, Option<&TenantId>),
        order: Order,
        after: Option<Cursor>,
    ) -> Box<dyn Iterator<Item = u64> + 'a> {
        let (start, end) = match (after.map(Cursor::number), order) {
            (None, _) => (0, u64::MAX),
            (Some(after), Order::Oldest) => (after.saturating_add(1), u64::MAX),
            (Some(after), Order::Newest) => (0, after),
        };
        let range = start..end;
        let groups = [flow.map(|f| self.flows.get(f)), tenant.map(|t| self.tenants.get(t))];
        let groups: Option<Vec<&BTreeSet<u64>>> = groups.into_iter().flatten().collect();
        let Some(groups) = groups else { return Box::new(std::iter::empty()) };
        match groups.into_iter().min_by_key(|group| group.len()) {
            Some(group) => directed(group.range(range).copied(), order),
            None => directed(self.items.range(range).map(|(number, _)| *number), order),
        }
    }

    fn put(&mut self, id: ExecutionId, number: u64, item: Box<T>) {
        self.last = self.last.max(number);
        if let Some(flow) = item.flow() {
            self.flows.insert(flow, number);
        }
        if let Some(tenant) = item.tenant() {
            self.tenants.insert(tenant, number);
        }
        self.numbers.insert(id, number);
        self.items.insert(number, item);
    }
}

fn directed<'a>(
    numbers: impl DoubleEndedIterator<Item = u64> + 'a,
    order: Order,
) -> Box<dyn Iterator<Item = u64> + 'a> {
    match order {
        Order::Oldest => Box::new(numbers),
        Order::Newest => Box::new(numbers.rev()),
    }
}
