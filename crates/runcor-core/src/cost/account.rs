//! The account of a budget: what was spent and what is set aside, as a pure state machine.

use super::budget::{AccountId, BudgetHold};
use crate::money::Money;
use crate::time::Timestamp;

/// One owner's spending in one window.
///
/// Stores load it, apply one of its methods inside a transaction, and keep
/// what it has become; so a hard limit holds whoever else does the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BudgetAccount {
    /// What requests have cost.
    pub spent: Money,
    /// What is set aside for requests under way.
    pub reserved: Money,
    /// What somebody has added to the limit.
    pub topped_up: Money,
    /// Whether the warning of this window was given.
    pub warned: bool,
}

impl BudgetAccount {
    /// Returns what was spent and what is set aside.
    #[must_use]
    pub fn used(&self) -> Money {
        self.spent + self.reserved
    }

    /// Sets money aside; what is worth telling comes back.
    ///
    /// # Errors
    /// Refuses what would go beyond a hard limit, and changes nothing then.
    pub fn reserve(
        &mut self,
        hold: &BudgetHold,
    ) -> Result<Option<BudgetVerdict>, Box<BudgetRefusal>> {
        let limit = hold.limit + self.topped_up;
        let used = self.used() + hold.amount;
        let is_over = used > limit;
        if is_over && hold.hard {
            return Err(Box::new(BudgetRefusal {
                account: hold.account.clone(),
                limit,
                spent: self.spent,
                reserved: self.reserved,
                amount: hold.amount,
                until: hold.account.until(),
            }));
        }
        self.reserved += hold.amount;
        if is_over {
            return Ok(Some(self.verdict(hold, VerdictKind::Exceeded)));
        }
        if !self.warned && used >= hold.warn_at + self.topped_up {
            self.warned = true;
            return Ok(Some(self.verdict(hold, VerdictKind::Warning)));
        }
        Ok(None)
    }

    /// Books what a request has cost in place of what was set aside for it.
    pub fn settle(&mut self, amount: Money, cost: Money) {
        self.reserved -= amount;
        self.spent += cost;
    }

    /// Adds to the limit of this window.
    pub fn top_up(&mut self, amount: Money) {
        self.topped_up += amount;
    }

    fn verdict(&self, hold: &BudgetHold, kind: VerdictKind) -> BudgetVerdict {
        BudgetVerdict {
            account: hold.account.clone(),
            limit: hold.limit + self.topped_up,
            used: self.used(),
            kind,
        }
    }
}

/// Something worth telling about a reservation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetVerdict {
    /// The account.
    pub account: AccountId,
    /// Its limit, top-ups included.
    pub limit: Money,
    /// What is spent and set aside in it now.
    pub used: Money,
    /// What is worth telling.
    pub kind: VerdictKind,
}

/// What is worth telling about a reservation that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictKind {
    /// The use has come near the limit, for the first time in this window.
    Warning,
    /// The use is beyond a limit that is not hard.
    Exceeded,
}

/// Why money was not set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRefusal {
    /// The account whose hard limit does not allow it.
    pub account: AccountId,
    /// Its limit, top-ups included.
    pub limit: Money,
    /// What was spent from it.
    pub spent: Money,
    /// What is set aside in it.
    pub reserved: Money,
    /// What the request may cost.
    pub amount: Money,
    /// When its window ends, if it does.
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::{BudgetKey, BudgetScope, BudgetWindow};

    fn hold(amount: i64, hard: bool) -> BudgetHold {
        let key = BudgetKey { scope: BudgetScope::Global, tenant: None, subject: String::new() };
        BudgetHold {
            account: AccountId::at(key, BudgetWindow::Daily, Timestamp::from_millis(5)),
            amount: Money::from_nanos(amount),
            limit: Money::from_nanos(100),
            hard,
            warn_at: Money::from_nanos(80),
        }
    }

    #[test]
    fn a_hard_limit_is_met_exactly_and_never_exceeded() {
        let mut account = BudgetAccount::default();
        assert_eq!(account.reserve(&hold(79, true)), Ok(None));
        let warned = account.reserve(&hold(21, true)).unwrap().unwrap();
        assert_eq!((warned.kind, warned.used.as_nanos()), (VerdictKind::Warning, 100));
        let before = account;
        let refused = account.reserve(&hold(1, true)).unwrap_err();
        assert_eq!((refused.reserved.as_nanos(), refused.amount.as_nanos()), (100, 1));
        assert_eq!(account, before);
    }

    #[test]
    fn what_was_set_aside_becomes_what_it_cost() {
        let mut account = BudgetAccount::default();
        account.reserve(&hold(50, true)).unwrap();
        account.settle(Money::from_nanos(50), Money::from_nanos(4));
        assert_eq!((account.spent.as_nanos(), account.reserved.as_nanos()), (4, 0));
    }

    #[test]
    fn a_soft_limit_is_announced_and_a_top_up_raises_a_hard_one() {
        let mut account = BudgetAccount::default();
        let told = account.reserve(&hold(101, false)).unwrap().unwrap();
        assert_eq!(told.kind, VerdictKind::Exceeded);
        assert!(account.reserve(&hold(1, true)).is_err());
        account.top_up(Money::from_nanos(10));
        assert!(account.reserve(&hold(1, true)).is_ok());
    }
}
