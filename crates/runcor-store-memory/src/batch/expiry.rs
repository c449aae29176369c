//! Removing what has expired, is too old, or too much.

use runcor_core::{BudgetKey, BudgetScope, ExecutionId, TenantId, Timestamp};

use super::{Undo, Work};
use crate::money::FundsUndo;

impl Work<'_> {
    pub(super) fn expire(
        &mut self,
        now: Timestamp,
        limit: usize,
        keep_ledger: Option<u64>,
        keep_evaluations: Option<u64>,
    ) {
        let before = self.undo.len();
        let entries = self.state.memories.expire(now, limit);
        self.undo.extend(entries.into_iter().map(Box::new).map(Undo::Memory));
        let counters = self.state.rates.expire(now, limit);
        self.undo.extend(counters.into_iter().map(Undo::Rate));
        self.expire_accounts(now, limit);
        self.expire_rows(beyond(self.state.funds.ledger.len(), keep_ledger).min(limit));
        let evaluations = self.state.quality.evaluations.len();
        self.expire_evaluations(beyond(evaluations, keep_evaluations).min(limit));
        self.receipt.expired += self.undo.len() - before;
    }

    /// Removes the accounts of an execution's own budget.
    pub(super) fn forget_budget(&mut self, id: ExecutionId, tenant: Option<TenantId>) {
        if self.state.funds.accounts.is_empty() {
            return;
        }
        let key = BudgetKey { scope: BudgetScope::Execution, tenant, subject: id.to_string() };
        let slots = self.state.funds.accounts.free_of(&key);
        self.forget_accounts(slots);
    }

    fn expire_accounts(&mut self, now: Timestamp, limit: usize) {
        let slots = self.state.funds.accounts.forgettable(now, limit);
        self.forget_accounts(slots);
    }

    fn forget_accounts(&mut self, slots: Vec<u32>) {
        for slot in slots {
            let taken = self.state.funds.accounts.take(slot);
            let undo = taken.map(|taken| FundsUndo::ForgottenAccount(slot, taken));
            self.undo.extend(undo.map(Undo::Funds));
        }
    }

    fn expire_rows(&mut self, count: usize) {
        for _ in 0..count {
            let row = self.state.funds.ledger.forget();
            self.undo.extend(row.map(FundsUndo::ForgottenRow).map(Undo::Funds));
        }
    }

    fn expire_evaluations(&mut self, count: usize) {
        for _ in 0..count {
            let undo = self.state.quality.forget_oldest();
            self.undo.extend(undo.map(Undo::Quality));
        }
    }
}

/// Returns how many there are beyond what is kept.
fn beyond(count: usize, keep: Option<u64>) -> usize {
    let keep = keep.map_or(usize::MAX, |keep| usize::try_from(keep).unwrap_or(usize::MAX));
    count.saturating_sub(keep)
}
