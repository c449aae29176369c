//! What the tests about money share.

use std::time::Duration;

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, BudgetHold, BudgetKey, BudgetScope, BudgetWindow,
    LedgerEntry, Money, Reservation, Timestamp, Usage, UserId,
};

use crate::support::flow;

pub(crate) fn cents(cents: i64) -> Money {
    Money::from_nanos(cents * 10_000_000)
}

/// The row of a request that `user` made.
pub(crate) fn entry(user: &str, cost: Money, at: Timestamp) -> LedgerEntry {
    LedgerEntry {
        id: AttemptId::mint(at),
        timestamp: at,
        execution_id: None,
        path: None,
        flow_name: flow("f"),
        user_id: UserId::new(user).ok(),
        tenant_id: None,
        provider: "p".to_owned(),
        model: "m".to_owned(),
        usage: Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() },
        cost,
        outcome: AttemptOutcome::Answered,
        unpriced: false,
        duration: Duration::from_millis(40),
    }
}

/// The account of everybody's spending for ever.
pub(crate) fn global(at: Timestamp) -> AccountId {
    account(BudgetScope::Global, "", BudgetWindow::None, at)
}

pub(crate) fn account(
    scope: BudgetScope,
    subject: &str,
    window: BudgetWindow,
    at: Timestamp,
) -> AccountId {
    AccountId::at(BudgetKey { scope, tenant: None, subject: subject.to_owned() }, window, at)
}

/// A reservation of `amount` by the hour from the user and for ever from everybody,
/// each with this limit.
pub(crate) fn reservation(user: &str, amount: Money, limit: Money, at: Timestamp) -> Reservation {
    let hold = |account| BudgetHold { account, amount, limit, hard: true, warn_at: limit };
    Reservation {
        holds: vec![
            hold(account(BudgetScope::User, user, BudgetWindow::Hourly, at)),
            hold(global(at)),
        ],
        entry: LedgerEntry { outcome: AttemptOutcome::Lost, ..entry(user, amount, at) },
        lapses: at.after(Duration::from_secs(60)),
    }
}
