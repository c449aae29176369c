//! Sweeps: ended executions go when their retention is over.

use runcor_core::{Batch, Change, Execution, Op, Timestamp};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{big, done, entry, journal_op};
use crate::store_suite::subject::{Subject, at, complete, sample, wait, worker};

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

/// Inserts an execution with a big journal that ended at `millis` and has no retention.
async fn big_ended(subject: &Subject, millis: i64) -> Execution {
    let mut execution = subject.running(sample(), worker(), at(0)).await;
    subject.write(&execution, done("a#1", big('a'))).await;
    subject.change(&mut execution, complete(None), at(millis)).await;
    execution
}

async fn sweep_to(subject: &Subject, max_bytes: u64, limit: usize) -> usize {
    let op = Op::Sweep { now: at(0), limit, max_bytes: Some(max_bytes) };
    subject.commit(Batch::new().with(op)).await.swept
}

pub(crate) async fn a_sweep_by_size_takes_the_oldest_end_first(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let late = big_ended(&subject, 30).await;
    let early = big_ended(&subject, 10).await;
    let middle = big_ended(&subject, 20).await;
    if sweep_to(&subject, 1, 1).await == 0 {
        let skipped = "skipped a_sweep_by_size_takes_the_oldest_end_first";
        eprintln!("{skipped}: the store does not sweep by size");
        return;
    }
    assert_eq!(subject.find(early.id()).await, None, "expected the oldest end to go first");
    let value = subject.journal_value(early.id(), "a#1").await;
    assert!(value.is_none(), "expected its journal to go with it");
    subject.expect(&middle, "having ended later").await;
    assert_eq!(sweep_to(&subject, 1, 1).await, 1, "expected the next to go");
    assert_eq!(subject.find(middle.id()).await, None, "expected the second end to go next");
    subject.expect(&late, "having ended last").await;
}

pub(crate) async fn a_sweep_by_size_leaves_what_goes_on(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let queued = subject.insert(sample().input(big('q'))).await;
    let running = subject.running(sample().input(big('r')), worker(), at(0)).await;
    subject.write(&running, done("a#1", big('a'))).await;
    let mut waiting = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut waiting, wait(None), at(1)).await;
    let mut retrying = subject.running(sample(), worker(), at(0)).await;
    subject.change(&mut retrying, Change::Retry { due: at(9) }, at(1)).await;
    big_ended(&subject, 10).await;
    let swept = sweep_to(&subject, 0, 100).await;
    assert!(swept <= 1, "expected nothing to be swept that goes on, swept {swept}");
    for execution in [queued, running, waiting, retrying] {
        subject.expect(&execution, "after a sweep to the size of nothing").await;
    }
}

pub(crate) async fn a_store_that_is_small_enough_is_not_swept(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let kept = big_ended(&subject, 10).await;
    assert_eq!(sweep_to(&subject, u64::MAX, 100).await, 0, "expected nothing to be swept");
    subject.expect(&kept, "as there is room for it").await;
    let due = ended(&subject, sample(), Some(at(50))).await;
    let op = Op::Sweep { now: at(50), limit: 9, max_bytes: Some(u64::MAX) };
    assert_eq!(subject.commit(Batch::new().with(op)).await.swept, 1, "expected what is due");
    assert_eq!(subject.find(due.id()).await, None, "expected what is due to go all the same");
    subject.expect(&kept, "not being due").await;
}
