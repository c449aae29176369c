//! Batches are whole or not at all.

use serde_json::json;

use runcor_core::{Batch, Change, Event, ExecutionQuery, Fence, Op, StoreError};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{
    big, delete_op, done, entry, impossible, intent, journal_op, replace_op, seed_op,
};
use crate::store_suite::subject::{
    Subject, applied, at, claimed, complete, expect_duplicate, sample, worker,
};

pub(crate) async fn an_execution_is_inserted_and_claimed_in_one_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = sample().build();
    let claim = applied(&execution, Change::Claim { worker: worker() }, at(0));
    let status = claim.status.clone();
    subject.commit(Batch::new().insert(execution.clone()).update(&execution, claim)).await;
    execution.status = status;
    subject.expect(&execution, "after it was inserted and claimed at once").await;
    assert_eq!(subject.last_event().await, 1, "expected the one event of the claim");
}

pub(crate) async fn a_whole_life_fits_in_one_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = sample().build();
    let mut batch = Batch::new().insert(execution.clone());
    for change in [Change::Claim { worker: worker() }, complete(Some(at(50)))] {
        let next = applied(&execution, change, at(0));
        let status = next.status.clone();
        batch = batch.update(&execution, next);
        execution.status = status;
        if execution.status.epoch == 1 && execution.status.completed.is_none() {
            batch = batch.with(journal_op(&execution, entry("step#1")));
        }
    }
    subject.commit(batch).await;
    subject.expect(&execution, "after its whole life in one batch").await;
    assert_eq!(subject.journal(execution.id()).await, [entry("step#1")], "expected the step");
    assert_eq!(subject.last_event().await, 3, "expected two changes of state and the end");
}

pub(crate) async fn a_refused_operation_takes_back_an_insert_and_the_events(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = sample().key("k").build();
    let batch = Batch::new().insert(execution.clone()).with(Op::Emit(Event::Ready));
    subject.refuse(batch.with(impossible())).await;
    assert_eq!(subject.find(execution.id()).await, None, "expected no execution by id");
    let listed = subject.ids(&ExecutionQuery::default()).await;
    assert!(listed.is_empty(), "expected no execution in the list, got {listed:?}");
    assert_eq!(subject.last_event().await, 0, "expected no event of a refused batch");
    let claims = claimed(&subject.claim_newly(at(9), 9).await);
    assert!(claims.is_empty(), "expected nothing to claim, got {claims:?}");
}

pub(crate) async fn a_refused_operation_takes_back_an_update(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let claim = applied(&execution, Change::Claim { worker: worker() }, at(1));
    subject.refuse(Batch::new().update(&execution, claim).with(impossible())).await;
    subject.expect(&execution, "after the batch was refused").await;
    let claims = claimed(&subject.claim_newly(at(9), 9).await);
    assert_eq!(claims, [execution.id()], "expected it to be claimable as before");
}

pub(crate) async fn a_refused_operation_takes_back_a_delete(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let first = subject.insert(sample()).await;
    let owner = worker();
    subject.lease(owner, at(1_000)).await;
    let mut execution = subject.running(sample().key("k"), owner, at(1)).await;
    subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
    let last = subject.insert(sample()).await;
    subject.refuse(Batch::new().with(delete_op(&execution)).with(impossible())).await;
    subject.expect(&execution, "after its delete was taken back").await;
    assert_eq!(subject.journal(execution.id()).await, [entry("a#1")], "expected its journal");
    let listed = subject.ids(&ExecutionQuery::default()).await;
    assert_eq!(listed, [first.id(), execution.id(), last.id()], "expected its place in the list");
    let refused = subject.refuse(Batch::new().insert(sample().key("k").build())).await;
    expect_duplicate(refused, &execution);
    subject.change(&mut execution, complete(None), at(2)).await;
}

pub(crate) async fn a_refused_operation_takes_back_a_journal_entry(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let op = journal_op(&execution, entry("a#1"));
    subject.refuse(Batch::new().with(op.clone()).with(impossible())).await;
    assert!(subject.journal(execution.id()).await.is_empty(), "expected no entry");
    subject.commit(Batch::new().with(op)).await;
    assert_eq!(subject.journal(execution.id()).await, [entry("a#1")], "expected the path free");
}

pub(crate) async fn a_refused_operation_takes_back_what_replaced_an_entry(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let entries = [intent("a#1"), done("b#1", big('b')), done("c#1", json!(1))];
    for entry in &entries {
        subject.write(&execution, entry.clone()).await;
    }
    let batch = Batch::new()
        .with(journal_op(&execution, done("a#1", big('x'))))
        .with(replace_op(&execution, done("b#1", json!("small"))))
        .with(replace_op(&execution, intent("c#1")))
        .with(replace_op(&execution, intent("b#1")));
    subject.refuse(batch.with(impossible())).await;
    let found = subject.journal(execution.id()).await;
    assert!(found == entries, "expected the entries as they were");
    let value = subject.journal_value(execution.id(), "b#1").await;
    assert!(value == Some(big('b')), "expected the result that was there");
    subject.write(&execution, done("a#1", json!(2))).await;
}

pub(crate) async fn a_refused_operation_takes_back_a_seed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let fork = subject.insert(sample()).await;
    let seed = seed_op(&fork, &[entry("a#1"), entry("b#1")]);
    subject.refuse(Batch::new().with(seed.clone()).with(impossible())).await;
    assert!(subject.journal(fork.id()).await.is_empty(), "expected no entry");
    subject.commit(Batch::new().with(seed)).await;
    let found = subject.journal(fork.id()).await;
    assert_eq!(found, [entry("a#1"), entry("b#1")], "expected the journal free for a seed");
}

pub(crate) async fn a_refused_operation_takes_back_a_sweep(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut ended = subject.running(sample(), worker(), at(1)).await;
    subject.change(&mut ended, complete(Some(at(5))), at(2)).await;
    let sweep = Op::Sweep { now: at(10), limit: 10, max_bytes: None };
    subject.refuse(Batch::new().with(sweep.clone()).with(impossible())).await;
    subject.expect(&ended, "after its sweep was taken back").await;
    let receipt = subject.commit(Batch::new().with(sweep)).await;
    assert_eq!(receipt.swept, 1, "expected it to be swept by the next sweep");
}

pub(crate) async fn a_refused_operation_takes_back_a_lease(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let execution = subject.running(sample(), owner, at(1)).await;
    let renewal = Op::Lease { worker: owner, until: at(1_000) };
    subject.refuse(Batch::new().with(renewal).with(impossible())).await;
    let claims = claimed(&subject.claim_newly(at(200), 9).await);
    assert_eq!(claims, [execution.id()], "expected the lease to end when it did before");
}

pub(crate) async fn a_refused_operation_takes_back_a_retirement(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    let execution = subject.running(sample(), owner, at(1)).await;
    let retire = Op::Retire { worker: owner, now: at(2) };
    subject.refuse(Batch::new().with(retire).with(impossible())).await;
    let claims = claimed(&subject.claim_newly(at(50), 9).await);
    assert!(claims.is_empty(), "expected the lease to be live still, got {claims:?}");
    subject.expect(&execution, "under its live owner").await;
}

pub(crate) async fn a_duplicate_takes_back_what_came_before_it(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let existing = subject.insert(sample().key("k")).await;
    let other = sample().build();
    let batch = Batch::new().insert(other.clone()).insert(sample().key("k").build());
    expect_duplicate(subject.refuse(batch).await, &existing);
    assert_eq!(subject.find(other.id()).await, None, "expected nothing of the batch");
}

pub(crate) async fn an_execution_of_a_refused_batch_may_be_inserted_again(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = sample().key("k").tenant("t").user("u").build();
    subject.refuse(Batch::new().insert(execution.clone()).with(impossible())).await;
    subject.commit(Batch::new().insert(execution.clone())).await;
    subject.expect(&execution, "after the second, accepted insert").await;
}

pub(crate) async fn a_key_is_freed_and_taken_in_one_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let old = subject.insert(sample().key("k")).await;
    let new = sample().key("k").build();
    subject.commit(Batch::new().with(delete_op(&old)).insert(new.clone())).await;
    assert_eq!(subject.find(old.id()).await, None, "expected the old one to be gone");
    let refused = subject.refuse(Batch::new().insert(sample().key("k").build())).await;
    expect_duplicate(refused, &new);
}

pub(crate) async fn an_empty_batch_changes_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let receipt = subject.commit(Batch::new()).await;
    assert_eq!(receipt.swept, 0, "expected nothing to be swept");
    assert_eq!(subject.last_event().await, 0, "expected no event");
}

pub(crate) async fn a_batch_of_a_thousand_operations_is_whole(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let executions: Vec<_> = (0..1_000).map(|_| sample().build()).collect();
    let batch = executions.iter().cloned().fold(Batch::new(), Batch::insert);
    let refused = subject.refuse(batch.clone().with(impossible())).await;
    assert!(
        matches!(refused, StoreError::Conflict { current: None, .. }),
        "expected the conflict of the last operation, got: {refused}"
    );
    let query = ExecutionQuery { limit: 2_000, ..ExecutionQuery::default() };
    assert_eq!(subject.ids(&query).await.len(), 0, "expected none of a thousand");
    subject.commit(batch).await;
    let listed = subject.ids(&query).await;
    assert!(
        listed.iter().eq(executions.iter().map(|execution| &execution.spec.id)),
        "expected all of a thousand in the order of the batch"
    );
    let fence = Fence { version: 1, epoch: 0 };
    assert_eq!(executions.last().map(runcor_core::Execution::fence), Some(fence));
}
