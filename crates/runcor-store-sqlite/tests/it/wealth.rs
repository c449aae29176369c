//! What the tests about money, limits, memories and quality share.

use std::collections::BTreeMap;
use std::time::Duration;

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, BudgetHold, BudgetKey, BudgetScope, BudgetWindow,
    Confidence, Evaluation, ExecutionId, Flag, FlagSource, FlagStatus, LedgerEntry,
    MemoryExpectation, MemoryOwner, MemorySpace, MemoryWrite, Money, RateKey, RateScope, RateTake,
    Reservation, Timestamp, Usage, UserId,
};
use serde_json::json;

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

/// A place in everybody's window of a second, which has three.
pub(crate) fn take(now: Timestamp) -> RateTake {
    let (limit, subject) = ("l".to_owned(), String::new());
    let key = RateKey { limit, scope: RateScope::Global, tenant: None, subject };
    RateTake { key, limit: 3, window: Duration::from_secs(1), now, queue: None }
}

/// A write to an execution's own memory.
pub(crate) fn remember(id: ExecutionId, key: &str, now: Timestamp) -> MemoryWrite {
    MemoryWrite {
        space: MemorySpace { tenant: None, owner: MemoryOwner::Session(id) },
        key: key.to_owned(),
        value: Some(json!({ "of": key })),
        now,
        expires: None,
        expect: MemoryExpectation::Anything,
        max_entries: 100,
    }
}

pub(crate) fn evaluation(id: ExecutionId, now: Timestamp) -> Evaluation {
    Evaluation {
        execution_id: id,
        flow_name: flow("f"),
        user_id: None,
        tenant_id: None,
        timestamp: now,
        evaluator_results: Vec::new(),
        aggregate_scores: BTreeMap::new(),
        overall_score: 0.5,
        confidence: Confidence::Medium,
        labels: Vec::new(),
        errors: Vec::new(),
    }
}

pub(crate) fn flag(id: ExecutionId, now: Timestamp) -> Flag {
    Flag {
        execution_id: id,
        flow_name: flow("f"),
        tenant_id: None,
        status: FlagStatus::Pending,
        reason: "look".to_owned(),
        source: FlagSource::Manual,
        created_at: now,
        updated_at: now,
    }
}
