//! Money, rate limits, memories and quality in a history.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, BudgetHold, BudgetKey, BudgetScope, BudgetWindow,
    Confidence, Evaluation, ExecutionId, Flag, FlagSource, FlagStatus, LedgerEntry, LedgerFilter,
    LedgerTotal, MemoryExpectation, MemoryOwner, MemorySpace, MemoryWrite, Money, Op, RateKey,
    RateQueue, RateScope, RateTake, Reservation, Usage, UserId,
};

use super::world::{at, flow};
use crate::state::State;

/// One step of a history; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Governed {
    Reserve(u8, i64),
    Settle(u8, i64),
    Lapse(usize),
    TopUp(u8),
    Take(usize, bool),
    Remember(usize, u8, Option<i64>, u8),
    ForgetAll(usize),
    Await,
    Evaluate,
    Skip,
    Flag(usize),
    Expire(usize, u64),
}

pub(super) fn governed() -> impl Strategy<Value = Governed> {
    prop_oneof![
        4 => (0_u8..9, 1_i64..60).prop_map(|(n, amount)| Governed::Reserve(n, amount)),
        4 => (0_u8..9, 0_i64..60).prop_map(|(n, cost)| Governed::Settle(n, cost)),
        1 => (0_usize..3).prop_map(Governed::Lapse),
        1 => (0_u8..3).prop_map(Governed::TopUp),
        4 => (0_usize..3, any::<bool>()).prop_map(|(n, waits)| Governed::Take(n, waits)),
        6 => (0_usize..3, 0_u8..4, proptest::option::of(1_i64..30), 0_u8..4)
            .prop_map(|(space, key, ends, what)| Governed::Remember(space, key, ends, what)),
        1 => (0_usize..3).prop_map(Governed::ForgetAll),
        1 => Just(Governed::Await),
        2 => Just(Governed::Evaluate),
        1 => Just(Governed::Skip),
        3 => (0_usize..4).prop_map(Governed::Flag),
        2 => (0_usize..4, 0_u64..4).prop_map(|(limit, keep)| Governed::Expire(limit, keep)),
    ]
}

const LIMIT: i64 = 100;

fn account(n: u8, now: i64) -> AccountId {
    let (scope, tenant) = (BudgetScope::User, None);
    let key = BudgetKey { scope, tenant, subject: (n % 3).to_string() };
    // Windows end during a history.
    AccountId::at(key, BudgetWindow::Custom(Duration::from_millis(25)), at(now))
}

fn row(n: u8, cost: i64, now: i64, id: ExecutionId) -> LedgerEntry {
    LedgerEntry {
        id: AttemptId::from_bytes([n; 16]),
        timestamp: at(now * 1_000_000),
        execution_id: n.is_multiple_of(2).then_some(id),
        path: None,
        flow_name: flow(usize::from(n)),
        user_id: (n > 3).then(|| UserId::new("u").unwrap()),
        tenant_id: None,
        provider: "p".to_owned(),
        model: (n % 2).to_string(),
        usage: Usage { prompt_tokens: u64::from(n), ..Usage::default() },
        cost: Money::from_nanos(cost),
        outcome: if n == 5 { AttemptOutcome::Replayed } else { AttemptOutcome::Answered },
        unpriced: n == 7,
        duration: Duration::ZERO,
    }
}

fn reservation(n: u8, amount: i64, now: i64, id: ExecutionId) -> Reservation {
    let hold = |which: u8| BudgetHold {
        account: account(which, now),
        amount: Money::from_nanos(amount),
        limit: Money::from_nanos(LIMIT),
        hard: true,
        warn_at: Money::from_nanos(50),
    };
    // A loss costs no more than what was set aside.
    let entry = row(n, amount, now, id);
    Reservation { entry, holds: vec![hold(n), hold(n + 1)], lapses: at(now + 12) }
}

fn space(n: usize, id: ExecutionId) -> MemorySpace {
    let owner = match n {
        0 => MemoryOwner::Tool(flow(0)),
        1 => MemoryOwner::User(UserId::new("u").unwrap()),
        _ => MemoryOwner::Session(id),
    };
    MemorySpace { tenant: None, owner }
}

fn evaluation(id: ExecutionId, now: i64) -> Evaluation {
    Evaluation {
        execution_id: id,
        flow_name: flow(0),
        user_id: None,
        tenant_id: None,
        timestamp: at(now),
        evaluator_results: Vec::new(),
        aggregate_scores: std::collections::BTreeMap::new(),
        overall_score: 0.5,
        confidence: Confidence::Low,
        labels: Vec::new(),
        errors: Vec::new(),
    }
}

/// Makes the operation of a step about the execution `id`, as somebody would who sees `state`.
pub(super) fn op(state: &State, step: &Governed, id: ExecutionId, now: i64) -> Op {
    match step {
        Governed::Reserve(n, amount) => Op::Reserve(Box::new(reservation(*n, *amount, now, id))),
        Governed::Settle(n, cost) => {
            // What is settled costs no more than what was set aside, as hard limits presume.
            let held = state.funds.reservations.get(AttemptId::from_bytes([*n; 16]));
            let most = held.map_or(*cost, |held| held.reservation.entry.cost.as_nanos());
            Op::Settle(Box::new(row(*n, (*cost).min(most), now, id)))
        }
        Governed::Lapse(limit) => Op::Lapse { now: at(now), limit: *limit },
        Governed::TopUp(n) => {
            Op::TopUp { account: Box::new(account(*n, now)), amount: Money::from_nanos(5) }
        }
        Governed::Take(n, waits) => {
            let (limit, scope) = (n.to_string(), RateScope::Global);
            let key = RateKey { limit, scope, tenant: None, subject: String::new() };
            let queue = RateQueue { depth: 2, timeout: Duration::from_millis(40) };
            let (window, queue) = (Duration::from_millis(20), waits.then_some(queue));
            Op::Take(Box::new(RateTake { key, limit: 2, window, now: at(now), queue }))
        }
        Governed::Remember(which, key, ends, what) => {
            let (space, key) = (space(*which, id), format!("k{key}"));
            let found = state.memories.entry(&space, &key, at(now));
            let expect = match (what, found) {
                (0, _) => MemoryExpectation::Absent,
                (1, Some(entry)) => MemoryExpectation::Version(entry.version),
                _ => MemoryExpectation::Anything,
            };
            let value = (*what != 3).then(|| json!(now));
            let (now, expires) = (at(now), ends.map(|ends| at(now + ends)));
            let max_entries = 3;
            let write = MemoryWrite { space, key, value, now, expires, expect, max_entries };
            Op::Remember(Box::new(write))
        }
        Governed::ForgetAll(which) => Op::ForgetAll(Box::new(space(*which, id))),
        Governed::Await => Op::AwaitEvaluation { id },
        Governed::Evaluate => Op::Evaluate(Box::new(evaluation(id, now))),
        Governed::Skip => Op::SkipEvaluation { id },
        Governed::Flag(stage) => {
            let status = FlagStatus::ALL[stage % 3];
            let flag = Flag {
                execution_id: id,
                flow_name: flow(0),
                tenant_id: None,
                status,
                reason: String::new(),
                source: FlagSource::Auto,
                created_at: at(now),
                updated_at: at(now),
            };
            Op::Flag { flag: Box::new(flag), expect: state.quality.flag_status(id) }
        }
        Governed::Expire(limit, keep) => {
            let (keep_ledger, keep_evaluations) = (Some(*keep), Some(*keep));
            Op::Expire { now: at(now), limit: *limit, keep_ledger, keep_evaluations }
        }
    }
}

/// Adds everything up anew and compares.
pub(super) fn audit(state: &State) {
    let mut reserved: HashMap<AccountId, Money> = HashMap::new();
    for n in 0..9 {
        let held = state.funds.reservations.get(AttemptId::from_bytes([n; 16]));
        for hold in held.iter().flat_map(|held| &held.reservation.holds) {
            *reserved.entry(hold.account.clone()).or_default() += hold.amount;
        }
    }
    let accounts = state.funds.accounts.open_at(None, at(i64::MIN), usize::MAX);
    for (id, balance) in accounts {
        assert_eq!(balance.reserved, reserved.remove(&id).unwrap_or_default(), "{id:?}");
        let limit = Money::from_nanos(LIMIT) + balance.topped_up;
        assert!(balance.used() <= limit, "{id:?} {balance:?}");
    }
    assert!(reserved.is_empty(), "money is held in accounts that are gone: {reserved:?}");
    let whole = state.funds.ledger.totals(&LedgerFilter::default(), None);
    let mut sum = LedgerTotal::default();
    let by_user = Some(runcor_core::LedgerDimension::User);
    for total in state.funds.ledger.totals(&LedgerFilter::default(), by_user) {
        sum.merge(&total);
    }
    assert_eq!(whole, [sum]);
    for record in state.executions.records.values() {
        let status = state.quality.flag_status(record.execution.id());
        let is_open = status.is_some_and(|status| status != FlagStatus::Resolved);
        assert_eq!(record.is_kept, is_open, "{:?}", record.execution);
    }
}
