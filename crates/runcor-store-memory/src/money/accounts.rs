//! Accounts of budgets, by identity, in order, and by the end of their window.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use runcor_core::{AccountId, BudgetAccount, BudgetKey, BudgetScope, BudgetWindow, Timestamp};

use crate::keyed::Keyed;

/// One account.
#[derive(Debug, PartialEq)]
pub(crate) struct Account {
    pub(crate) balance: BudgetAccount,
    /// How many reservations hold money of it.
    pub(crate) holds: u32,
    until: Option<Timestamp>,
}

/// Every account.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    keyed: Keyed<Arc<AccountId>, Account>,
    order: BTreeMap<Arc<AccountId>, u32>,
    /// The instants from which on accounts may be forgotten.
    ends: BTreeSet<(Timestamp, u32)>,
}

impl PartialEq for Accounts {
    fn eq(&self, other: &Self) -> bool {
        self.keyed == other.keyed
            && self.order.len() == other.order.len()
            && self.ends.len() == other.ends.len()
    }
}

impl Accounts {
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(crate) fn find(&self, id: &AccountId) -> Option<u32> {
        self.keyed.find_by(id, |other| **other == *id)
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Account> {
        self.keyed.get(slot).map(|(_, account)| account)
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Account> {
        self.keyed.get_mut(slot)
    }

    /// Opens an account that is not there.
    pub(crate) fn open(&mut self, id: &AccountId) -> u32 {
        let id = Arc::new(id.clone());
        let (balance, until) = (BudgetAccount::default(), id.until());
        let slot = self.keyed.add(Arc::clone(&id), Account { balance, holds: 0, until });
        self.note(id, until, slot);
        slot
    }

    pub(crate) fn take(&mut self, slot: u32) -> Option<Box<(Arc<AccountId>, Account)>> {
        let taken = self.keyed.take(slot)?;
        self.order.remove(&taken.0);
        if let Some(until) = taken.1.until {
            self.ends.remove(&(forgotten(&taken.0, until), slot));
        }
        Some(taken)
    }

    /// Puts an account back where it was taken from.
    pub(crate) fn put(&mut self, slot: u32, taken: Box<(Arc<AccountId>, Account)>) {
        self.note(Arc::clone(&taken.0), taken.1.until, slot);
        self.keyed.put(slot, taken);
    }

    /// Returns accounts of a scope whose window has not ended, in order of their identity.
    pub(crate) fn open_at(
        &self,
        scope: Option<BudgetScope>,
        now: Timestamp,
        limit: usize,
    ) -> Vec<(AccountId, BudgetAccount)> {
        self.order
            .range(first(scope.unwrap_or(BudgetScope::Request))..)
            .take_while(|(id, _)| scope.is_none_or(|scope| id.key.scope == scope))
            .filter_map(|(id, slot)| Some((id, &self.keyed.get(*slot)?.1)))
            .filter(|(_, account)| account.until.is_none_or(|until| until > now))
            .take(limit)
            .map(|(id, account)| ((**id).clone(), account.balance))
            .collect()
    }

    /// Returns an owner's accounts in which nothing is set aside.
    pub(crate) fn free_of(&self, key: &BudgetKey) -> Vec<u32> {
        let (window, since) = (BudgetWindow::None, Timestamp::from_millis(i64::MIN));
        let from = AccountId { key: key.clone(), window, since };
        let own = self.order.range(from..).take_while(|(id, _)| id.key == *key);
        let free = |slot: &u32| self.keyed.get(*slot).is_some_and(|(_, a)| a.holds == 0);
        own.map(|(_, slot)| *slot).filter(free).collect()
    }

    /// Returns accounts that may be forgotten: they ended as long ago as they
    /// lasted, and nothing is set aside in them.
    pub(crate) fn forgettable(&self, now: Timestamp, limit: usize) -> Vec<u32> {
        let ended = self.ends.iter().take_while(|(at, _)| *at <= now).map(|(_, slot)| *slot);
        let free = |slot: &u32| self.keyed.get(*slot).is_some_and(|(_, a)| a.holds == 0);
        ended.filter(free).take(limit).collect()
    }

    fn note(&mut self, id: Arc<AccountId>, until: Option<Timestamp>, slot: u32) {
        if let Some(until) = until {
            self.ends.insert((forgotten(&id, until), slot));
        }
        self.order.insert(id, slot);
    }
}

/// Returns what comes before every account of a scope and after those of the scopes before it.
fn first(scope: BudgetScope) -> AccountId {
    let key = BudgetKey { scope, tenant: None, subject: String::new() };
    AccountId { key, window: BudgetWindow::None, since: Timestamp::from_millis(i64::MIN) }
}

fn forgotten(id: &AccountId, until: Timestamp) -> Timestamp {
    until.after(until.since(id.since))
}
