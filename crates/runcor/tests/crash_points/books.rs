//! The books after a crash: budgets hold, the ledger agrees with them, memory was written once.

use std::collections::BTreeMap;

use runcor::engine::Timestamp;
use runcor::flow::FlowName;
use runcor::governance::{
    AttemptOutcome, BudgetScope, LedgerEntry, LedgerQuery, MemoryOwner, MemorySpace,
};
use runcor::model::Money;
use runcor::store::Store;
use serde_json::json;

use crate::child::KEYS;
use crate::runtime::LIMIT;

/// Checks what holds at every instant, also in what a dead process left.
pub(crate) async fn check_always(store: &dyn Store, now: Timestamp, place: &str) {
    let accounts = store.ledger().budget_accounts(None, now, 1_000).await.unwrap();
    for (id, account) in &accounts {
        assert!(account.used() <= LIMIT, "{place}: {} holds {account:?}", id.key);
        assert!(account.reserved >= Money::ZERO, "{place}: {} holds {account:?}", id.key);
    }
}

/// Checks what holds when everything has ended.
pub(crate) async fn check_in_the_end(
    store: &dyn Store,
    now: Timestamp,
    effects: &BTreeMap<String, usize>,
    place: &str,
) {
    check_always(store, now, place).await;
    let query = LedgerQuery { limit: 10_000, ..LedgerQuery::default() };
    let ledger = store.ledger().ledger(&query).await.unwrap().items;
    let spent: Money = ledger.iter().map(|row| row.cost).sum();
    for (id, account) in store.ledger().budget_accounts(None, now, 1_000).await.unwrap() {
        assert_eq!(account.reserved, Money::ZERO, "{place}: {} still holds money", id.key);
        if id.key.scope != BudgetScope::Execution {
            assert_eq!(account.spent, spent, "{place}: {} and the ledger differ", id.key);
        }
    }
    check_rows(&ledger, effects, place);
    check_memory(store, now, place).await;
}

/// Every request that a vendor has seen is a row, and every answer was paid once.
fn check_rows(ledger: &[LedgerEntry], effects: &BTreeMap<String, usize>, place: &str) {
    let mut requests: BTreeMap<String, usize> = BTreeMap::new();
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for row in ledger.iter().filter(|row| row.outcome != AttemptOutcome::Replayed) {
        let (Some(id), Some(path)) = (row.execution_id, &row.path) else { continue };
        let key = format!("{id}:{path}");
        *requests.entry(key.clone()).or_default() += 1;
        if row.outcome == AttemptOutcome::Answered {
            *answers.entry(key).or_default() += 1;
        }
    }
    for (key, seen) in effects {
        let rows = requests.get(key).copied().unwrap_or(0);
        assert!(rows >= *seen, "{place}: {key} was asked {seen} times and has {rows} rows");
        assert_eq!(answers.get(key), Some(&1), "{place}: {key} was paid more than once, or never");
    }
}

/// Each execution counted itself once, and left nothing of its own behind.
async fn check_memory(store: &dyn Store, now: Timestamp, place: &str) {
    let owner = MemoryOwner::Tool("main".parse::<FlowName>().unwrap());
    let space = MemorySpace { tenant: None, owner };
    for key in ["count", "count in steps"] {
        let entry = store.memories().memory(&space, key, now).await.unwrap();
        let count = entry.map(|entry| entry.value);
        assert_eq!(count, Some(json!(KEYS.len())), "{place}: {key}");
    }
}
