//! Many at once: exactly one wins, nobody gets what another has, and the order stays one.

use std::collections::HashSet;
use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::join_all;

use runcor_core::{Batch, Change, ExecutionQuery, Op, StoreError};

use super::events::{hear, numbered};
use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::subject::{Subject, applied, at, complete, fail, sample, worker};

/// Runs futures as tasks of their own, so that they really run at once.
pub(super) async fn at_once<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let ended = join_all(tasks).await;
    ended.into_iter().map(|end| end.unwrap_or_else(|error| fail(error.to_string()))).collect()
}

pub(crate) async fn one_of_fifty_inserts_with_one_key_wins(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let inserts = (0..50).map(|_| {
        let store = fixture.store();
        let execution = sample().key("k").build();
        async move {
            let id = execution.id();
            (id, store.commit(Batch::new().insert(execution)).await)
        }
    });
    let mut winners = Vec::new();
    let mut told = HashSet::new();
    for (id, outcome) in at_once(inserts).await {
        match outcome {
            Ok(_) => winners.push(id),
            Err(StoreError::Duplicate { existing }) => {
                told.insert(existing.id());
            }
            Err(other) => fail(format!("expected an insert or a duplicate, got: {other}")),
        }
    }
    assert_eq!(winners.len(), 1, "expected exactly one of fifty inserts to win");
    let winner: HashSet<_> = winners.into_iter().collect();
    assert_eq!(told, winner, "expected the 49 others to be told of the winner");
    assert_eq!(subject.ids(&ExecutionQuery::default()).await.len(), 1, "expected one execution");
}

pub(crate) async fn one_of_two_updates_with_one_fence_wins(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for _ in 0..20 {
        let execution = subject.running(sample(), worker(), at(1)).await;
        let changes = [complete(None), Change::Retry { due: at(9) }];
        let updates = changes.map(|change| {
            let store = fixture.store();
            let update = applied(&execution, change, at(2));
            let status = update.status.clone();
            let batch = Batch::new().update(&execution, update);
            async move { store.commit(batch).await.map(|_| status) }
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            at_once(updates).await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1), "expected exactly one of two updates to win");
        let refused = lost.into_iter().all(|end| matches!(end, Err(StoreError::Conflict { .. })));
        assert!(refused, "expected the other update to be a conflict");
        let found = subject.find(execution.id()).await.map(|found| found.status);
        assert_eq!(found, won.into_iter().flatten().next(), "expected the winner to be stored");
    }
}

pub(crate) async fn eight_claimers_share_a_thousand_executions(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let batch = (0..1_000).map(|_| sample().build()).fold(Batch::new(), Batch::insert);
    subject.commit(batch).await;
    let claimers = (0..8).map(|_| {
        let subject = Subject::new(&fixture);
        async move {
            let worker = worker();
            subject.lease(worker, at(1_000_000)).await;
            let mut mine = Vec::new();
            loop {
                let claims = subject.claim(worker, at(1), 7).await;
                if claims.is_empty() {
                    return mine;
                }
                mine.extend(claims.into_iter().map(|claim| claim.execution.id()));
            }
        }
    });
    let all = at_once(claimers).await.concat();
    assert_eq!(all.len(), 1_000, "expected a thousand claims");
    let distinct: HashSet<_> = all.into_iter().collect();
    assert_eq!(distinct.len(), 1_000, "expected nobody to claim what another has");
}

/// Commits events from eight tasks at once: forty batches each, three events a batch.
async fn emit_from_everywhere(fixture: &StoreFixture) -> usize {
    let emitters = (0..8).map(|task| {
        let subject = Subject::new(fixture);
        async move {
            for batch in 0..40 {
                let events = (0..3).map(|n| numbered(task * 1_000 + batch * 10 + n)).collect();
                subject.commit(Batch::new().emit_all(events)).await;
            }
        }
    });
    at_once(emitters).await.len() * 40 * 3
}

pub(crate) async fn numbers_of_events_are_consecutive_under_concurrent_commits(
    fixture: StoreFixture,
) {
    let subject = Subject::new(&fixture);
    let count = emit_from_everywhere(&fixture).await;
    let events = subject.events(0, 10_000).await;
    let numbers = events.iter().map(|record| record.seq);
    assert!(numbers.eq(1..=count as u64), "expected consecutive numbers from 1 to {count}");
    for batch in events.chunks(3) {
        let names: Vec<_> = batch.iter().map(|record| format!("{:?}", record.event)).collect();
        let together = names.iter().zip(0..).all(|(name, n)| name.contains(&format!("{n}\"")));
        assert!(together, "expected the events of a batch side by side, got {names:?}");
    }
}

pub(crate) async fn the_feed_keeps_the_order_under_concurrent_commits(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let mut feed = subject.store.feed().subscribe();
    let count = emit_from_everywhere(&fixture).await;
    let heard = hear(&mut feed, count).await;
    let numbers = heard.iter().map(|record| record.seq);
    assert!(numbers.eq(1..=count as u64), "expected the feed in the order of the numbers");
    let stored = subject.events(0, 10_000).await;
    assert!(heard.iter().map(AsRef::as_ref).eq(&stored), "expected the feed to bring what is kept");
}

pub(crate) async fn readers_see_batches_whole(fixture: StoreFixture) {
    let writer = Subject::new(&fixture);
    let reader = Subject::new(&fixture);
    let writing = tokio::spawn(async move {
        for _ in 0..50 {
            let batch = (0..4).map(|_| sample().build()).fold(Batch::new(), Batch::insert);
            writer.commit(batch).await;
        }
    });
    let all = ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() };
    loop {
        let is_over = writing.is_finished();
        let count = reader.ids(&all).await.len();
        assert_eq!(count % 4, 0, "expected to see batches of four whole, saw {count} executions");
        if is_over {
            assert_eq!(count, 200, "expected every commit that returned to be seen");
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn a_commit_that_is_dropped_is_applied_whole_or_not_at_all(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    for polls in 0..40 {
        let executions: Vec<_> = (0..5).map(|_| sample().build()).collect();
        let batch = executions.iter().cloned().fold(Batch::new(), Batch::insert);
        let mut commit = subject.store.commit(batch);
        for _ in 0..polls % 4 {
            if (&mut commit).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(commit);
        // Batches are applied in one order: after this one, that one has had its turn.
        subject.commit(Batch::new().with(Op::Emit(numbered(polls)))).await;
        let mut found = 0;
        for execution in &executions {
            found += usize::from(subject.find(execution.id()).await.is_some());
        }
        assert!(
            found == 0 || found == 5,
            "expected all of a batch of five or nothing, got {found}"
        );
    }
}
