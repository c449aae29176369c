//! Accounts, reservations and rows of the ledger, as scenarios write them.

use std::time::Duration;

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, Batch, BudgetAccount, BudgetHold, BudgetKey,
    BudgetRefusal, BudgetScope, BudgetWindow, LedgerDimension, LedgerEntry, LedgerFilter,
    LedgerQuery, LedgerTotal, Money, Op, Page, Reservation, StoreError, TenantId, Timestamp, Usage,
    UserId,
};

use super::subject::{Subject, at, fail, flow};

pub(super) fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap_or_else(|error| fail(error.to_string()))
}

pub(super) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap_or_else(|error| fail(error.to_string()))
}

/// The account of a window that `now` lies in.
pub(super) fn account_at(
    scope: BudgetScope,
    subject: &str,
    window: BudgetWindow,
    now: Timestamp,
) -> AccountId {
    AccountId::at(BudgetKey { scope, tenant: None, subject: subject.to_owned() }, window, now)
}

/// The account of a user for the day of `at(0)`.
pub(super) fn daily(subject: &str) -> AccountId {
    account_at(BudgetScope::User, subject, BudgetWindow::Daily, at(0))
}

/// A hold under a hard limit, which never warns.
pub(super) fn hard(account: &AccountId, amount: i64, limit: i64) -> BudgetHold {
    BudgetHold {
        account: account.clone(),
        amount: nanos(amount),
        limit: nanos(limit),
        hard: true,
        warn_at: nanos(i64::MAX),
    }
}

/// A hold under a limit that is announced, which never warns.
pub(super) fn soft(account: &AccountId, amount: i64, limit: i64) -> BudgetHold {
    BudgetHold { hard: false, ..hard(account, amount, limit) }
}

/// An answered request that began at `at(millis)`.
pub(super) fn row_at(millis: i64, cost: i64) -> LedgerEntry {
    LedgerEntry {
        id: AttemptId::mint(at(millis)),
        timestamp: at(millis),
        execution_id: None,
        path: None,
        flow_name: flow("f"),
        user_id: None,
        tenant_id: None,
        provider: "p".to_owned(),
        model: "m".to_owned(),
        usage: Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() },
        cost: nanos(cost),
        outcome: AttemptOutcome::Answered,
        unpriced: false,
        duration: Duration::from_millis(3),
    }
}

/// A reservation that lapses at `at(60_000)`, as a row of this cost.
pub(super) fn reservation(holds: Vec<BudgetHold>, cost: i64) -> Reservation {
    let entry = LedgerEntry { outcome: AttemptOutcome::Lost, ..row_at(0, cost) };
    Reservation { entry, holds, lapses: at(60_000) }
}

/// What became of a reservation: an answer of this cost.
pub(super) fn outcome_of(reservation: &Reservation, cost: i64) -> LedgerEntry {
    let entry = reservation.entry.clone();
    LedgerEntry { outcome: AttemptOutcome::Answered, cost: nanos(cost), ..entry }
}

pub(super) fn reserve_op(reservation: &Reservation) -> Op {
    Op::Reserve(Box::new(reservation.clone()))
}

pub(super) fn settle_op(entry: &LedgerEntry) -> Op {
    Op::Settle(Box::new(entry.clone()))
}

pub(super) fn top_up_op(account: &AccountId, amount: i64) -> Op {
    Op::TopUp { account: Box::new(account.clone()), amount: nanos(amount) }
}

/// Returns the refusal of a budget, or fails with what it is.
pub(super) fn expect_over_budget(error: StoreError) -> BudgetRefusal {
    match error {
        StoreError::OverBudget(refusal) => *refusal,
        other => fail(format!("expected a refusal by a budget, got: {other}")),
    }
}

impl Subject {
    /// Makes a reservation with these holds.
    pub(super) async fn reserve(&self, holds: Vec<BudgetHold>) -> Reservation {
        let reservation = reservation(holds, 0);
        self.commit(Batch::new().with(reserve_op(&reservation))).await;
        reservation
    }

    pub(super) async fn settle(&self, entry: &LedgerEntry) {
        self.commit(Batch::new().with(settle_op(entry))).await;
    }

    pub(super) async fn lapse(&self, now: Timestamp, limit: usize) -> usize {
        self.commit(Batch::new().with(Op::Lapse { now, limit })).await.lapsed
    }

    pub(super) async fn account(&self, id: &AccountId) -> Option<BudgetAccount> {
        let account = self.store.ledger().budget_account(id).await;
        account.unwrap_or_else(|error| fail(format!("budget_account(): {error}")))
    }

    /// Checks what is spent and set aside in an account.
    pub(super) async fn expect_account(
        &self,
        id: &AccountId,
        (spent, reserved): (i64, i64),
        when: &str,
    ) {
        let found = self.account(id).await.unwrap_or_default();
        let found = (found.spent.as_nanos(), found.reserved.as_nanos());
        assert_eq!(found, (spent, reserved), "expected spent and reserved of {} {when}", id.key);
    }

    pub(super) async fn accounts(
        &self,
        scope: Option<BudgetScope>,
        now: Timestamp,
        limit: usize,
    ) -> Vec<(AccountId, BudgetAccount)> {
        let accounts = self.store.ledger().budget_accounts(scope, now, limit).await;
        accounts.unwrap_or_else(|error| fail(format!("budget_accounts(): {error}")))
    }

    pub(super) async fn ledger(&self, query: &LedgerQuery) -> Page<LedgerEntry> {
        let page = self.store.ledger().ledger(query).await;
        page.unwrap_or_else(|error| fail(format!("ledger(): {error}")))
    }

    /// Returns every row, oldest first.
    pub(super) async fn rows(&self) -> Vec<LedgerEntry> {
        self.ledger(&LedgerQuery { limit: 10_000, ..LedgerQuery::default() }).await.items
    }

    pub(super) async fn totals(
        &self,
        filter: &LedgerFilter,
        by: Option<LedgerDimension>,
    ) -> Vec<LedgerTotal> {
        let totals = self.store.ledger().ledger_totals(filter, by).await;
        totals.unwrap_or_else(|error| fail(format!("ledger_totals(): {error}")))
    }
}
