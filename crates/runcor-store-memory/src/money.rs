//! Money: accounts of budgets, what is set aside in them, and the ledger.

mod accounts;
mod buckets;
mod groups;
mod ledger;
mod page;
mod range;
mod reservations;
mod totals;

use std::sync::Arc;

use runcor_core::{AccountId, AttemptId, BudgetAccount};

pub(crate) use accounts::{Account, Accounts};
pub(crate) use ledger::{Ledger, Row};
pub(crate) use reservations::{Held, Reservations};

/// Everything about money that the store holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Funds {
    pub(crate) accounts: Accounts,
    pub(crate) reservations: Reservations,
    pub(crate) ledger: Ledger,
}

/// How a step is taken back.
#[derive(Debug)]
pub(crate) enum FundsUndo {
    Opened(u32),
    Account(u32, BudgetAccount, u32),
    ForgottenAccount(u32, Box<(Arc<AccountId>, Account)>),
    Reserved(AttemptId),
    Released(Box<Held>),
    Written,
    ForgottenRow(Row),
}

impl Funds {
    pub(crate) fn undo(&mut self, undo: FundsUndo) {
        match undo {
            FundsUndo::Opened(slot) => drop(self.accounts.take(slot)),
            FundsUndo::Account(slot, balance, holds) => {
                if let Some(account) = self.accounts.get_mut(slot) {
                    (account.balance, account.holds) = (balance, holds);
                }
            }
            FundsUndo::ForgottenAccount(slot, taken) => self.accounts.put(slot, taken),
            FundsUndo::Reserved(id) => drop(self.reservations.take(id)),
            FundsUndo::Released(held) => self.reservations.put(*held),
            FundsUndo::Written => self.ledger.unadd(),
            FundsUndo::ForgottenRow(row) => self.ledger.remember(row),
        }
    }
}
