//! Seeds: a fork's journal begins with what it takes over.

use serde_json::json;

use runcor_core::{Batch, Change, JournalEntry};

use super::entries::{expect_same, full};
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{done, entry, intent, journal_op, seed_op};
use crate::store_suite::subject::{Subject, at, complete, expect_conflict, failed, sample, worker};

fn taken_over(path: &str) -> JournalEntry {
    JournalEntry { reused: true, ..entry(path) }
}

pub(crate) async fn a_fork_begins_with_what_it_takes_over(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut fork = sample().build();
    let seeds =
        [taken_over("z#1"), JournalEntry { reused: true, ..intent("m#1") }, taken_over("a#1")];
    subject.commit(Batch::new().insert(fork.clone()).with(seed_op(&fork, &seeds))).await;
    assert_eq!(subject.journal(fork.id()).await, seeds, "expected the entries in their order");
    let value = subject.journal_value(fork.id(), "a#1").await;
    assert_eq!(
        value,
        Some(json!({ "of": "a#1" })),
        "expected what was taken over to have a result"
    );
    subject.expect(&fork, "whatever its journal begins with").await;
    subject.change(&mut fork, Change::Claim { worker: worker() }, at(1)).await;
    subject.refuse_entry(journal_op(&fork, entry("z#1")), &fork).await;
    subject.write(&fork, done("m#1", json!(2))).await;
    subject.write(&fork, entry("b#1")).await;
    let [first, _, third] = seeds;
    let expected = [first, done("m#1", json!(2)), third, entry("b#1")];
    assert_eq!(subject.journal(fork.id()).await, expected, "expected it to go on from there");
}

pub(crate) async fn every_field_of_a_seed_is_kept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let fork = sample().build();
    let seeds = full();
    subject.commit(Batch::new().insert(fork.clone()).with(seed_op(&fork, &seeds))).await;
    expect_same(&subject.journal(fork.id()).await, &seeds);
}

pub(crate) async fn a_seed_of_nothing_begins_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let fork = subject.insert(sample()).await;
    subject.commit(Batch::new().with(seed_op(&fork, &[]))).await;
    assert!(subject.journal(fork.id()).await.is_empty(), "expected an empty journal");
    subject.commit(Batch::new().with(seed_op(&fork, &[taken_over("a#1")]))).await;
    assert_eq!(subject.journal(fork.id()).await, [taken_over("a#1")], "expected the entry");
}

pub(crate) async fn a_journal_is_seeded_once(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let fork = subject.insert(sample()).await;
    subject.commit(Batch::new().with(seed_op(&fork, &[taken_over("a#1")]))).await;
    for path in ["a#1", "b#1"] {
        subject.refuse_entry(seed_op(&fork, &[taken_over(path)]), &fork).await;
    }
    assert_eq!(subject.journal(fork.id()).await, [taken_over("a#1")], "expected the first seed");
}

pub(crate) async fn a_seed_of_a_claimed_execution_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for change in [None, Some(Change::Release), Some(complete(None)), Some(failed())] {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        if let Some(change) = change {
            subject.change(&mut execution, change, at(2)).await;
        }
        subject.refuse_entry(seed_op(&execution, &[taken_over("a#1")]), &execution).await;
        let found = subject.journal(execution.id()).await;
        assert!(found.is_empty(), "expected no entry while {}", execution.state());
    }
}

pub(crate) async fn a_seed_of_an_unknown_execution_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let stranger = sample().build();
    let refused = subject.refuse(Batch::new().with(seed_op(&stranger, &[entry("a#1")]))).await;
    expect_conflict(&refused, stranger.id(), None);
    assert!(subject.journal(stranger.id()).await.is_empty(), "expected no entry of a stranger");
}

pub(crate) async fn a_seed_of_a_thousand_entries_keeps_its_order(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let fork = sample().build();
    let seeds: Vec<_> = (0..1_000).rev().map(|n| taken_over(&format!("step#{n}"))).collect();
    subject.commit(Batch::new().insert(fork.clone()).with(seed_op(&fork, &seeds))).await;
    expect_same(&subject.journal(fork.id()).await, &seeds);
}
