//! Many at once: limits hold, and no change gets lost.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;

use runcor_core::{
    Batch, LedgerFilter, MemoryExpectation, MemoryWrite, Money, StoreError, Timestamp,
};

use super::concurrency::at_once;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{counter, of_flow, queue, take, take_op, write};
use crate::store_suite::money_ops::{daily, hard, outcome_of, reservation, reserve_op, settle_op};
use crate::store_suite::subject::{Subject, at, fail, must};

/// Commits batches from tasks of their own; returns how many were applied.
async fn applied(fixture: &StoreFixture, batches: Vec<Batch>) -> usize {
    let commits = batches.into_iter().map(|batch| {
        let store = fixture.store();
        async move { store.commit(batch).await }
    });
    let ends = at_once(commits).await;
    let refused = |error: &StoreError| {
        matches!(error, StoreError::OverBudget(_) | StoreError::RateLimited(_))
    };
    if let Some(error) = ends.iter().filter_map(|end| end.as_ref().err()).find(|e| !refused(e)) {
        fail(format!("expected refusals at the limit only, got: {error}"));
    }
    ends.into_iter().filter(Result::is_ok).count()
}

pub(crate) async fn a_hard_limit_holds_for_all_at_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let shared = daily("all");
    let made = |n: i64| {
        let own = daily(&format!("user {}", n % 5));
        reservation(vec![hard(&own, 10, 1_000), hard(&shared, 10, 105)], 0)
    };
    let batches = (0..60).map(|n| Batch::new().with(reserve_op(&made(n)))).collect();
    let count = applied(&fixture, batches).await;
    assert_eq!(count, 10, "expected as many reservations as have room");
    subject.expect_account(&shared, (0, 100), "after all have tried").await;
    let accounts = subject.accounts(None, at(0), 99).await;
    let own = accounts.iter().filter(|(id, _)| *id != shared);
    let reserved: Money = own.map(|(_, account)| account.reserved).sum();
    assert_eq!(reserved.as_nanos(), 100, "expected nothing of those that were refused");
}

pub(crate) async fn settlements_at_once_add_up(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let shared = daily("all");
    let callers = (0..8).map(|caller: i64| {
        let (subject, shared) = (Subject::new(&fixture), shared.clone());
        async move {
            let mut spent = 0;
            for n in 0..10 {
                let one = reservation(vec![hard(&shared, 20, 500)], 0);
                match subject.store.commit(Batch::new().with(reserve_op(&one))).await {
                    Ok(_) => {
                        let cost = (caller + n) % 21;
                        let settle = settle_op(&outcome_of(&one, cost));
                        // The row twice: once is all that counts.
                        subject.commit(Batch::new().with(settle.clone())).await;
                        subject.commit(Batch::new().with(settle)).await;
                        spent += cost;
                    }
                    Err(StoreError::OverBudget(_)) => {}
                    Err(other) => fail(format!("expected room or none, got: {other}")),
                }
                let account = subject.account(&shared).await.unwrap_or_default();
                assert!(account.used().as_nanos() <= 500, "expected the limit to hold");
            }
            spent
        }
    });
    let spent: i64 = at_once(callers).await.into_iter().sum();
    subject.expect_account(&shared, (spent, 0), "after all have ended").await;
    let totals = subject.totals(&LedgerFilter::default(), None).await;
    let cost: Vec<_> = totals.iter().map(|total| total.cost.as_nanos()).collect();
    assert_eq!(cost, [spent], "expected the ledger to add up to the same");
}

pub(crate) async fn a_rate_limit_holds_for_all_at_once(fixture: StoreFixture) {
    let key = counter("all");
    let batch = |n: i64| {
        let own = take(&counter(&format!("user {n}")), 1, 0);
        Batch::new().with(take_op(&own)).with(take_op(&take(&key, 7, 0)))
    };
    let count = applied(&fixture, (0..40).map(batch).collect()).await;
    assert_eq!(count, 7, "expected as many as the limit lets through");
    let again =
        (0..40).map(|n| Batch::new().with(take_op(&take(&counter(&format!("user {n}")), 1, 0))));
    let count = applied(&fixture, again.collect()).await;
    assert_eq!(count, 33, "expected the counters of those that were refused to be unused");
}

pub(crate) async fn turns_at_once_are_given_once(fixture: StoreFixture) {
    let takers = (0..20).map(|_| {
        let subject = Subject::new(&fixture);
        let wish = queue(&counter("all"), 2, 0);
        async move { subject.store.commit(Batch::new().with(take_op(&wish))).await }
    });
    let ends = at_once(takers).await;
    let mut turns: Vec<Option<Timestamp>> = ends.into_iter().flatten().map(|r| r.turn).collect();
    turns.sort();
    let expected = [None, None, Some(at(1_000)), Some(at(1_000)), Some(at(2_000))];
    assert_eq!(turns, expected, "expected two at a time, and three that wait");
}

pub(crate) async fn no_update_of_a_memory_gets_lost(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    subject.remember(&write(&space, "n", json!(0))).await;
    let all_have_read = Arc::new(Barrier::new(6));
    let writers = (0..6).map(|_| {
        let (subject, space) = (Subject::new(&fixture), space.clone());
        let all_have_read = Arc::clone(&all_have_read);
        async move {
            for round in 0..10 {
                let mut is_first = round == 0;
                loop {
                    let entry = must(subject.recall(&space, "n", at(0)).await, "the entry");
                    // At first everybody reads the same, and only one may be right.
                    if std::mem::take(&mut is_first) {
                        all_have_read.wait().await;
                    }
                    let next = entry.value.as_i64().unwrap_or(0) + 1;
                    let write = MemoryWrite {
                        expect: MemoryExpectation::Version(entry.version),
                        ..write(&space, "n", json!(next))
                    };
                    let op = runcor_core::Op::Remember(Box::new(write));
                    match subject.store.commit(Batch::new().with(op)).await {
                        Ok(_) => break,
                        Err(StoreError::Stale { .. }) => tokio::task::yield_now().await,
                        Err(other) => fail(format!("expected a change or none, got: {other}")),
                    }
                }
            }
        }
    });
    at_once(writers).await;
    let found = subject.value(&space, "n").await;
    assert_eq!(found, Some(json!(60)), "expected every one of sixty changes");
}
