//! The ledger on disk: what is removed, refused or damaged leaves the totals true.

use runcor_core::{
    Batch, LedgerDimension, LedgerFilter, LedgerQuery, LedgerTotal, Money, Op, Order, Store,
    StoreError, Timestamp,
};
use runcor_store_sqlite::{SqliteStore, verify};

use crate::support::{Home, at};
use crate::wealth::{cents, entry, global, reservation};

const MINUTE: i64 = 60_000;

async fn settle(store: &SqliteStore, user: &str, cost: Money, at: Timestamp) {
    let entry = entry(user, cost, at);
    store.commit(Batch::new().with(Op::Settle(Box::new(entry)))).await.unwrap();
}

async fn total(store: &SqliteStore, from: Option<i64>, to: Option<i64>) -> LedgerTotal {
    let filter = LedgerFilter { from: from.map(at), to: to.map(at), ..LedgerFilter::default() };
    store.ledger().ledger_totals(&filter, None).await.unwrap().remove(0)
}

async fn trim(store: &SqliteStore, keep: u64) -> usize {
    let (now, keep_ledger) = (at(0), Some(keep));
    let expire = Op::Expire { now, limit: 1_000, keep_ledger, keep_evaluations: None };
    store.commit(Batch::new().with(expire)).await.unwrap().expired
}

#[tokio::test]
async fn removed_rows_stay_in_totals_and_ranges_that_meet_add_up_to_the_whole() {
    let home = Home::new();
    let store = home.open();
    for n in 0..300 {
        settle(&store, "ada", Money::from_nanos(1 << (n % 40)), at(n * 7 * MINUTE)).await;
    }
    let whole = total(&store, None, None).await;
    assert_eq!(trim(&store, 120).await, 180);
    assert_eq!(total(&store, None, None).await, whole);
    let (all, by) = (LedgerFilter::default(), Some(LedgerDimension::User));
    let by_user = store.ledger().ledger_totals(&all, by).await.unwrap();
    assert_eq!(by_user[0].cost, whole.cost);
    // Cut anywhere, within hours whose rows are gone, half gone and there.
    for cut in [1, 30 * MINUTE, 1_259 * MINUTE, 1_265 * MINUTE, 1_300 * MINUTE, 2_000 * MINUTE] {
        let mut sum = total(&store, None, Some(cut - 1)).await;
        sum.merge(&total(&store, Some(cut), None).await);
        assert_eq!(sum, whole, "cut at {cut}");
    }
    // Where the rows are there, to the millisecond.
    let rows = total(&store, Some(2_051 * MINUTE), Some(2_065 * MINUTE)).await;
    assert_eq!(rows.count, 3);
    assert_eq!(total(&store, Some(2_051 * MINUTE + 1), Some(2_065 * MINUTE - 1)).await.count, 1);
    store.close().await.unwrap();
    assert_eq!(verify(home.path()).unwrap().findings, []);
}

#[tokio::test]
async fn after_every_row_is_gone_numbers_and_cursors_go_on() {
    let home = Home::new();
    let store = home.open();
    for n in 0..3 {
        settle(&store, "ada", cents(1), at(n)).await;
    }
    assert_eq!(trim(&store, 0).await, 3);
    store.close().await.unwrap();
    let store = home.open();
    for n in 0..2 {
        settle(&store, "bob", cents(1), at(n)).await;
    }
    let query = LedgerQuery { limit: 1, order: Order::Oldest, ..LedgerQuery::default() };
    let page = store.ledger().ledger(&query).await.unwrap();
    assert_eq!(page.next.unwrap().number(), 4);
    assert_eq!(total(&store, None, None).await.cost, cents(5));
    store.close().await.unwrap();
    assert_eq!(verify(home.path()).unwrap().findings, []);
}

#[tokio::test]
async fn a_refused_batch_leaves_nothing_in_the_books() {
    let home = Home::new();
    let store = home.open();
    for round in 0..3 {
        // The names are new to the ledger, and the batch is refused behind them.
        let row = Op::Settle(Box::new(entry("eve", cents(9), at(round))));
        let over = Op::Reserve(Box::new(reservation("eve", cents(2), cents(1), at(round))));
        let refused = store.commit(Batch::new().with(row).with(over)).await;
        assert!(matches!(refused, Err(StoreError::OverBudget(_))), "{refused:?}");
        assert_eq!(total(&store, None, None).await, LedgerTotal::default());
    }
    settle(&store, "eve", cents(3), at(9)).await;
    assert_eq!(total(&store, None, None).await.cost, cents(3));
    store.close().await.unwrap();
    assert_eq!(verify(home.path()).unwrap().findings, []);
}

#[tokio::test]
async fn sums_stop_at_the_largest_number_instead_of_breaking() {
    let home = Home::new();
    let store = home.open();
    for n in 0..3 {
        settle(&store, "ada", Money::from_nanos(i64::MAX), at(n)).await;
        settle(&store, "bob", Money::from_nanos(i64::MAX), at(n)).await;
    }
    let total = total(&store, None, None).await;
    assert_eq!((total.cost.as_nanos(), total.count), (i64::MAX, 6));
}

#[tokio::test]
async fn a_damaged_reservation_is_told_once_settled_and_passed_over_when_all_lapse() {
    let home = Home::new();
    let store = home.open();
    let mut entries = Vec::new();
    for user in ["ada", "bob", "eve"] {
        let new = reservation(user, cents(1), cents(90), at(1));
        entries.push(new.entry.clone());
        store.commit(Batch::new().with(Op::Reserve(Box::new(new)))).await.unwrap();
    }
    let damage = |entry: &runcor_core::LedgerEntry| {
        let id: String = entry.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        home.meddle(&format!("UPDATE reservations SET holds = x'00' WHERE id = x'{id}'"));
    };
    damage(&entries[0]);
    let settled = store.commit(Batch::new().with(Op::Settle(Box::new(entries[0].clone())))).await;
    let Err(StoreError::Corrupt { message }) = settled else { panic!("{settled:?}") };
    assert!(message.contains("reservation") && message.contains("backup"), "{message}");
    // What is whole is settled all the same.
    let lapse = Op::Lapse { now: Timestamp::MAX, limit: 10 };
    let receipt = store.commit(Batch::new().with(lapse.clone())).await.unwrap();
    assert_eq!(receipt.lapsed, 2);
    assert_eq!(store.commit(Batch::new().with(lapse)).await.unwrap().lapsed, 0);
    let account = store.ledger().budget_account(&global(at(1))).await.unwrap().unwrap();
    assert_eq!((account.spent, account.reserved), (cents(2), cents(1)));
    store.close().await.unwrap();
    let rules: Vec<_> =
        verify(home.path()).unwrap().findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&"reservations-are-whole"), "{rules:?}");
}
