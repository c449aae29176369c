//! Reservations: money is set aside in every account or in none, and never beyond a hard limit.

use runcor_core::{Batch, BudgetHold, BudgetScope, BudgetVerdict, Event, Op, VerdictKind};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::money_ops::{
    account_at, daily, expect_over_budget, hard, nanos, outcome_of, reservation, reserve_op,
    settle_op, soft,
};
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, at, sample};

pub(crate) async fn money_is_set_aside_in_each_account(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b] = ["a", "b"].map(daily);
    assert_eq!(subject.account(&a).await, None, "expected no account before the first use");
    subject.reserve(vec![hard(&a, 10, 100), hard(&b, 20, 100)]).await;
    subject.reserve(vec![hard(&a, 5, 100)]).await;
    subject.expect_account(&a, (0, 15), "after two reservations").await;
    subject.expect_account(&b, (0, 20), "after one reservation").await;
    assert!(subject.rows().await.is_empty(), "expected no row before the settlement");
}

pub(crate) async fn a_hard_limit_is_met_exactly_and_never_exceeded(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let first = subject.reserve(vec![hard(&account, 60, 100)]).await;
    subject.settle(&outcome_of(&first, 30)).await;
    subject.reserve(vec![hard(&account, 70, 100)]).await;
    let beyond = reservation(vec![hard(&account, 1, 100)], 0);
    let refused = subject.refuse(Batch::new().with(reserve_op(&beyond))).await;
    let refusal = expect_over_budget(refused);
    assert_eq!(refusal.account, account, "expected the refusal to name the account");
    let told = [refusal.limit, refusal.spent, refusal.reserved, refusal.amount];
    let told = told.map(runcor_core::Money::as_nanos);
    assert_eq!(told, [100, 30, 70, 1], "expected limit, spent, reserved and amount");
    assert_eq!(refusal.until, account.until(), "expected the end of the window");
    subject.expect_account(&account, (30, 70), "after a refusal").await;
}

pub(crate) async fn a_refused_reservation_changes_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let accounts = ["a", "b", "c", "d"].map(daily);
    let [a, b, c, d] = &accounts;
    subject.reserve(vec![hard(b, 50, 100)]).await;
    let holds = vec![hard(a, 60, 100), hard(b, 50, 100), hard(c, 11, 10), hard(d, 1, 10)];
    let (refused, events) = (reservation(holds, 5), subject.last_event().await);
    let execution = sample().build();
    let before = reservation(vec![hard(d, 3, 10)], 0);
    let batch = Batch::new()
        .insert(execution.clone())
        .with(reserve_op(&before))
        .with(Op::Emit(Event::Ready))
        .with(reserve_op(&refused));
    let refusal = expect_over_budget(subject.refuse(batch).await);
    assert_eq!(refusal.account, *c, "expected the account that has no room");
    for (account, reserved) in accounts.iter().zip([0, 50, 0, 0]) {
        subject.expect_account(account, (0, reserved), "after a refused batch").await;
    }
    assert_eq!(subject.find(execution.id()).await, None, "expected no execution of the batch");
    assert_eq!(subject.last_event().await, events, "expected no event of the batch");
    assert_eq!(subject.lapse(at(60_000), 9).await, 1, "expected only the earlier reservation");
}

pub(crate) async fn the_first_hold_in_order_that_refuses_is_told(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b, c] = ["z", "b", "a"].map(daily);
    let holds = vec![soft(&a, 99, 1), hard(&b, 9, 8), hard(&c, 9, 1)];
    let refused = subject.refuse(Batch::new().with(reserve_op(&reservation(holds, 0)))).await;
    assert_eq!(expect_over_budget(refused).account, b, "expected the first that refuses");
}

pub(crate) async fn a_reservation_is_made_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b] = ["a", "b"].map(daily);
    let first = subject.reserve(vec![hard(&a, 60, 100)]).await;
    let mut again = first.clone();
    again.holds = vec![hard(&a, 90, 100), hard(&b, 9, 1)];
    let receipt = subject.commit(Batch::new().with(reserve_op(&again))).await;
    assert!(receipt.verdicts.is_empty(), "expected nothing to be told the second time");
    subject.expect_account(&a, (0, 60), "after the same reservation again").await;
    assert_eq!(subject.account(&b).await, None, "expected nothing of the second reservation");
    subject.settle(&outcome_of(&first, 7)).await;
    subject.expect_account(&a, (7, 0), "after its settlement").await;
    subject.commit(Batch::new().with(reserve_op(&first))).await;
    subject.expect_account(&a, (7, 0), "after it was reserved once more").await;
}

pub(crate) async fn what_is_beyond_a_soft_limit_is_told(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let first = reservation(vec![soft(&account, 100, 100)], 0);
    let receipt = subject.commit(Batch::new().with(reserve_op(&first))).await;
    assert!(receipt.verdicts.is_empty(), "expected nothing at the limit");
    for used in [101, 102] {
        let next = reservation(vec![soft(&account, 1, 100)], 0);
        let receipt = subject.commit(Batch::new().with(reserve_op(&next))).await;
        let (limit, used) = (nanos(100), nanos(used));
        let kind = VerdictKind::Exceeded;
        let expected = BudgetVerdict { account: account.clone(), limit, used, kind };
        assert_eq!(receipt.verdicts, [expected], "expected each use beyond the limit to be told");
    }
}

fn warning(subject: &str, amount: i64) -> BudgetHold {
    BudgetHold { warn_at: nanos(80), ..hard(&daily(subject), amount, 100) }
}

pub(crate) async fn a_warning_is_told_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let told = async |batch: Batch| {
        let verdicts = subject.commit(batch).await.verdicts;
        let told = verdicts.into_iter().map(|verdict| (verdict.kind, verdict.used.as_nanos()));
        told.collect::<Vec<_>>()
    };
    let reserve = |amount| reserve_op(&reservation(vec![warning("a", amount)], 0));
    assert_eq!(told(Batch::new().with(reserve(79))).await, [], "expected none below the mark");
    subject.refuse(Batch::new().with(reserve(1)).with(impossible())).await;
    let warned = told(Batch::new().with(reserve(1))).await;
    let expected = [(VerdictKind::Warning, 80)];
    assert_eq!(warned, expected, "expected the warning at the mark, also after a refused one");
    assert_eq!(told(Batch::new().with(reserve(1))).await, [], "expected it once");
    let next_day =
        account_at(BudgetScope::User, "a", runcor_core::BudgetWindow::Daily, at(24 * 3_600_000));
    let hold = BudgetHold { account: next_day, ..warning("a", 85) };
    let warned = told(Batch::new().with(reserve_op(&reservation(vec![hold], 0)))).await;
    assert_eq!(warned, [(VerdictKind::Warning, 85)], "expected one for the next window");
}

pub(crate) async fn verdicts_come_in_the_order_of_the_holds(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let holds = vec![soft(&daily("z"), 2, 1), warning("m", 90), soft(&daily("a"), 2, 1)];
    let batch = Batch::new().with(reserve_op(&reservation(holds, 0)));
    let other = reservation(vec![soft(&daily("k"), 2, 1)], 0);
    let verdicts = subject.commit(batch.with(reserve_op(&other))).await.verdicts;
    let told: Vec<_> =
        verdicts.iter().map(|verdict| verdict.account.key.subject.as_str()).collect();
    assert_eq!(told, ["z", "m", "a", "k"], "expected the verdicts in the order of the holds");
}

pub(crate) async fn a_refused_operation_takes_back_a_reservation(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b] = ["a", "b"].map(daily);
    subject.reserve(vec![hard(&a, 10, 100)]).await;
    let next = reservation(vec![hard(&a, 90, 100), hard(&b, 5, 100)], 0);
    let batch = Batch::new().with(reserve_op(&next)).with(settle_op(&outcome_of(&next, 8)));
    subject.refuse(batch.with(impossible())).await;
    subject.expect_account(&a, (0, 10), "after a refused batch").await;
    assert_eq!(subject.account(&b).await, None, "expected no account of a refused batch");
    assert!(subject.rows().await.is_empty(), "expected no row of a refused batch");
    subject.commit(Batch::new().with(reserve_op(&next))).await;
    subject.expect_account(&a, (0, 100), "once it was made").await;
    subject.expect_account(&b, (0, 5), "once it was made").await;
    assert_eq!(subject.lapse(at(60_000), 9).await, 2, "expected both to lapse");
}
