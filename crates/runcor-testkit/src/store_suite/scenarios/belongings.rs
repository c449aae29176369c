//! Belongings: what goes with an execution, what stays, and what keeps it.

use serde_json::json;

use runcor_core::{
    AccountId, Batch, BudgetHold, BudgetKey, BudgetScope, BudgetWindow, Execution, FlagStatus,
    LedgerEntry, MemoryOwner, MemorySpace, Money, Op, Reservation, Timestamp,
};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{of_flow, of_user, write};
use crate::store_suite::money_ops::row_at;
use crate::store_suite::ops::{delete_op, impossible};
use crate::store_suite::quality_ops::{evaluation, flag, flag_op, moved};
use crate::store_suite::subject::{Subject, at, complete, sample, worker};

fn session_of(execution: &Execution) -> MemorySpace {
    let tenant = execution.spec.tenant_id.clone();
    MemorySpace { tenant, owner: MemoryOwner::Session(execution.id()) }
}

/// Inserts an execution that has ended, with one of everything that belongs to it.
async fn ended(subject: &Subject, builder: ExecutionBuilder, expires: i64) -> Execution {
    let mut execution = subject.running(builder, worker(), at(0)).await;
    subject.change(&mut execution, complete(Some(at(expires))), at(1)).await;
    subject.remember(&write(&session_of(&execution), "k", json!(1))).await;
    let row = LedgerEntry { execution_id: Some(execution.id()), ..row_at(0, 1) };
    subject.settle(&row).await;
    subject.evaluate(&evaluation(&execution, 2)).await;
    subject.await_evaluation(execution.id()).await;
    execution
}

/// Checks whether everything that belongs to an execution is there, its flag apart.
async fn expect_belongings(subject: &Subject, execution: &Execution, are_there: bool, when: &str) {
    let id = execution.id();
    let memory = subject.value(&session_of(execution), "k").await.is_some();
    let evaluation = subject.evaluation(id).await.is_some();
    let waits = subject.unevaluated(99).await.contains(&id);
    let found = [subject.find(id).await.is_some(), memory, evaluation, waits];
    let what = "execution, memory, evaluation and its place in the line";
    assert_eq!(found, [are_there; 4], "expected {what} {when}");
    let rows = subject.rows().await;
    let has_row = rows.iter().any(|row| row.execution_id == Some(id));
    assert!(has_row, "expected its row of the ledger to stay {when}");
}

async fn sweep(subject: &Subject, now: Timestamp) -> usize {
    let op = Op::Sweep { now, limit: 9, max_bytes: None };
    subject.commit(Batch::new().with(op)).await.swept
}

pub(crate) async fn what_belongs_to_an_execution_is_deleted_with_it(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let gone = ended(&subject, sample().tenant("t").user("u"), 50).await;
    let kept = ended(&subject, sample().tenant("t").user("u"), 50).await;
    for execution in [&gone, &kept] {
        subject.put_flag(&flag(execution, 3)).await;
    }
    let others = [of_user(Some("t"), "u"), of_flow("f")];
    for space in &others {
        subject.remember(&write(space, "k", json!(1))).await;
    }
    subject.refuse(Batch::new().with(delete_op(&gone)).with(impossible())).await;
    expect_belongings(&subject, &gone, true, "after a refused delete").await;
    assert!(subject.flag(gone.id()).await.is_some(), "expected its flag after a refused delete");
    subject.commit(Batch::new().with(delete_op(&gone))).await;
    expect_belongings(&subject, &gone, false, "after a delete").await;
    assert_eq!(subject.flag(gone.id()).await, None, "expected no flag after a delete");
    expect_belongings(&subject, &kept, true, "beside a delete").await;
    assert!(subject.flag(kept.id()).await.is_some(), "expected the other flag to stay");
    for space in &others {
        let value = subject.value(space, "k").await;
        assert!(value.is_some(), "expected memories of others to stay");
    }
}

pub(crate) async fn what_belongs_to_an_execution_is_swept_with_it(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let gone = ended(&subject, sample(), 10).await;
    let resolved = ended(&subject, sample().tenant("t"), 10).await;
    let kept = ended(&subject, sample(), 11).await;
    let first = flag(&resolved, 3);
    subject.put_flag(&first).await;
    let op = flag_op(&moved(&first, FlagStatus::Resolved), Some(FlagStatus::Pending));
    subject.commit(Batch::new().with(op)).await;
    let op = Op::Sweep { now: at(10), limit: 9, max_bytes: None };
    subject.refuse(Batch::new().with(op).with(impossible())).await;
    expect_belongings(&subject, &gone, true, "after a refused sweep").await;
    assert_eq!(sweep(&subject, at(10)).await, 2, "expected both that are due to go");
    expect_belongings(&subject, &gone, false, "after a sweep").await;
    expect_belongings(&subject, &resolved, false, "after a sweep of a resolved one").await;
    assert_eq!(subject.flag(resolved.id()).await, None, "expected no flag after a sweep");
    expect_belongings(&subject, &kept, true, "as it is not due").await;
}

pub(crate) async fn a_flag_keeps_its_execution(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut flagged = Vec::new();
    for millis in 0..3 {
        let execution = ended(&subject, sample(), 10).await;
        let first = flag(&execution, millis);
        subject.put_flag(&first).await;
        flagged.push((execution, first));
    }
    let free = ended(&subject, sample(), 20).await;
    // Those that stay do not stand in the way of the others.
    let op = Op::Sweep { now: at(20), limit: 1, max_bytes: None };
    assert_eq!(subject.commit(Batch::new().with(op)).await.swept, 1, "expected the free one");
    expect_belongings(&subject, &free, false, "as it has no flag").await;
    let (execution, first) = &flagged[0];
    let reviewed = moved(first, FlagStatus::Reviewed);
    let op = flag_op(&reviewed, Some(FlagStatus::Pending));
    subject.commit(Batch::new().with(op)).await;
    assert_eq!(sweep(&subject, at(99)).await, 0, "expected none to go whose flag is open");
    expect_belongings(&subject, execution, true, "as its flag is not resolved").await;
    let resolve = || flag_op(&moved(first, FlagStatus::Resolved), Some(FlagStatus::Reviewed));
    subject.refuse(Batch::new().with(resolve()).with(impossible())).await;
    assert_eq!(sweep(&subject, at(99)).await, 0, "expected a refused change to change nothing");
    subject.commit(Batch::new().with(resolve())).await;
    assert_eq!(sweep(&subject, at(99)).await, 1, "expected it to go once its flag is resolved");
    expect_belongings(&subject, execution, false, "after its flag was resolved").await;
    for (execution, _) in &flagged[1..] {
        expect_belongings(&subject, execution, true, "as its flag is pending").await;
    }
}

pub(crate) async fn a_flag_before_the_end_keeps_as_well(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(0)).await;
    let flag = flag(&execution, 0);
    subject.put_flag(&flag).await;
    subject.change(&mut execution, complete(Some(at(10))), at(1)).await;
    assert_eq!(sweep(&subject, at(99)).await, 0, "expected its flag to keep it");
    subject.commit(Batch::new().with(delete_op(&execution))).await;
    assert_eq!(subject.find(execution.id()).await, None, "expected a delete to take it anyway");
    assert_eq!(subject.flag(execution.id()).await, None, "expected no flag without it");
    // The identity may come again, and then nothing of the former one holds.
    subject.commit(Batch::new().insert(execution.clone())).await;
    assert_eq!(sweep(&subject, at(99)).await, 1, "expected the new one to have no flag");
}

pub(crate) async fn the_account_of_an_executions_own_budget_goes_with_it_unless_money_is_set_aside(
    fixture: StoreFixture,
) {
    let subject = Subject::new(&fixture);
    let free = ended(&subject, sample().tenant("t"), 50).await;
    let holding = ended(&subject, sample().tenant("t"), 50).await;
    let other = ended(&subject, sample().tenant("t"), 90).await;
    let account = |execution: &Execution| {
        let tenant = execution.spec.tenant_id.clone();
        let subject = execution.id().to_string();
        AccountId::at(
            BudgetKey { scope: BudgetScope::Execution, tenant, subject },
            BudgetWindow::None,
            at(0),
        )
    };
    for execution in [&free, &holding, &other] {
        let hold = BudgetHold {
            account: account(execution),
            amount: Money::from_nanos(5),
            limit: Money::from_nanos(10),
            hard: true,
            warn_at: Money::from_nanos(8),
        };
        let entry = LedgerEntry { execution_id: Some(execution.id()), ..row_at(1, 5) };
        let reservation = Reservation { entry: entry.clone(), holds: vec![hold], lapses: at(99) };
        subject.commit(Batch::new().with(Op::Reserve(Box::new(reservation)))).await;
        if execution.id() != holding.id() {
            subject.settle(&entry).await;
        }
    }
    assert_eq!(sweep(&subject, at(50)).await, 2);
    let mut left = Vec::new();
    for execution in [&free, &holding, &other] {
        left.push(subject.account(&account(execution)).await.is_some());
    }
    assert_eq!(left, [false, true, true], "which accounts were left");
}
