//! Durable stores: what was committed is there when the store is opened again.

use serde_json::json;

use runcor_core::{Batch, Change, Execution, ExecutionQuery, Op};

use super::entries::{expect_same, full};
use super::events::numbered;
use super::families::relations;
use super::fields::populate;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{delete_op, done, entry, journal_op, seed_op};
use crate::store_suite::subject::{
    Subject, at, claimed, complete, expect_duplicate, ids, must, sample, wait, worker,
};

/// Returns whether the scenario applies, and says so when it does not.
pub(super) fn applies(fixture: &StoreFixture, scenario: &str, is_shared: Option<bool>) -> bool {
    let capabilities = fixture.store().capabilities();
    let reason = if !capabilities.durable {
        "the store is not durable"
    } else if !fixture.can_reopen() {
        "the fixture can't open the store again"
    } else if is_shared.is_some_and(|shared| shared != capabilities.shared) {
        "it depends on whether several processes share the store"
    } else {
        return true;
    };
    eprintln!("skipped {scenario}: {reason}");
    false
}

pub(super) async fn reopen(fixture: &mut StoreFixture, subject: Subject) -> Subject {
    drop(subject);
    fixture.reopen().await;
    Subject::new(fixture)
}

pub(crate) async fn every_field_survives_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "every_field_survives_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let populated = populate(&subject).await;
    let subject = reopen(&mut fixture, subject).await;
    for execution in &populated {
        subject.expect(execution, "by closing and opening").await;
    }
    let listed = subject.ids(&ExecutionQuery::default()).await;
    assert_eq!(listed, ids(&populated), "expected the order of creation to survive");
}

pub(crate) async fn journals_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "journals_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let entries = [entry("z#1"), entry("a#1"), entry("a#2")];
    for entry in &entries {
        subject.commit(Batch::new().with(journal_op(&execution, entry.clone()))).await;
    }
    let subject = reopen(&mut fixture, subject).await;
    let found = subject.journal(execution.id()).await;
    assert_eq!(found, entries, "expected the entries in their order");
    subject.refuse(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
}

pub(crate) async fn every_field_of_an_entry_survives_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "every_field_of_an_entry_survives_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let mut entries = full();
    let ops = entries.iter().map(|entry| journal_op(&execution, entry.clone()));
    subject.commit(ops.fold(Batch::new(), Batch::with)).await;
    let subject = reopen(&mut fixture, subject).await;
    expect_same(&subject.journal(execution.id()).await, &entries);
    let answer = done("step#1", json!("at last"));
    subject.write(&execution, answer.clone()).await;
    entries[0] = answer;
    subject.change(&mut execution, complete(None), at(2)).await;
    subject.compact(at(3), 9).await;
    let subject = reopen(&mut fixture, subject).await;
    expect_same(&subject.journal(execution.id()).await, &entries);
}

pub(crate) async fn forks_and_children_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "forks_and_children_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let mut related = Vec::new();
    for builder in relations() {
        related.push(subject.insert(builder).await);
    }
    let mut fork = must(related.first(), "a fork").clone();
    let seeds = [entry("b#1"), entry("a#1")];
    subject.commit(Batch::new().with(seed_op(&fork, &seeds))).await;
    let subject = reopen(&mut fixture, subject).await;
    for execution in &related {
        subject.expect(execution, "by closing and opening").await;
    }
    let parent = related.iter().find_map(|execution| execution.spec.parent.as_ref());
    let parent = Some(must(parent, "a parent").id);
    let children = subject.ids(&ExecutionQuery { parent, ..ExecutionQuery::default() }).await;
    let expected = related.iter().filter(|execution| execution.spec.parent.is_some());
    assert!(expected.map(Execution::id).eq(children), "expected the children by their parent");
    subject.refuse_entry(seed_op(&fork, &seeds), &fork).await;
    subject.change(&mut fork, Change::Claim { worker: worker() }, at(1)).await;
    subject.write(&fork, entry("c#1")).await;
    let found = subject.journal(fork.id()).await;
    let expected = [entry("b#1"), entry("a#1"), entry("c#1")];
    assert_eq!(found, expected, "expected the seeds in their order, then the rest");
}

pub(crate) async fn events_and_their_numbers_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "events_and_their_numbers_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let events = (1..=5).map(numbered).collect();
    subject.commit(Batch::new().emit_all(events)).await;
    let before = subject.events(0, 10).await;
    let subject = reopen(&mut fixture, subject).await;
    assert_eq!(subject.events(0, 10).await, before, "expected the same events and numbers");
    assert_eq!(subject.last_event().await, 5, "expected the number of the newest event");
    let mut feed = subject.store.feed().subscribe();
    subject.commit(Batch::new().with(Op::Emit(numbered(6)))).await;
    let heard = super::events::hear(&mut feed, 1).await;
    let number = heard.first().map(|record| record.seq);
    assert_eq!(number, Some(6), "expected the numbers to go on without a gap");
}

pub(crate) async fn keys_and_cursors_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "keys_and_cursors_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let first = subject.insert(sample().key("k").tenant("t")).await;
    let second = subject.insert(sample()).await;
    let page = subject.list(&ExecutionQuery { limit: 1, ..ExecutionQuery::default() }).await;
    let subject = reopen(&mut fixture, subject).await;
    let refused = subject.refuse(Batch::new().insert(sample().key("k").tenant("t").build())).await;
    expect_duplicate(refused, &first);
    let third = subject.insert(sample()).await;
    let rest = ExecutionQuery { after: page.next, ..ExecutionQuery::default() };
    let found = subject.ids(&rest).await;
    assert_eq!(found, [second.id(), third.id()], "expected the cursor to keep its place");
}

pub(crate) async fn waits_and_dues_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "waits_and_dues_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let mut waiting = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut waiting, wait(Some(at(20))), at(1)).await;
    let mut ended = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut ended, complete(Some(at(30))), at(1)).await;
    subject.insert(sample().queued_at(at(10))).await;
    let subject = reopen(&mut fixture, subject).await;
    let dues = [
        subject.next_due(at(0)).await,
        subject.next_due(at(10)).await,
        subject.next_due(at(20)).await,
        subject.next_due(at(30)).await,
    ];
    assert_eq!(dues, [Some(at(10)), Some(at(20)), Some(at(30)), None], "expected every due");
    let expired = subject.due_waits(at(20), 9).await;
    assert_eq!(expired, [waiting.id()], "expected the wait to expire");
    let receipt = subject
        .commit(Batch::new().with(Op::Sweep { now: at(30), limit: 9, max_bytes: None }))
        .await;
    assert_eq!(receipt.swept, 1, "expected the ended execution to be swept");
}

pub(crate) async fn deletes_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "deletes_survive_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample().key("k"), worker(), at(1)).await;
    let batch = Batch::new().with(journal_op(&execution, entry("a#1")));
    subject.commit(batch.with(delete_op(&execution))).await;
    let subject = reopen(&mut fixture, subject).await;
    assert_eq!(subject.find(execution.id()).await, None, "expected it to stay deleted");
    assert!(subject.journal(execution.id()).await.is_empty(), "expected no journal");
    subject.insert(sample().key("k")).await;
}

pub(crate) async fn what_a_dead_process_owned_is_claimed_after_a_reopening(
    mut fixture: StoreFixture,
) {
    if !applies(&fixture, "what_a_dead_process_owned_is_claimed_after_a_reopening", Some(false)) {
        return;
    }
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(1_000_000)).await;
    let running = subject.running(sample(), owner, at(1)).await;
    let mut retrying = subject.running(sample(), owner, at(1)).await;
    subject.change(&mut retrying, Change::Retry { due: at(50) }, at(2)).await;
    let mut abandoned = subject.running(sample(), owner, at(1)).await;
    subject.change(&mut abandoned, Change::Abandon, at(2)).await;
    let subject = reopen(&mut fixture, subject).await;
    let heir = worker();
    subject.lease(heir, at(1_000_000)).await;
    let claims = subject.claim(heir, at(3), 9).await;
    assert_eq!(claimed(&claims), [running.id()], "expected the one that ran, at once");
    let interrupted = must(claims.first(), "a claim").interrupted;
    assert!(interrupted, "expected the claim to tell that its owner vanished while it ran");
    let claims = subject.claim(heir, at(50), 9).await;
    assert_eq!(claimed(&claims), [retrying.id()], "expected the retry when it is due");
    let claims = claimed(&subject.claim(heir, at(2_000), 9).await);
    assert!(claims.is_empty(), "expected nobody to claim what was abandoned, got {claims:?}");
}

pub(crate) async fn leases_of_other_processes_survive_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "leases_of_other_processes_survive_a_reopening", Some(true)) {
        return;
    }
    let subject = Subject::new(&fixture);
    let other = worker();
    subject.lease(other, at(1_000)).await;
    let running = subject.running(sample(), other, at(1)).await;
    let subject = reopen(&mut fixture, subject).await;
    let claims = claimed(&subject.claim_newly(at(999), 9).await);
    assert!(claims.is_empty(), "expected the lease of a live process to hold, got {claims:?}");
    let claims = claimed(&subject.claim_newly(at(1_000), 9).await);
    assert_eq!(claims, [running.id()], "expected it once the lease has ended");
}

pub(crate) async fn the_order_of_claims_survives_a_reopening(mut fixture: StoreFixture) {
    if !applies(&fixture, "the_order_of_claims_survives_a_reopening", None) {
        return;
    }
    let subject = Subject::new(&fixture);
    let mut inserted = Vec::new();
    for millis in [20, 10, 10, 30] {
        inserted.push(subject.insert(sample().queued_at(at(millis))).await.id());
    }
    let subject = reopen(&mut fixture, subject).await;
    inserted.push(subject.insert(sample().queued_at(at(10))).await.id());
    let claims = claimed(&subject.claim_newly(at(99), 9).await);
    let expected: Vec<_> = [1, 2, 4, 0, 3].into_iter().filter_map(|n| inserted.get(n)).collect();
    assert!(claims.iter().eq(expected), "expected them by due, then by creation, got {claims:?}");
}
