//! Durable stores: money, rate limits, memories and quality are there when the store is opened again.

use serde_json::json;

use runcor_core::{
    Batch, BudgetScope, BudgetWindow, EvaluationQuery, FlagQuery, LedgerDimension, LedgerFilter,
    LedgerQuery, MemoryExpectation, MemoryOwner, MemorySpace, MemoryWrite, Op,
};

use super::durable::{applies, reopen};
use super::ledger_rows::full_rows;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{
    counter, expect_stale, of_flow, of_user, page_of, queue, take, write,
};
use crate::store_suite::money_ops::{
    account_at, daily, expect_over_budget, hard, outcome_of, reservation, reserve_op, settle_op,
    tenant, top_up_op,
};
use crate::store_suite::quality_ops::{evaluation, flag, flag_op, moved};
use crate::store_suite::subject::{Subject, at, complete, must, sample, worker};

pub(crate) async fn accounts_and_reservations_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "accounts_and_reservations_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let accounts = [
        daily("a:b"),
        account_at(BudgetScope::Global, "", BudgetWindow::None, at(0)),
        account_at(
            BudgetScope::Tenant,
            "é",
            BudgetWindow::Custom(std::time::Duration::from_millis(1_234)),
            at(0),
        ),
    ];
    let holds = |amount| accounts.iter().map(|account| hard(account, amount, 100)).collect();
    let [one, two] = [reservation(holds(40), 30), reservation(holds(50), 20)];
    let mut batch = Batch::new().with(reserve_op(&one)).with(reserve_op(&two));
    batch = batch.with(settle_op(&outcome_of(&one, 7)));
    subject.commit(batch.with(top_up_op(&accounts[0], 5))).await;
    let listed = subject.accounts(None, at(0), 9).await;
    let subject = reopen(&mut fixture, subject).await;
    assert_eq!(subject.accounts(None, at(0), 9).await, listed, "expected every account");
    for account in &accounts {
        subject.expect_account(account, (7, 50), "after a reopening").await;
    }
    let topped_up = must(subject.account(&accounts[0]).await, "the account").topped_up;
    assert_eq!(topped_up.as_nanos(), 5, "expected the top-up");
    let full = Batch::new().with(reserve_op(&reservation(holds(44), 0)));
    assert_eq!(expect_over_budget(subject.refuse(full).await).account, accounts[1]);
    subject.settle(&outcome_of(&one, 9)).await;
    subject.commit(Batch::new().with(reserve_op(&two))).await;
    assert_eq!(subject.lapse(at(60_000), 9).await, 1, "expected what was under way to lapse");
    for account in &accounts {
        subject.expect_account(account, (27, 0), "after the lapse").await;
    }
    assert_eq!(subject.rows().await, [outcome_of(&one, 7), two.entry], "expected both rows");
}

pub(crate) async fn the_ledger_survives_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "the_ledger_survives_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let rows = full_rows();
    for row in &rows {
        subject.settle(row).await;
    }
    let expire = Op::Expire { now: at(0), limit: 9, keep_ledger: Some(5), keep_evaluations: None };
    subject.commit(Batch::new().with(expire)).await;
    let kept = &rows[rows.len() - 5..];
    let totals = async |subject: &Subject| {
        let filter = LedgerFilter { tenant: Some(tenant("T'--")), ..LedgerFilter::default() };
        [
            subject.totals(&LedgerFilter::default(), None).await,
            subject.totals(&LedgerFilter::default(), Some(LedgerDimension::Model)).await,
            subject.totals(&filter, Some(LedgerDimension::Day)).await,
        ]
    };
    let (before, mut query) =
        (totals(&subject).await, LedgerQuery { limit: 2, ..LedgerQuery::default() });
    query.after = subject.ledger(&query).await.next;
    let subject = reopen(&mut fixture, subject).await;
    assert_eq!(subject.rows().await, kept, "expected every field of every row");
    assert_eq!(totals(&subject).await, before, "expected the totals, of removed rows too");
    assert_eq!(subject.ledger(&query).await.items, kept[2..4], "expected cursors to be good");
    subject.settle(&rows[rows.len() - 1]).await;
    assert_eq!(totals(&subject).await, before, "expected a row to be written once");
}

pub(crate) async fn windows_of_rate_limits_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "windows_of_rate_limits_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let [a, b] = ["a", "b"].map(counter);
    subject.take(&take(&a, 1, 0)).await;
    for _ in 0..3 {
        subject.take(&queue(&b, 1, 0)).await;
    }
    let waiting = sample().build();
    let wish = Op::Take(Box::new(queue(&b, 1, 0)));
    subject.commit(Batch::new().with(wish).insert(waiting.clone())).await;
    let subject = reopen(&mut fixture, subject).await;
    subject.refuse_take(&take(&a, 1, 999)).await;
    subject.take(&take(&a, 1, 1_000)).await;
    subject.refuse_take(&queue(&b, 1, 0)).await;
    let turn = subject.take(&queue(&b, 1, 1_000)).await.turn;
    assert_eq!(turn, Some(at(4_000)), "expected the turn after those that wait");
    let due = must(subject.find(waiting.id()).await, "the execution").status.due;
    assert_eq!(due, Some(at(3_000)), "expected it to be due at its turn");
}

pub(crate) async fn memories_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "memories_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample().tenant("t")).await;
    let session = MemoryOwner::Session(execution.id());
    let spaces = [
        of_flow("f"),
        of_user(Some("a:b"), "c"),
        MemorySpace { tenant: Some(tenant("t")), owner: session },
    ];
    for space in &spaces {
        let value = json!({ "z": [1, null], "a": "ü" });
        subject.remember(&write(space, "k", value.clone())).await;
        let ends = MemoryWrite { expires: Some(at(10)), ..write(space, "l", value) };
        subject.remember(&ends).await;
    }
    let read = async |subject: &Subject| {
        let mut pages = Vec::new();
        for space in &spaces {
            pages.push(subject.memories(&page_of(space)).await);
        }
        pages
    };
    let before = read(&subject).await;
    let last = before.iter().flat_map(|page| &page.items).map(|entry| entry.version).max();
    subject.remember(&write(&of_flow("g"), "k", json!(1))).await;
    subject.commit(Batch::new().with(Op::ForgetAll(Box::new(of_flow("g"))))).await;
    let subject = reopen(&mut fixture, subject).await;
    assert_eq!(read(&subject).await, before, "expected every entry with its version");
    let version = must(last, "a version");
    let stale = MemoryExpectation::Version(version + 1_000);
    let late = MemoryWrite { expect: stale, ..write(&spaces[0], "k", json!(2)) };
    expect_stale(&subject.refuse_write(&late).await);
    subject.remember(&write(&spaces[0], "k", json!(2))).await;
    let entry = must(subject.recall(&spaces[0], "k", at(0)).await, "the entry");
    let is_new = before.iter().flat_map(|page| &page.items).all(|e| e.version != entry.version);
    assert!(is_new, "expected a version that nothing had before");
    let found = subject.recall(&spaces[1], "l", at(10)).await;
    assert_eq!(found, None, "expected ends to hold");
}

pub(crate) async fn evaluations_and_flags_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "evaluations_and_flags_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let mut executions = Vec::new();
    for millis in 0..3 {
        let mut execution = subject.running(sample().user("u"), worker(), at(0)).await;
        subject.change(&mut execution, complete(Some(at(9))), at(1)).await;
        subject.evaluate(&evaluation(&execution, millis)).await;
        subject.put_flag(&flag(&execution, millis)).await;
        executions.push(execution);
    }
    for n in [2, 0] {
        subject.await_evaluation(executions[n].id()).await;
    }
    subject.evaluate(&evaluation(&executions[0], 9)).await;
    subject.await_evaluation(executions[1].id()).await;
    let resolved = moved(&flag(&executions[1], 1), runcor_core::FlagStatus::Resolved);
    let op = flag_op(&resolved, Some(runcor_core::FlagStatus::Pending));
    subject.commit(Batch::new().with(op)).await;
    let read = async |subject: &Subject| {
        let evaluations = subject.evaluations(&EvaluationQuery::default()).await.items;
        let flags = subject.flags(&FlagQuery::default()).await.items;
        (evaluations, flags, subject.unevaluated(9).await)
    };
    let before = read(&subject).await;
    let subject = reopen(&mut fixture, subject).await;
    assert_eq!(read(&subject).await, before, "expected evaluations, flags and the line");
    let expected = [executions[2].id(), executions[1].id()];
    assert_eq!(before.2, expected, "expected the line in order");
    let sweep = Op::Sweep { now: at(99), limit: 9, max_bytes: None };
    let swept = subject.commit(Batch::new().with(sweep)).await.swept;
    assert_eq!(swept, 1, "expected flags to keep their executions");
}
