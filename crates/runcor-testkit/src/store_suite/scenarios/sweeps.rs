//! Sweeps: ended executions go when their retention is over.

use runcor_core::{Batch, Execution, Op, Timestamp};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::subject::{Subject, at, complete, entry, journal_op, sample, wait, worker};

async fn ended(
    subject: &Subject,
    builder: ExecutionBuilder,
    expires: Option<Timestamp>,
) -> Execution {
    let mut execution = subject.running(builder, worker(), at(0)).await;
    subject.commit(Batch::new().with(journal_op(&execution, entry("a#1")))).await;
    subject.change(&mut execution, complete(expires), at(1)).await;
    execution
}

async fn sweep(subject: &Subject, now: Timestamp, limit: usize) -> usize {
    subject.commit(Batch::new().with(Op::Sweep { now, limit, max_bytes: None })).await.swept
}

pub(crate) async fn ended_executions_past_their_retention_are_swept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let old = ended(&subject, sample(), Some(at(100))).await;
    let young = ended(&subject, sample(), Some(at(101))).await;
    assert_eq!(sweep(&subject, at(99), 10).await, 0, "expected nothing to be swept too early");
    assert_eq!(sweep(&subject, at(100), 10).await, 1, "expected the receipt to count one");
    assert_eq!(subject.find(old.id()).await, None, "expected the old one to be gone");
    subject.expect(&young, "after another one was swept").await;
}

pub(crate) async fn executions_without_an_expiry_stay(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let kept = ended(&subject, sample(), None).await;
    assert_eq!(sweep(&subject, Timestamp::MAX, 10).await, 0, "expected nothing to be swept");
    subject.expect(&kept, "after a sweep at the end of time").await;
}

pub(crate) async fn only_ended_executions_are_swept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let queued = subject.insert(sample()).await;
    let running = subject.running(sample(), worker(), at(0)).await;
    let mut waiting = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut waiting, wait(Some(at(5))), at(1)).await;
    assert_eq!(sweep(&subject, Timestamp::MAX, 10).await, 0, "expected nothing to be swept");
    for execution in [queued, running, waiting] {
        subject.expect(&execution, "after a sweep").await;
    }
}

pub(crate) async fn a_sweep_takes_the_most_overdue_up_to_its_limit(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let late = ended(&subject, sample(), Some(at(30))).await;
    ended(&subject, sample(), Some(at(10))).await;
    ended(&subject, sample(), Some(at(20))).await;
    assert_eq!(sweep(&subject, at(99), 0).await, 0, "expected nothing for limit 0");
    assert_eq!(sweep(&subject, at(99), 2).await, 2, "expected as many as the limit");
    subject.expect(&late, "being the least overdue").await;
    assert_eq!(sweep(&subject, at(99), 2).await, 1, "expected the rest");
}

pub(crate) async fn a_swept_key_is_free_again(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    ended(&subject, sample().key("k"), Some(at(10))).await;
    sweep(&subject, at(10), 10).await;
    let again = subject.insert(sample().key("k")).await;
    subject.expect(&again, "under the key that was swept").await;
}

pub(crate) async fn a_sweep_takes_journals_along(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let old = ended(&subject, sample(), Some(at(10))).await;
    let young = ended(&subject, sample(), Some(at(90))).await;
    sweep(&subject, at(10), 10).await;
    assert!(subject.journal(old.id()).await.is_empty(), "expected the journal to be gone too");
    let kept = subject.journal(young.id()).await;
    assert_eq!(kept, [entry("a#1")], "expected the other's journal to stay");
}
