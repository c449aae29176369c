//! Deletes: gone is gone everywhere, and only for those who have seen the latest.

use runcor_core::{Batch, Change, ExecutionQuery, Op};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{big, delete_op, done, entry, impossible, journal_op, seed_op};
use crate::store_suite::subject::{
    Subject, at, claimed, complete, expect_conflict, sample, worker,
};

pub(crate) async fn a_deleted_execution_is_gone_everywhere(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let kept = subject.insert(sample()).await;
    let mut execution = subject.running(sample().key("k").user("u"), worker(), at(1)).await;
    subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
    subject.change(&mut execution, complete(Some(at(9))), at(2)).await;
    subject.commit(Batch::new().with(delete_op(&execution))).await;
    let spec = &execution.spec;
    assert_eq!(subject.find(spec.id).await, None, "expected nothing under its id");
    let by_key = subject.store.execution_by_key(None, &spec.flow, &spec.idempotency_key).await;
    assert_eq!(by_key.ok(), Some(None), "expected nothing under its key");
    assert!(subject.journal(spec.id).await.is_empty(), "expected no journal");
    let listed = subject.ids(&ExecutionQuery::default()).await;
    assert_eq!(listed, [kept.id()], "expected the other one alone in the list");
    let users = ExecutionQuery { user: spec.user_id.clone(), ..ExecutionQuery::default() };
    assert!(subject.ids(&users).await.is_empty(), "expected nothing of its user");
    let receipt = subject
        .commit(Batch::new().with(Op::Sweep { now: at(99), limit: 9, max_bytes: None }))
        .await;
    assert_eq!(receipt.swept, 0, "expected nothing left to sweep");
}

pub(crate) async fn a_deleted_key_is_free_again(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let old = subject.insert(sample().key("k").tenant("t")).await;
    subject.commit(Batch::new().with(delete_op(&old))).await;
    let new = subject.insert(sample().key("k").tenant("t")).await;
    subject.expect(&new, "under the key of the deleted one").await;
}

pub(crate) async fn a_delete_with_an_old_fence_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.insert(sample()).await;
    let old = execution.clone();
    subject.change(&mut execution, Change::Claim { worker: worker() }, at(1)).await;
    let refused = subject.refuse(Batch::new().with(delete_op(&old))).await;
    expect_conflict(&refused, execution.id(), Some(execution.fence()));
    subject.expect(&execution, "after a late delete was refused").await;
}

pub(crate) async fn a_delete_of_an_unknown_execution_is_refused(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let op = impossible();
    let Op::Delete { id, .. } = op else { return };
    let refused = subject.refuse(Batch::new().with(op)).await;
    expect_conflict(&refused, id, None);
}

pub(crate) async fn a_deleted_execution_is_not_claimed(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.insert(sample()).await;
    let owner = worker();
    subject.lease(owner, at(10)).await;
    let owned = subject.running(sample(), owner, at(1)).await;
    subject.commit(Batch::new().with(delete_op(&execution)).with(delete_op(&owned))).await;
    let claims = claimed(&subject.claim_newly(at(99), 9).await);
    assert!(claims.is_empty(), "expected nothing to claim, got {claims:?}");
}

pub(crate) async fn a_deleted_journal_does_not_come_back(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = sample().build();
    subject.commit(Batch::new().insert(execution.clone())).await;
    let fresh = execution.clone();
    subject.change(&mut execution, Change::Claim { worker: worker() }, at(1)).await;
    subject.write(&execution, done("a#1", big('a'))).await;
    subject.write(&execution, entry("b#1")).await;
    subject.commit(Batch::new().with(delete_op(&execution)).insert(fresh.clone())).await;
    assert!(subject.journal(fresh.id()).await.is_empty(), "expected the id to begin anew");
    let value = subject.journal_value(fresh.id(), "a#1").await;
    assert!(value.is_none(), "expected no result of a journal that is gone");
    subject.commit(Batch::new().with(seed_op(&fresh, &[entry("a#1")]))).await;
    assert_eq!(subject.journal(fresh.id()).await, [entry("a#1")], "expected the new journal");
}

pub(crate) async fn events_outlive_their_execution(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = subject.running(sample(), worker(), at(1)).await;
    let before = subject.events(0, 10).await;
    subject.commit(Batch::new().with(delete_op(&execution))).await;
    assert_eq!(subject.events(0, 10).await, before, "expected the events to stay");
}
