//! Queues of rate limits: turns in order, and executions that are due no earlier.

use std::time::Duration;

use runcor_core::{Batch, Execution, RateQueue, RateTake, Timestamp};

use crate::ExecutionBuilder;
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{counter, queue, take, take_op};
use crate::store_suite::ops::impossible;
use crate::store_suite::subject::{Subject, applied, at, claimed, must, sample, worker};

/// Inserts an execution behind a take that may wait; returns it as it is stored, and its turn.
async fn enqueue(
    subject: &Subject,
    wish: &RateTake,
    builder: ExecutionBuilder,
) -> (Execution, Option<Timestamp>) {
    let execution = builder.build();
    let batch = Batch::new().with(take_op(wish)).insert(execution.clone());
    let turn = subject.commit(batch).await.turn;
    (must(subject.find(execution.id()).await, "the execution"), turn)
}

pub(crate) async fn who_waits_gets_the_next_turns_in_order(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    let mut queued = Vec::new();
    let turns = [(0, None), (1, None), (2, Some(1_000)), (3, Some(1_001)), (4, Some(2_000))];
    for (millis, turn) in turns {
        let builder = sample().queued_at(at(millis));
        let (execution, told) = enqueue(&subject, &queue(&key, 2, millis), builder).await;
        assert_eq!(told, turn.map(at), "expected the turn of the one at {millis}");
        let due = at(turn.unwrap_or(millis));
        assert_eq!(execution.status.due, Some(due), "expected it to be due at its turn");
        queued.push(execution.id());
    }
    let worker = subject.leased().await;
    let mut claims = Vec::new();
    for now in [999, 1_000, 1_001, 1_999, 2_000] {
        claims.push(claimed(&subject.claim(worker, at(now), 9).await));
    }
    let expected = [&queued[..2], &queued[2..3], &queued[3..4], &[], &queued[4..]];
    assert!(claims.iter().eq(expected), "expected them in the order in which they came");
}

pub(crate) async fn nobody_overtakes_who_waits(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    subject.take(&take(&key, 1, 0)).await;
    let waiting = subject.take(&queue(&key, 1, 500)).await.turn;
    assert_eq!(waiting, Some(at(1_000)), "expected the next turn");
    // The window has room, but its room belongs to the one that waits.
    let refused = subject.refuse_take(&take(&key, 1, 999)).await;
    assert_eq!(refused.retry_at, at(2_000), "expected the turn after the one that waits");
    subject.refuse_take(&take(&key, 1, 1_000)).await;
    subject.take(&take(&key, 1, 2_000)).await;
}

pub(crate) async fn a_queue_is_no_longer_than_it_may_be(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    let of = |depth, seconds| RateTake {
        queue: Some(RateQueue { depth, timeout: Duration::from_secs(seconds) }),
        ..take(&key, 1, 0)
    };
    subject.take(&of(2, 60)).await;
    for turn in [1_000, 2_000] {
        assert_eq!(subject.take(&of(2, 60)).await.turn, Some(at(turn)), "expected a turn");
    }
    let refused = subject.refuse_take(&of(2, 60)).await;
    assert_eq!(refused.count, 3, "expected those that wait to be told of");
    subject.refuse_take(&of(9, 2)).await;
    assert_eq!(subject.take(&of(9, 3)).await.turn, Some(at(3_000)), "expected the longest wait");
}

pub(crate) async fn a_turn_delays_what_is_inserted_after_it(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let [a, b] = ["a", "b"].map(counter);
    subject.take(&take(&a, 1, 0)).await;
    subject.take(&take(&b, 1, 400)).await;
    let [before, between, after, late] =
        [0, 0, 0, 9_000].map(|millis| sample().queued_at(at(millis)).build());
    let batch = Batch::new()
        .insert(before.clone())
        .with(take_op(&queue(&a, 1, 500)))
        .insert(between.clone())
        .with(take_op(&queue(&b, 1, 500)))
        .insert(after.clone())
        .insert(late.clone());
    let receipt = subject.commit(batch).await;
    assert_eq!(receipt.turn, Some(at(1_400)), "expected the latest turn");
    let dues = [(before, 0), (between, 1_000), (after, 1_400), (late, 9_000)];
    for (execution, due) in dues {
        let found = must(subject.find(execution.id()).await, "the execution");
        assert_eq!(found.status.due, Some(at(due)), "expected it to be due at {due}");
        let mut expected = execution;
        expected.status.due = found.status.due;
        assert_eq!(found, expected, "expected nothing else to change");
    }
    let next = subject.next_due(at(0)).await;
    assert_eq!(next, Some(at(1_000)), "expected the first turn to be seen as due");
}

pub(crate) async fn a_turn_delays_only_what_is_queued(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    subject.take(&take(&key, 1, 0)).await;
    let queued = sample().build();
    let claim = applied(&queued, runcor_core::Change::Claim { worker: worker() }, at(1));
    let mut running = queued;
    running.status = claim.status;
    let batch = Batch::new().with(take_op(&queue(&key, 1, 1))).insert(running.clone());
    assert_eq!(subject.commit(batch).await.turn, Some(at(1_000)), "expected the turn");
    subject.expect(&running, "as it runs already").await;
    let other = sample().build();
    subject.commit(Batch::new().insert(other.clone())).await;
    subject.expect(&other, "in a batch without a turn").await;
}

pub(crate) async fn a_turn_of_a_refused_batch_is_free(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let key = counter("a");
    let wish = || queue(&key, 1, 0);
    subject.take(&wish()).await;
    let batch = Batch::new().with(take_op(&wish())).insert(sample().build());
    subject.refuse(batch.with(impossible())).await;
    let (_, turn) = enqueue(&subject, &wish(), sample()).await;
    assert_eq!(turn, Some(at(1_000)), "expected the turn that was given back");
}
