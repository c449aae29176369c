//! Expiry: what nobody can need any more goes, and nothing else.

use runcor_core::{Batch, BudgetScope, BudgetWindow, EvaluationQuery, Op, Timestamp};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{of_flow, page_of, write};
use crate::store_suite::money_ops::{account_at, hard, outcome_of, top_up_op};
use crate::store_suite::ops::impossible;
use crate::store_suite::quality_ops::evaluation;
use crate::store_suite::subject::{Subject, at, sample};

const YEAR: i64 = 366 * 24 * 3_600_000;

fn expire_op(now: Timestamp, limit: usize) -> Op {
    Op::Expire { now, limit, keep_ledger: None, keep_evaluations: None }
}

pub(crate) async fn accounts_go_long_after_their_window(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let of = |window| account_at(BudgetScope::User, "a", window, at(0));
    let forever = of(BudgetWindow::None);
    let ended = [of(BudgetWindow::Hourly), of(BudgetWindow::Daily), of(BudgetWindow::Monthly)];
    for account in ended.iter().chain([&forever]) {
        let one = subject.reserve(vec![hard(account, 10, 100)]).await;
        subject.settle(&outcome_of(&one, 5)).await;
    }
    let expire = async |millis, limit| {
        subject.commit(Batch::new().with(expire_op(at(millis), limit))).await.expired
    };
    assert_eq!(expire(3_599_999, 9).await, 0, "expected none to go whose window goes on");
    subject.refuse(Batch::new().with(expire_op(at(YEAR), 9)).with(impossible())).await;
    for account in &ended {
        subject.expect_account(account, (5, 0), "after a refused expiry").await;
    }
    assert_eq!(expire(YEAR, 2).await, 2, "expected as many as the limit to go");
    assert_eq!(expire(YEAR, 9).await, 1, "expected the rest to go");
    for account in &ended {
        assert_eq!(subject.account(account).await, None, "expected it to be gone");
    }
    subject.expect_account(&forever, (5, 0), "as its window never ends").await;
    assert_eq!(subject.rows().await.len(), 4, "expected the rows to stay");
}

pub(crate) async fn an_account_that_holds_money_stays(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = account_at(BudgetScope::User, "a", BudgetWindow::Hourly, at(0));
    let [one, two] = [
        subject.reserve(vec![hard(&account, 10, 100)]).await,
        // Nothing is set aside, and yet it is to be booked here.
        subject.reserve(vec![hard(&account, 0, 100)]).await,
    ];
    for (held, booked) in [(one, 5), (two, 12)] {
        let expired = subject.commit(Batch::new().with(expire_op(at(YEAR), 9))).await.expired;
        assert_eq!(expired, 0, "expected the account to stay");
        let cost = if booked == 5 { 5 } else { 7 };
        subject.settle(&outcome_of(&held, cost)).await;
        let reserved = 0;
        subject.expect_account(&account, (booked, reserved), "after a late settlement").await;
    }
    let expired = subject.commit(Batch::new().with(expire_op(at(YEAR), 9))).await.expired;
    assert_eq!(expired, 1, "expected it to go once nothing is held");
}

pub(crate) async fn only_what_is_asked_for_expires(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    subject.remember(&write(&space, "k", serde_json::json!(1))).await;
    let execution = subject.insert(sample()).await;
    subject.evaluate(&evaluation(&execution, 0)).await;
    let forever = account_at(BudgetScope::Global, "", BudgetWindow::None, at(0));
    subject.commit(Batch::new().with(top_up_op(&forever, 5))).await;
    let one = subject.reserve(Vec::new()).await;
    let expired = subject.commit(Batch::new().with(expire_op(Timestamp::MAX, 99))).await.expired;
    assert_eq!(expired, 0, "expected nothing to expire that has no end");
    subject.settle(&outcome_of(&one, 3)).await;
    assert_eq!(subject.keys(&page_of(&space)).await, ["k"], "expected the memory to stay");
    let evaluations = subject.evaluations(&EvaluationQuery::default()).await.items;
    assert_eq!(evaluations.len(), 1, "expected the evaluation to stay");
    assert!(subject.account(&forever).await.is_some(), "expected the account to stay");
    assert_eq!(subject.rows().await.len(), 1, "expected the reservation to have stayed");
    subject.expect(&execution, "as executions are swept, not expired").await;
}
