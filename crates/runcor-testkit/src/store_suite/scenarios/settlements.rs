//! Settlements: the truth takes the place of what was set aside, once.

use runcor_core::{AttemptOutcome, Batch, BudgetScope, BudgetWindow, LedgerEntry};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::money_ops::{
    account_at, daily, expect_over_budget, hard, outcome_of, reservation, reserve_op, row_at,
    settle_op,
};
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, at, sample};

pub(crate) async fn the_cost_takes_the_place_of_what_was_set_aside(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b] = ["a", "b"].map(daily);
    let one = subject.reserve(vec![hard(&a, 50, 100), hard(&b, 40, 100)]).await;
    let two = subject.reserve(vec![hard(&a, 50, 100)]).await;
    let entry = outcome_of(&one, 4);
    subject.settle(&entry).await;
    subject.expect_account(&a, (4, 50), "after one settlement").await;
    subject.expect_account(&b, (4, 0), "after one settlement").await;
    assert_eq!(
        subject.rows().await,
        std::slice::from_ref(&entry),
        "expected the row as it was settled"
    );
    let failed = LedgerEntry { outcome: AttemptOutcome::Failed, ..outcome_of(&two, 0) };
    subject.settle(&failed).await;
    subject.expect_account(&a, (4, 0), "after a request that failed").await;
    assert_eq!(subject.rows().await, [entry, failed], "expected failed requests as well");
}

pub(crate) async fn a_settlement_happens_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let one = subject.reserve(vec![hard(&account, 50, 100)]).await;
    let entry = outcome_of(&one, 4);
    for cost in [4, 4, 30] {
        subject.settle(&outcome_of(&one, cost)).await;
        subject.expect_account(&account, (4, 0), "after the first of several settlements").await;
    }
    let batch = Batch::new().with(settle_op(&entry)).with(settle_op(&entry));
    subject.commit(batch).await;
    subject.expect_account(&account, (4, 0), "after the same row twice in a batch").await;
    assert_eq!(subject.rows().await, [entry], "expected one row, the first");
}

pub(crate) async fn what_costs_more_than_was_set_aside_is_booked_whole(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let one = subject.reserve(vec![hard(&account, 90, 100)]).await;
    subject.settle(&outcome_of(&one, 130)).await;
    subject.expect_account(&account, (130, 0), "after it cost more").await;
    let next = reservation(vec![hard(&account, 0, 100)], 0);
    let refused = subject.refuse(Batch::new().with(reserve_op(&next))).await;
    assert_eq!(expect_over_budget(refused).spent.as_nanos(), 130, "expected no room any more");
}

pub(crate) async fn a_settlement_books_in_the_window_of_its_reservation(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let hourly = |now| account_at(BudgetScope::Global, "", BudgetWindow::Hourly, now);
    let hour = 3_600_000;
    let (early, late) = (hourly(at(0)), hourly(at(hour)));
    let one = subject.reserve(vec![hard(&early, 50, 100)]).await;
    // It ends, and is noted, when the next window has long begun.
    let entry = LedgerEntry { timestamp: at(hour + 5), ..outcome_of(&one, 20) };
    subject.settle(&entry).await;
    subject.expect_account(&early, (20, 0), "after a settlement beyond the edge").await;
    assert_eq!(subject.account(&late).await, None, "expected nothing in the next window");
}

pub(crate) async fn a_row_without_a_reservation_is_kept_and_books_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    subject.reserve(vec![hard(&account, 10, 100)]).await;
    let entry = row_at(0, 25);
    subject.settle(&entry).await;
    subject.expect_account(&account, (0, 10), "after somebody else's row").await;
    assert_eq!(subject.rows().await, std::slice::from_ref(&entry), "expected the row");
    // Its identity is taken, so nothing is set aside under it any more.
    let mut late = reservation(vec![hard(&account, 20, 100)], 0);
    late.entry.id = entry.id;
    subject.commit(Batch::new().with(reserve_op(&late))).await;
    subject.expect_account(&account, (0, 10), "after a reservation of a settled request").await;
}

pub(crate) async fn a_request_is_reserved_and_settled_in_one_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let one = reservation(vec![hard(&account, 90, 100)], 0);
    let two = reservation(vec![hard(&account, 90, 100)], 0);
    let batch = Batch::new()
        .with(reserve_op(&one))
        .with(settle_op(&outcome_of(&one, 10)))
        .with(reserve_op(&two));
    subject.commit(batch).await;
    subject.expect_account(&account, (10, 90), "after the batch").await;
}

pub(crate) async fn a_refused_operation_takes_back_a_settlement(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let one = subject.reserve(vec![hard(&account, 50, 100)]).await;
    let entry = LedgerEntry { execution_id: Some(sample().build().id()), ..outcome_of(&one, 4) };
    let totals = subject.totals(&Default::default(), None).await;
    let batch = Batch::new().with(settle_op(&entry)).with(settle_op(&row_at(1, 9)));
    subject.refuse(batch.with(impossible())).await;
    subject.expect_account(&account, (0, 50), "after a refused settlement").await;
    assert!(subject.rows().await.is_empty(), "expected no row of a refused batch");
    let found = subject.totals(&Default::default(), None).await;
    assert_eq!(found, totals, "expected the totals of before");
    subject.settle(&entry).await;
    subject.expect_account(&account, (4, 0), "once it was settled").await;
}

pub(crate) async fn reservations_lapse_at_their_instant_the_earliest_first(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let mut made = Vec::new();
    for (millis, cost) in [(300, 3), (100, 1), (200, 2)] {
        let mut one = reservation(vec![hard(&account, 10, 100)], cost);
        one.lapses = at(millis);
        subject.commit(Batch::new().with(reserve_op(&one))).await;
        made.push(one.entry);
    }
    assert_eq!(subject.lapse(at(99), 9).await, 0, "expected nothing to lapse too early");
    assert_eq!(subject.lapse(at(300), 0).await, 0, "expected nothing for limit 0");
    assert_eq!(subject.lapse(at(100), 9).await, 1, "expected one to lapse at its instant");
    subject.expect_account(&account, (1, 20), "after the first lapsed").await;
    assert_eq!(subject.lapse(at(300), 1).await, 1, "expected as many as the limit");
    assert_eq!(subject.lapse(at(300), 9).await, 1, "expected the rest");
    subject.expect_account(&account, (6, 0), "after all have lapsed").await;
    made.sort_by_key(|entry| entry.cost);
    assert_eq!(subject.rows().await, made, "expected the rows that the reservations brought");
}

pub(crate) async fn what_has_lapsed_is_not_settled_again(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let one = reservation(vec![hard(&account, 50, 100)], 40);
    subject.commit(Batch::new().with(reserve_op(&one))).await;
    subject.lapse(at(60_000), 9).await;
    subject.settle(&outcome_of(&one, 4)).await;
    subject.expect_account(&account, (40, 0), "after a settlement that came too late").await;
    assert_eq!(subject.rows().await, [one.entry], "expected the row of the lapse to stay");
    assert_eq!(subject.lapse(at(60_000), 9).await, 0, "expected nothing more to lapse");
}

pub(crate) async fn what_was_settled_does_not_lapse(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let one = subject.reserve(vec![hard(&daily("a"), 50, 100)]).await;
    subject.settle(&outcome_of(&one, 4)).await;
    assert_eq!(subject.lapse(at(99_999), 9).await, 0, "expected nothing to lapse");
    let without = subject.reserve(Vec::new()).await;
    assert_eq!(subject.lapse(at(99_999), 9).await, 1, "expected also one without holds to lapse");
    let rows = subject.rows().await;
    assert_eq!(rows.last(), Some(&without.entry), "expected its row");
}

pub(crate) async fn a_refused_operation_takes_back_a_lapse(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    for cost in [1, 2] {
        let one = reservation(vec![hard(&account, 10, 100)], cost);
        subject.commit(Batch::new().with(reserve_op(&one))).await;
    }
    let lapse = runcor_core::Op::Lapse { now: at(60_000), limit: 9 };
    subject.refuse(Batch::new().with(lapse).with(impossible())).await;
    subject.expect_account(&account, (0, 20), "after a refused lapse").await;
    assert!(subject.rows().await.is_empty(), "expected no row of a refused batch");
    assert_eq!(subject.lapse(at(60_000), 9).await, 2, "expected both to lapse afterwards");
    subject.expect_account(&account, (3, 0), "after both have lapsed").await;
}
