//! A database that version 2 has written opens, everything in it is still there, and it takes
//! what version 3 brings.
//!
//! `tests/fixtures/version_2.rs` tells what is in it and how it was made.

use runcor_core::{
    Batch, ExecutionQuery, LedgerFilter, LedgerQuery, Op, Order, Store, StoreError, Timestamp,
};
use runcor_store_sqlite::{SqliteStore, verify};
use serde_json::{Value, json};

use crate::support::{Home, at, queued};
use crate::wealth::{cents, global, reservation};

const DATABASE: &[u8] = include_bytes!("../fixtures/version-2.db");
const EXPECTED: &str = include_str!("../fixtures/version-2.json");

fn old_home() -> Home {
    let home = Home::new();
    std::fs::write(home.path(), DATABASE).unwrap();
    home
}

/// Puts everything that is in the database into the words in which version 2 told it.
async fn told(store: &SqliteStore) -> Value {
    let query = ExecutionQuery { limit: 100, ..ExecutionQuery::default() };
    let mut executions = Vec::new();
    for execution in store.executions(&query).await.unwrap().items {
        let status = &execution.status;
        let mut journal = Vec::new();
        for entry in store.journal(execution.id()).await.unwrap() {
            let value = store.journal_value(execution.id(), &entry.path).await.unwrap();
            journal.push(json!([entry.path, entry.kind, entry.note, value]));
        }
        executions.push(json!({
            "spec": *execution.spec,
            "state": status.state.as_str(),
            "fence": [status.version, status.epoch],
            "due": status.due.map(Timestamp::as_millis),
            "transitions": status.transitions,
            "result": status.result.as_deref(),
            "journal": journal,
        }));
    }
    let events = store.events(0, 10_000).await.unwrap();
    let events: Vec<_> = events.iter().map(|record| json!([record.seq, record.event])).collect();
    json!({ "executions": executions, "events": events })
}

#[tokio::test]
async fn everything_in_it_is_read_back() {
    let home = old_home();
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    assert_eq!(expected["executions"].as_array().unwrap().len(), 7);
    for round in ["at first", "and again"] {
        let store = home.open();
        assert_eq!(told(&store).await, expected, "{round}");
        store.close().await.unwrap();
        let report = verify(home.path()).unwrap();
        assert_eq!((report.version, report.findings.as_slice()), (3, &[][..]), "{round}");
        assert_eq!(report.checked.packed_journals, 1);
    }
}

#[tokio::test]
async fn it_takes_money_and_its_numbers_go_on() {
    let home = old_home();
    let store = home.open();
    assert!(store.ledger().ledger(&LedgerQuery::default()).await.unwrap().items.is_empty());
    let new = reservation("ada", cents(5), cents(8), at(100));
    let entry = new.entry.clone();
    store.commit(Batch::new().with(Op::Reserve(Box::new(new)))).await.unwrap();
    let over = reservation("ada", cents(5), cents(8), at(101));
    let refused = store.commit(Batch::new().with(Op::Reserve(Box::new(over)))).await;
    assert!(matches!(refused, Err(StoreError::OverBudget(_))), "{refused:?}");
    store.commit(Batch::new().with(Op::Settle(Box::new(entry)))).await.unwrap();
    let account = store.ledger().budget_account(&global(at(100))).await.unwrap().unwrap();
    assert_eq!((account.spent, account.reserved), (cents(5), cents(0)));
    let total = store.ledger().ledger_totals(&LedgerFilter::default(), None).await.unwrap();
    assert_eq!(total[0].cost, cents(5));

    // Number 8 was deleted before the end.
    store.commit(Batch::new().insert(queued("refund", "new"))).await.unwrap();
    let query = ExecutionQuery { order: Order::Newest, limit: 1, ..ExecutionQuery::default() };
    assert_eq!(store.executions(&query).await.unwrap().next.unwrap().number(), 9);
    store.close().await.unwrap();
    assert_eq!(verify(home.path()).unwrap().findings, []);
}
