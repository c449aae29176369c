//! Operations on money: setting aside, settling, and adding to a limit.

use runcor_core::{
    AccountId, AttemptId, BudgetHold, LedgerEntry, Money, Reservation, StoreError, Timestamp,
};

use super::{Undo, Work};
use crate::money::{FundsUndo, Held};

impl Work<'_> {
    pub(super) fn reserve(&mut self, reservation: Box<Reservation>) -> Result<(), StoreError> {
        let (id, funds) = (reservation.id(), &self.state.funds);
        if funds.reservations.get(id).is_some() || funds.ledger.has(id) {
            return Ok(());
        }
        self.undo.reserve(2 * reservation.holds.len() + 1);
        // What was set aside before one refuses is taken back with the whole batch.
        let slots = reservation.holds.iter().map(|hold| self.hold(hold));
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        self.state.funds.reservations.put(Held { reservation, slots });
        self.note(FundsUndo::Reserved(id));
        Ok(())
    }

    /// Writes a row, and books it where it was reserved.
    pub(super) fn settle(&mut self, entry: Box<LedgerEntry>) {
        if self.state.funds.ledger.has(entry.id) {
            return;
        }
        self.release(entry.id, entry.cost);
        self.state.funds.ledger.add(entry);
        self.note(FundsUndo::Written);
    }

    pub(super) fn lapse(&mut self, now: Timestamp, limit: usize) {
        for id in self.state.funds.reservations.lapsed(now, limit) {
            let held = self.state.funds.reservations.get(id);
            if let Some(entry) = held.map(|held| held.reservation.entry.clone()) {
                self.settle(Box::new(entry));
                self.receipt.lapsed += 1;
            }
        }
    }

    pub(super) fn top_up(&mut self, id: &AccountId, amount: Money) {
        let slot = self.account(id);
        self.change(slot, |account, _| account.top_up(amount));
    }

    fn hold(&mut self, hold: &BudgetHold) -> Result<u32, StoreError> {
        let slot = self.account(&hold.account);
        let reserved = self.change(slot, |account, holds| {
            *holds += 1;
            account.reserve(hold)
        });
        let verdict = reserved.transpose().map_err(StoreError::OverBudget)?;
        self.receipt.verdicts.extend(verdict.flatten());
        Ok(slot)
    }

    fn release(&mut self, id: AttemptId, cost: Money) {
        let Some(held) = self.state.funds.reservations.take(id) else { return };
        self.undo.reserve(held.slots.len() + 2);
        for (slot, hold) in held.slots.iter().zip(&held.reservation.holds) {
            self.change(*slot, |account, holds| {
                *holds = holds.saturating_sub(1);
                account.settle(hold.amount, cost);
            });
        }
        self.note(FundsUndo::Released(Box::new(held)));
    }

    /// Finds an account, or opens it.
    fn account(&mut self, id: &AccountId) -> u32 {
        let accounts = &mut self.state.funds.accounts;
        accounts.find(id).unwrap_or_else(|| {
            let slot = accounts.open(id);
            self.undo.push(Undo::Funds(FundsUndo::Opened(slot)));
            slot
        })
    }

    fn change<T>(
        &mut self,
        slot: u32,
        work: impl FnOnce(&mut runcor_core::BudgetAccount, &mut u32) -> T,
    ) -> Option<T> {
        let account = self.state.funds.accounts.get_mut(slot)?;
        self.undo.push(Undo::Funds(FundsUndo::Account(slot, account.balance, account.holds)));
        Some(work(&mut account.balance, &mut account.holds))
    }

    fn note(&mut self, undo: FundsUndo) {
        self.undo.push(Undo::Funds(undo));
    }
}
