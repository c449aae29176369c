//! Preconditions: operations that change nothing and yet decide about a batch.

use runcor_core::{Batch, Change, Event, Execution, Fence, Op};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::ops::{delete_op, entry, journal_op};
use crate::store_suite::subject::{
    Subject, applied, at, complete, expect_conflict, failed, sample, wait, worker,
};

fn expect_op(execution: &Execution) -> Op {
    Op::Expect { id: execution.id(), fence: execution.fence() }
}

fn not_ended_op(execution: &Execution) -> Op {
    Op::NotEnded { id: execution.id() }
}

/// Checks that `op` refuses a batch about a third execution, and that nothing of the batch remains.
async fn refuses_all(subject: &Subject, op: Op, of: &Execution, current: Option<Fence>) {
    let mut other = subject.running(sample(), worker(), at(1)).await;
    let (child, events) = (sample().build(), subject.last_event().await);
    let batch = Batch::new()
        .insert(child.clone())
        .with(journal_op(&other, entry("a#1")))
        .update(&other, applied(&other, complete(None), at(2)))
        .with(op)
        .with(Op::Emit(Event::Ready));
    let refused = subject.refuse(batch).await;
    expect_conflict(&refused, of.id(), current);
    assert_eq!(subject.find(child.id()).await, None, "expected no execution of a refused batch");
    assert!(subject.journal(other.id()).await.is_empty(), "expected no entry of a refused batch");
    subject.expect(&other, "by a refused batch").await;
    assert_eq!(subject.last_event().await, events, "expected no event of a refused batch");
    subject.change(&mut other, complete(None), at(2)).await;
}

pub(crate) async fn an_expectation_that_holds_changes_nothing(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let queued = subject.insert(sample()).await;
    let running = subject.running(sample(), worker(), at(1)).await;
    let events = subject.last_event().await;
    let child = sample().build();
    let batch = Batch::new().with(expect_op(&queued)).with(expect_op(&running));
    subject.commit(batch.insert(child.clone())).await;
    for execution in [queued, running, child] {
        subject.expect(&execution, "by what was expected of it").await;
    }
    assert_eq!(subject.last_event().await, events, "expected no event");
}

pub(crate) async fn an_expectation_that_does_not_hold_refuses_the_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut execution = subject.running(sample(), worker(), at(1)).await;
    let old = execution.clone();
    subject.change(&mut execution, Change::Release, at(2)).await;
    let current = execution.fence();
    for fence in [
        old.fence(),
        Fence { version: current.version + 1, ..current },
        Fence { epoch: current.epoch + 1, ..current },
        Fence { epoch: 0, ..current },
    ] {
        let op = Op::Expect { id: execution.id(), fence };
        refuses_all(&subject, op, &execution, Some(current)).await;
    }
    subject.expect(&execution, "by expectations that did not hold").await;
    let stranger = sample().build();
    refuses_all(&subject, expect_op(&stranger), &stranger, None).await;
}

pub(crate) async fn what_goes_on_has_not_ended(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut going_on = vec![subject.insert(sample()).await];
    let claimed = [
        None,
        Some(wait(None)),
        Some(Change::Retry { due: at(9) }),
        Some(Change::Release),
        Some(Change::Abandon),
    ];
    for change in claimed {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        if let Some(change) = change {
            subject.change(&mut execution, change, at(2)).await;
        }
        going_on.push(execution);
    }
    for execution in going_on {
        let child = sample().build();
        subject.commit(Batch::new().with(not_ended_op(&execution)).insert(child.clone())).await;
        subject.expect(&execution, "by the question whether it has ended").await;
        subject.expect(&child, "beside it").await;
    }
}

pub(crate) async fn what_has_ended_refuses_the_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for change in [complete(None), complete(Some(at(9))), failed()] {
        let mut execution = subject.running(sample(), worker(), at(1)).await;
        subject.change(&mut execution, change, at(2)).await;
        let current = Some(execution.fence());
        refuses_all(&subject, not_ended_op(&execution), &execution, current).await;
    }
    let stranger = sample().build();
    refuses_all(&subject, not_ended_op(&stranger), &stranger, None).await;
    let gone = subject.insert(sample()).await;
    subject.commit(Batch::new().with(delete_op(&gone))).await;
    refuses_all(&subject, not_ended_op(&gone), &gone, None).await;
}

pub(crate) async fn a_precondition_sees_what_came_before_it_in_its_batch(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let parent = subject.running(sample(), worker(), at(1)).await;
    let ends = || Batch::new().update(&parent, applied(&parent, complete(None), at(2)));
    let mut ended = parent.clone();
    ended.status = applied(&parent, complete(None), at(2)).status;
    for op in [not_ended_op(&parent), expect_op(&parent)] {
        let refused = subject.refuse(ends().with(op.clone())).await;
        expect_conflict(&refused, parent.id(), Some(ended.fence()));
        subject.expect(&parent, "by a batch that ends it and expects otherwise").await;
        subject.commit(Batch::new().with(op)).await;
    }
    subject.commit(ends().with(expect_op(&ended))).await;
    subject.expect(&ended, "after a batch that ends it and expects just that").await;
}
