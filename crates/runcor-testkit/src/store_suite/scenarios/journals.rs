//! Journals: what has been done, written once and kept in order.

use serde_json::{Value, json};

use runcor_core::{Batch, Change, JournalEntry, JournalKind};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{done, entry, intent, journal_op, replace_op};
use crate::store_suite::subject::{
    Subject, applied, at, complete, expect_conflict, failed, sample, wait, worker,
};

pub(crate) async fn entries_come_back_in_order_and_unchanged(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let kept =
        |path: &str, kind, value: Value, millis| JournalEntry::done(path, kind, value, at(millis));
    let entries = [
        kept("z#1", JournalKind::Step, json!({ "deep": [1, { "x": null }] }), 9),
        kept("a#1", JournalKind::Wait, Value::Null, 3),
        kept("a#2", JournalKind::Step, json!("text"), 3),
        kept("wait für „Ada“/#1", JournalKind::Wait, json!(-0.5), 4),
    ];
    for entry in &entries {
        subject.commit(Batch::new().with(journal_op(&execution, entry.clone()))).await;
    }
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, entries, "expected the entries in the order of their commits");
}

pub(crate) async fn an_unknown_execution_has_no_journal(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let stranger = sample().build();
    assert!(subject.journal(stranger.id()).await.is_empty(), "expected an empty journal");
    let refused = subject.refuse(Batch::new().with(journal_op(&stranger, entry("a#1")))).await;
    expect_conflict(&refused, stranger.id(), None);
    assert!(subject.journal(stranger.id()).await.is_empty(), "expected no entry of a stranger");
}

pub(crate) async fn a_path_is_written_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
    let other = JournalEntry::done("a#1", JournalKind::Step, json!("other"), at(2));
    let refused = subject.refuse(Batch::new().with(journal_op(&execution, other))).await;
    expect_conflict(&refused, execution.id(), Some(execution.fence()));
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [entry("a#1")], "expected the first entry alone");
}

pub(crate) async fn an_entry_of_an_older_epoch_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let old = execution.clone();
    subject.change(&mut execution, Change::Release, at(2)).await;
    subject.change(&mut execution, Change::Claim { worker: worker() }, at(3)).await;
    let refused = subject.refuse(Batch::new().with(journal_op(&old, entry("a#1")))).await;
    expect_conflict(&refused, execution.id(), Some(execution.fence()));
    subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
}

pub(crate) async fn an_entry_of_a_later_epoch_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let mut later = execution.clone();
    later.status.epoch += 1;
    subject.refuse_entry(journal_op(&later, entry("a#1")), &execution).await;
    assert!(subject.journal(execution.id()).await.is_empty(), "expected no entry");
}

pub(crate) async fn an_entry_of_an_execution_that_does_not_run_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let queued = subject.insert(sample()).await;
    let mut stopped = vec![queued];
    for change in [complete(None), failed(), wait(None), Change::Retry { due: at(99) }] {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        subject.change(&mut execution, change, at(2)).await;
        stopped.push(execution);
    }
    for execution in stopped {
        for op in [journal_op(&execution, entry("a#1")), replace_op(&execution, entry("a#1"))] {
            subject.refuse_entry(op, &execution).await;
        }
        let found = subject.journal(execution.id()).await;
        assert!(found.is_empty(), "expected no entry while {}", execution.state());
    }
}

pub(crate) async fn an_entry_and_a_change_are_written_together(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let waiting = applied(&execution, wait(Some(at(50))), at(2));
    let status = waiting.status.clone();
    let batch = Batch::new().with(journal_op(&execution, entry("a#1")));
    subject.commit(batch.update(&execution, waiting)).await;
    execution.status = status;
    subject.expect(&execution, "after its entry and its wait").await;
    assert_eq!(subject.journal(execution.id()).await, [entry("a#1")], "expected the entry");
}

pub(crate) async fn a_resume_and_its_answer_are_written_together(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for go_on in [Change::Resume { data: Some(json!("yes")) }, Change::Wake] {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        subject.write(&execution, intent("wait#1")).await;
        subject.change(&mut execution, wait(Some(at(50))), at(2)).await;
        let answer = journal_op(&execution, done("wait#1", json!("yes")));
        // As long as it waits there is no run to write for; the change comes first.
        subject.refuse_entry(answer.clone(), &execution).await;
        let resumed = applied(&execution, go_on, at(3));
        let status = resumed.status.clone();
        subject.commit(Batch::new().update(&execution, resumed).with(answer)).await;
        execution.status = status;
        subject.expect(&execution, "after it was resumed with an answer").await;
        let found = subject.journal(execution.id()).await;
        assert_eq!(found, [done("wait#1", json!("yes"))], "expected the answer in its place");
        subject.change(&mut execution, Change::Claim { worker: worker() }, at(4)).await;
        let found = subject.journal(execution.id()).await;
        assert_eq!(found.len(), 1, "expected the next run to find the answer");
    }
}

pub(crate) async fn journals_of_executions_are_apart(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for _ in 0..2 {
        let execution = subject.running(sample(), worker(), at(1)).await;
        subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
        let found = subject.journal(execution.id()).await;
        assert_eq!(found, [entry("a#1")], "expected the execution's own entry alone");
    }
}

pub(crate) async fn a_journal_outlives_waits_and_claims(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
    let claim = || Change::Claim { worker: worker() };
    for change in [wait(None), Change::Resume { data: None }, claim()] {
        subject.change(&mut execution, change, at(2)).await;
    }
    subject.commit(Batch::new().with(journal_op(&execution, entry("b#1")))).await;
    subject.change(&mut execution, complete(None), at(3)).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, [entry("a#1"), entry("b#1")], "expected the entries of both runs");
}

pub(crate) async fn a_journal_of_a_thousand_entries_keeps_its_order(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let entries: Vec<_> = (0..1_000).map(|n| entry(&format!("step#{n}"))).collect();
    for chunk in entries.chunks(100) {
        let ops = chunk.iter().map(|entry| journal_op(&execution, entry.clone()));
        subject.commit(ops.fold(Batch::new(), Batch::with)).await;
    }
    let found = subject.journal(execution.id()).await;
    assert!(found == entries, "expected a thousand entries in the order of their commits");
}
