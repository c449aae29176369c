//! Bills of calls that were given up, and of stores that do not answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use runcor_core::{AttemptOutcome, Batch, Clock, ErrorCode, Meter, Money, Op, StoreError};
use runcor_cost::{BudgetLimits, CostConfig};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{Fate, FaultStore, Gate, StoreCall};

use crate::bed::{Bed, bill_of, hard, micros, output};

fn faulty(limits: BudgetLimits) -> (Arc<FaultStore>, Bed) {
    let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
    let config = CostConfig { budgets: limits, ..CostConfig::default() };
    (Arc::clone(&store), Bed::on(config, store))
}

fn global(amount: i64) -> BudgetLimits {
    BudgetLimits { global: hard(amount), ..BudgetLimits::default() }
}

fn down() -> StoreError {
    StoreError::Unavailable { message: "no line".to_owned() }
}

#[tokio::test]
async fn a_call_that_was_given_up_is_billed_at_the_most_with_the_next_reservation() {
    let (store, bed) = faulty(global(20));
    drop(bed.reserve(&bed.nobody(), 7).await.unwrap());
    assert_eq!(bed.keeper.waiting(), 1);
    let commits = store.commits();
    let held = bed.reserve(&bed.nobody(), 1).await.unwrap();
    assert_eq!((store.commits() - commits, bed.keeper.waiting()), (1, 0));
    let (global, rows) = (bed.global().await, bed.rows().await);
    assert_eq!((global.spent, global.reserved), (micros(7), micros(1)));
    assert_eq!((rows.len(), rows[0].outcome), (1, AttemptOutcome::Cancelled));
    assert!(rows[0].usage.estimated);
    held.failed(Duration::ZERO);
}

#[tokio::test]
async fn a_bill_that_gives_money_back_lets_the_request_pass_that_it_comes_along_with() {
    let (_, bed) = faulty(global(10));
    let held = bed.reserve(&bed.nobody(), 10).await.unwrap();
    held.answered("m", output(1), Duration::ZERO);
    assert_eq!(bed.keeper.waiting(), 1);
    let held = bed.reserve(&bed.nobody(), 9).await.unwrap();
    assert_eq!(bed.global().await.used(), micros(10));
    held.failed(Duration::ZERO);
}

#[tokio::test]
async fn a_second_request_of_one_call_may_spend_what_the_first_gave_back() {
    let (store, bed) = faulty(global(10));
    let scope = bed.nobody();
    bed.reserve(&scope, 10).await.unwrap().failed(Duration::ZERO);
    let commits = store.commits();
    let held = bed.reserve(&scope, 10).await.unwrap();
    assert_eq!(store.commits() - commits, 1);
    held.answered("m", output(2), Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    let (global, rows) = (bed.global().await, bed.rows().await);
    assert_eq!((global.spent, global.reserved, rows.len()), (micros(2), Money::ZERO, 2));
}

#[tokio::test]
async fn bills_that_come_along_with_a_refused_request_are_committed_all_the_same() {
    let (_, bed) = faulty(global(10));
    drop(bed.reserve(&bed.nobody(), 7).await.unwrap());
    bed.reserve(&bed.nobody(), 4).await.unwrap_err();
    assert_eq!((bed.keeper.waiting(), bed.rows().await.len()), (0, 1));
    assert_eq!(bed.global().await.spent, micros(7));
}

#[tokio::test]
async fn a_bill_survives_an_outage_of_the_store() {
    let (store, bed) = faulty(global(99));
    let scope = bed.nobody();
    bed.reserve(&scope, 9).await.unwrap().answered("m", output(2), Duration::ZERO);
    store.begin_outage(down());
    assert!(bed.keeper.settle(scope.take_bill()).await.is_err());
    assert!(bed.keeper.flush().await.is_err());
    assert!(bed.reserve(&bed.nobody(), 1).await.is_err());
    store.recover();
    bed.keeper.flush().await.unwrap();
    let answered = bed.rows().await.into_iter().filter(|row| row.cost == micros(2)).count();
    assert_eq!((answered, bed.keeper.waiting()), (1, 0));
    assert_eq!(bed.global().await.used(), micros(2));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_done_again_and_books_once() {
    let (store, bed) = faulty(global(99));
    let scope = bed.nobody();
    bed.reserve(&scope, 9).await.unwrap().answered("m", output(2), Duration::ZERO);
    store.fail_after(store.commits() + 1, down());
    assert!(bed.keeper.settle(scope.take_bill()).await.is_err());
    bed.keeper.flush().await.unwrap();
    assert_eq!((bed.rows().await.len(), bed.global().await.spent), (1, micros(2)));
}

#[tokio::test]
async fn a_reservation_whose_answer_is_lost_is_given_back_at_nothing() {
    let (store, bed) = faulty(global(10));
    store.fail_after(1, down());
    let refused = bed.reserve(&bed.nobody(), 10).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageUnavailable);
    assert_eq!(bed.global().await.reserved, micros(10));
    bed.keeper.flush().await.unwrap();
    assert_eq!(bed.global().await.used(), Money::ZERO);
    assert_eq!(bed.rows().await[0].cost, Money::ZERO);
}

#[tokio::test]
async fn a_reservation_that_is_given_up_in_its_commit_is_given_back_at_nothing() {
    let (store, bed) = faulty(global(10));
    let gate = Gate::new();
    store.decide_once(|call| matches!(call, StoreCall::Commit(_)), Fate::Hold(gate.clone()));
    let scope = bed.nobody();
    let mut reserving = Box::pin(bed.reserve(&scope, 10));
    assert!(reserving.as_mut().now_or_never().is_none());
    drop(reserving);
    drop(scope);
    bed.keeper.flush().await.unwrap();
    assert_eq!(bed.global().await.used(), Money::ZERO);
    gate.open();
}

#[tokio::test]
async fn a_bill_that_is_given_up_in_its_commit_is_not_lost() {
    let (store, bed) = faulty(global(10));
    let scope = bed.nobody();
    let bill = bill_of(&scope, bed.reserve(&scope, 3).await.unwrap());
    let gate = Gate::new();
    store.decide_once(|call| matches!(call, StoreCall::Commit(_)), Fate::Delay(gate.clone()));
    let mut settling = Box::pin(bed.keeper.settle(bill));
    assert!(settling.as_mut().now_or_never().is_none());
    drop(settling);
    assert_eq!(bed.keeper.waiting(), 1);
    bed.keeper.flush().await.unwrap();
    assert_eq!(bed.global().await.spent, micros(3));
    gate.open();
}

#[tokio::test]
async fn a_row_that_no_store_takes_does_not_keep_the_others_waiting() {
    let (store, bed) = faulty(BudgetLimits::default());
    for used in [1, 2, 3, 4, 5] {
        let held = bed.reserve(&bed.nobody(), 9).await.unwrap();
        held.answered("m", output(used), Duration::ZERO);
    }
    store.decide(|call| match call {
        StoreCall::Commit(batch) if has(batch, micros(3)) => {
            Fate::Refuse(StoreError::Unstorable { message: "no".to_owned() })
        }
        _ => Fate::Pass,
    });
    bed.keeper.flush().await.unwrap();
    let costs: Vec<_> = bed.rows().await.into_iter().map(|row| row.cost).collect();
    assert_eq!(costs, [micros(1), micros(2), micros(4), micros(5)]);
}

fn has(batch: &Batch, cost: Money) -> bool {
    batch.ops.iter().any(|op| matches!(op, Op::Settle(entry) if entry.cost == cost))
}

#[tokio::test]
async fn nobody_spends_what_can_not_be_booked() {
    let (store, bed) = faulty(BudgetLimits::default());
    store.begin_outage(down());
    let entry = {
        let scope = bed.nobody();
        let held = bed.reserve(&scope, 9).await.unwrap();
        bill_of(&scope, held).entries.remove(0)
    };
    let entries = (0..10_000).map(|_| {
        let id = runcor_core::AttemptId::mint(bed.clock.now());
        runcor_core::LedgerEntry { id, ..entry.clone() }
    });
    bed.keeper.leave(runcor_core::Bill { entries: entries.collect() });
    let refused = bed.reserve(&bed.nobody(), 1).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageUnavailable);
    store.recover();
    bed.reserve(&bed.nobody(), 1).await.unwrap().failed(Duration::ZERO);
    bed.keeper.flush().await.unwrap();
    assert_eq!(
        bed.store.ledger().ledger_totals(&Default::default(), None).await.unwrap()[0].count,
        10_001
    );
}

#[tokio::test]
async fn a_request_of_which_nothing_is_heard_lapses_at_the_most_and_its_truth_comes_too_late() {
    let (_, bed) = faulty(global(10));
    let scope = bed.nobody();
    let held = bed.reserve(&scope, 8).await.unwrap();
    let lapse = |bed: &Bed| Op::Lapse { now: bed.clock.now(), limit: 100 };
    bed.clock.advance(Duration::from_secs(15 * 60 - 1));
    bed.store.commit(Batch::new().with(lapse(&bed))).await.unwrap();
    assert_eq!(bed.global().await.reserved, micros(8));
    bed.clock.advance(Duration::from_secs(1));
    bed.store.commit(Batch::new().with(lapse(&bed))).await.unwrap();
    held.answered("m", output(1), Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    let (global, rows) = (bed.global().await, bed.rows().await);
    assert_eq!((global.spent, global.reserved), (micros(8), Money::ZERO));
    assert_eq!((rows.len(), rows[0].outcome), (1, AttemptOutcome::Lost));
}
