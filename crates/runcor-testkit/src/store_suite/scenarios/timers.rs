//! Timers: what has expired, and when anything is due next.

use runcor_core::{Batch, Change, Execution, Timestamp};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::delete_op;
use crate::store_suite::subject::{Subject, at, claimed, complete, sample, wait, worker};

async fn waiting(subject: &Subject, due: Option<Timestamp>) -> Execution {
    let mut execution = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut execution, wait(due), at(0)).await;
    execution
}

pub(crate) async fn a_wait_without_an_end_never_expires(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    waiting(&subject, None).await;
    let expired = subject.due_waits(Timestamp::MAX, 10).await;
    assert!(expired.is_empty(), "expected no expired wait, got {expired:?}");
}

pub(crate) async fn a_wait_expires_at_its_end(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let execution = waiting(&subject, Some(at(100))).await;
    assert!(subject.due_waits(at(99), 10).await.is_empty(), "expected nothing too early");
    let found = subject.store.due_waits(at(100), 10).await;
    assert_eq!(found.ok(), Some(vec![execution]), "expected the whole execution at its end");
}

pub(crate) async fn due_waits_come_most_overdue_first(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut ids = Vec::new();
    for millis in [30, 10, 20, 10, 900] {
        ids.push(waiting(&subject, Some(at(millis))).await.id());
    }
    let all = subject.due_waits(at(100), 10).await;
    assert_eq!(all, [ids[1], ids[3], ids[2], ids[0]], "expected them by end, then by creation");
    let some = subject.due_waits(at(100), 2).await;
    assert_eq!(some, [ids[1], ids[3]], "expected the two most overdue");
    assert!(subject.due_waits(at(100), 0).await.is_empty(), "expected nothing for limit 0");
}

pub(crate) async fn a_resumed_wait_does_not_expire(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = waiting(&subject, Some(at(10))).await;
    subject.change(&mut execution, Change::Resume { data: None }, at(5)).await;
    let expired = subject.due_waits(at(100), 10).await;
    assert!(expired.is_empty(), "expected no expired wait, got {expired:?}");
}

pub(crate) async fn a_woken_wait_is_due_no_more(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = waiting(&subject, Some(at(10))).await;
    subject.change(&mut execution, Change::Wake, at(10)).await;
    let due = subject.due_waits(at(100), 10).await;
    assert!(due.is_empty(), "expected no wait to be due, got {due:?}");
    let claims = claimed(&subject.claim_newly(at(10), 9).await);
    assert_eq!(claims, [execution.id()], "expected it to be claimable at once");
}

pub(crate) async fn nothing_is_due_in_an_empty_store(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    assert_eq!(subject.next_due(at(0)).await, None, "expected nothing due");
    subject.lease(worker(), at(100)).await;
    waiting(&subject, None).await;
    let mut ended = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut ended, complete(None), at(0)).await;
    assert_eq!(subject.next_due(at(1_000)).await, None, "expected nothing to have a due");
}

pub(crate) async fn what_is_due_now_is_not_next(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    subject.insert(sample().queued_at(at(10))).await;
    subject.insert(sample().queued_at(at(20))).await;
    let found = [
        subject.next_due(at(9)).await,
        subject.next_due(at(10)).await,
        subject.next_due(at(19)).await,
        subject.next_due(at(20)).await,
    ];
    let expected = [Some(at(10)), Some(at(20)), Some(at(20)), None];
    assert_eq!(found, expected, "expected the earliest due strictly after the present");
}

pub(crate) async fn every_kind_of_due_is_seen(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(1_000_000)).await;
    subject.insert(sample().queued_at(at(10))).await;
    let mut retrying = subject.running(sample(), owner, at(0)).await;
    subject.change(&mut retrying, Change::Retry { due: at(20) }, at(0)).await;
    waiting(&subject, Some(at(30))).await;
    let mut ended = subject.running(sample(), owner, at(0)).await;
    subject.change(&mut ended, complete(Some(at(40))), at(0)).await;
    let mut released = subject.running(sample(), owner, at(0)).await;
    subject.change(&mut released, Change::Retry { due: at(50) }, at(0)).await;
    subject.change(&mut released, Change::Release, at(0)).await;
    for (now, due, what) in [
        (0, 10, "a queued execution"),
        (10, 20, "a retry"),
        (20, 30, "the end of a wait"),
        (30, 40, "the end of retention"),
        (40, 50, "a released retry"),
    ] {
        assert_eq!(subject.next_due(at(now)).await, Some(at(due)), "expected {what} to be due");
    }
}

pub(crate) async fn the_earliest_is_next(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    waiting(&subject, Some(at(500))).await;
    subject.insert(crate::ExecutionBuilder::new("g").queued_at(at(300))).await;
    subject.insert(sample().queued_at(at(400))).await;
    assert_eq!(subject.next_due(at(0)).await, Some(at(300)), "expected the earliest of all flows");
}

pub(crate) async fn the_end_of_a_lease_is_seen(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let owner = worker();
    subject.lease(owner, at(100)).await;
    subject.running(sample(), owner, at(0)).await;
    let next = subject.next_due(at(0)).await;
    assert_eq!(next, Some(at(100)), "expected the instant when the execution becomes claimable");
    subject.lease(owner, at(200)).await;
    let next = subject.next_due(at(0)).await;
    assert_eq!(next, Some(at(200)), "expected the end of the renewed lease");
}

pub(crate) async fn what_is_gone_is_not_due(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let queued = subject.insert(sample().queued_at(at(10))).await;
    let wait = waiting(&subject, Some(at(20))).await;
    for execution in [queued, wait] {
        subject.commit(Batch::new().with(delete_op(&execution))).await;
    }
    assert_eq!(subject.next_due(at(0)).await, None, "expected nothing due after the deletes");
    assert!(subject.due_waits(at(99), 9).await.is_empty(), "expected no wait to be left");
}
