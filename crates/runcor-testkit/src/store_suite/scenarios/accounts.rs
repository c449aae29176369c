//! Accounts: each owner and each window has its own, and a limit can be added to.

use std::time::Duration;

use runcor_core::{AccountId, Batch, BudgetKey, BudgetScope, BudgetWindow, Timestamp};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::money_ops::{
    account_at, daily, expect_over_budget, hard, nanos, outcome_of, reservation, reserve_op,
    tenant, top_up_op,
};
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, at, must};

const HOUR: i64 = 3_600_000;

fn of_tenant(name: Option<&str>, subject: &str) -> AccountId {
    let tenant = name.map(tenant);
    let key = BudgetKey { scope: BudgetScope::User, tenant, subject: subject.to_owned() };
    AccountId::at(key, BudgetWindow::Daily, at(0))
}

pub(crate) async fn owners_have_accounts_of_their_own(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut accounts = vec![
        of_tenant(Some("a"), "b"),
        of_tenant(Some("a:b"), ""),
        of_tenant(Some("a"), "b:c"),
        of_tenant(Some("a:b"), "c"),
        of_tenant(Some("A"), "b"),
        of_tenant(None, "b"),
        of_tenant(None, "a:b"),
        of_tenant(None, "a b"),
        of_tenant(None, ""),
        of_tenant(None, "é"),
        of_tenant(None, "e\u{301}"),
    ];
    let scopes = BudgetScope::ALL.into_iter().filter(|scope| *scope != BudgetScope::User);
    accounts.extend(scopes.map(|scope| account_at(scope, "b", BudgetWindow::Daily, at(0))));
    for account in &accounts {
        let one = subject.reserve(vec![hard(account, 100, 100)]).await;
        subject.settle(&outcome_of(&one, 1)).await;
    }
    for account in &accounts {
        subject.expect_account(account, (1, 0), "beside accounts with similar names").await;
    }
}

pub(crate) async fn windows_have_accounts_of_their_own(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let of = |window, millis| account_at(BudgetScope::Global, "", window, at(millis));
    let custom = |millis| BudgetWindow::Custom(Duration::from_millis(millis));
    // The scenarios' time begins with a year, so all of them begin at once.
    let accounts = [
        of(BudgetWindow::None, 0),
        of(BudgetWindow::Hourly, 0),
        of(BudgetWindow::Hourly, HOUR),
        of(BudgetWindow::Daily, 0),
        of(BudgetWindow::Daily, 24 * HOUR),
        of(BudgetWindow::Monthly, 0),
        of(BudgetWindow::Monthly, 31 * 24 * HOUR),
        of(custom(3_600_000), 0),
        of(custom(60_000), 0),
        of(custom(60_000), 60_000),
    ];
    for account in &accounts {
        subject.reserve(vec![hard(account, 100, 100)]).await;
    }
    for account in &accounts {
        subject.expect_account(account, (0, 100), "beside other windows").await;
    }
}

pub(crate) async fn a_window_that_has_ended_makes_room(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let hourly = |now| account_at(BudgetScope::Global, "", BudgetWindow::Hourly, at(now));
    subject.reserve(vec![hard(&hourly(HOUR - 1), 100, 100)]).await;
    let full = reservation(vec![hard(&hourly(HOUR - 1), 1, 100)], 0);
    expect_over_budget(subject.refuse(Batch::new().with(reserve_op(&full))).await);
    subject.reserve(vec![hard(&hourly(HOUR), 100, 100)]).await;
}

pub(crate) async fn a_top_up_raises_the_limit_of_its_window(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    subject.reserve(vec![hard(&account, 100, 100)]).await;
    let next = reservation(vec![hard(&account, 30, 100)], 0);
    let refused = subject.refuse(Batch::new().with(reserve_op(&next))).await;
    assert_eq!(expect_over_budget(refused).limit, nanos(100), "expected the limit");
    subject.commit(Batch::new().with(top_up_op(&account, 20))).await;
    let refused = subject.refuse(Batch::new().with(reserve_op(&next))).await;
    assert_eq!(expect_over_budget(refused).limit, nanos(120), "expected the top-up in the limit");
    subject.commit(Batch::new().with(top_up_op(&account, 10))).await;
    subject.commit(Batch::new().with(reserve_op(&next))).await;
    let found = must(subject.account(&account).await, "the account");
    assert_eq!(found.topped_up, nanos(30), "expected top-ups to add up");
    subject.expect_account(&account, (0, 130), "after the top-ups").await;
    let tomorrow = account_at(BudgetScope::User, "a", BudgetWindow::Daily, at(24 * HOUR));
    let beyond = reservation(vec![hard(&tomorrow, 101, 100)], 0);
    expect_over_budget(subject.refuse(Batch::new().with(reserve_op(&beyond))).await);
}

pub(crate) async fn an_account_may_be_topped_up_before_it_is_used(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let account = daily("a");
    let batch = || Batch::new().with(top_up_op(&account, 50));
    subject.refuse(batch().with(impossible())).await;
    assert_eq!(subject.account(&account).await, None, "expected nothing of a refused top-up");
    subject.commit(batch()).await;
    subject.reserve(vec![hard(&account, 150, 100)]).await;
    subject.refuse(batch().with(impossible())).await;
    let found = must(subject.account(&account).await, "the account");
    assert_eq!(found.topped_up, nanos(50), "expected the top-up once");
}

pub(crate) async fn accounts_are_listed_until_their_window_ends(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let of = |scope, name: &str, window, millis| account_at(scope, name, window, at(millis));
    let ended = of(BudgetScope::User, "a", BudgetWindow::Hourly, 0);
    let day = of(BudgetScope::User, "a", BudgetWindow::Daily, 0);
    let forever = of(BudgetScope::User, "b", BudgetWindow::None, 0);
    let flow = of(BudgetScope::Flow, "a", BudgetWindow::Daily, 0);
    for (account, amount) in [(&ended, 1), (&day, 2), (&forever, 3), (&flow, 4)] {
        subject.reserve(vec![hard(account, amount, 100)]).await;
    }
    let list = async |scope, now, limit| -> Vec<i64> {
        let accounts = subject.accounts(scope, now, limit).await;
        let mut amounts: Vec<i64> = accounts.iter().map(|(_, a)| a.reserved.as_nanos()).collect();
        amounts.sort_unstable();
        amounts
    };
    let users = Some(BudgetScope::User);
    assert_eq!(list(None, at(0), 9).await, [1, 2, 3, 4], "expected all accounts");
    assert_eq!(list(users, at(HOUR - 1), 9).await, [1, 2, 3], "expected those of users");
    assert_eq!(list(users, at(HOUR), 9).await, [2, 3], "expected none whose window has ended");
    assert_eq!(list(None, Timestamp::MAX, 9).await, [3], "expected what never ends");
    let tenants = list(Some(BudgetScope::Tenant), at(0), 9).await;
    assert!(tenants.is_empty(), "expected none of tenants");
    assert!(list(None, at(0), 0).await.is_empty(), "expected nothing for limit 0");
    let all = subject.accounts(None, at(0), 9).await;
    let some = subject.accounts(None, at(0), 3).await;
    assert_eq!(some, all.get(..3).unwrap_or_default(), "expected the first ones, in one order");
    let flows = subject.accounts(Some(BudgetScope::Flow), at(0), 9).await;
    let (found, account) = must(flows.into_iter().next(), "the account of the flow");
    assert_eq!((found, account.reserved), (flow, nanos(4)), "expected account and identity");
}

/// Some account.
pub(super) fn any() -> AccountId {
    daily("any")
}
