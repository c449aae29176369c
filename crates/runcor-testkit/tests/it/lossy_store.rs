//! A loss of power takes what was not synced, from some place in the order on, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use parking_lot::Mutex;
use serde_json::json;

use runcor_core::{
    Batch, Change, ClaimRequest, Event, Execution, ExecutionId, ExecutionQuery, FlowName,
    JournalEntry, JournalKind, Op, SharedStore, Store, StoreError, Timestamp, WorkerId,
};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{ExecutionBuilder, LossyStore, StoreFixture};

fn lossy(seed: u64) -> LossyStore {
    LossyStore::new(seed, || Arc::new(MemoryStore::new()))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

fn execution() -> Execution {
    ExecutionBuilder::new("f").queued_at(at(0)).build()
}

/// Two executions that are there together or not at all.
fn pair() -> (Batch, [ExecutionId; 2]) {
    let [first, second] = [execution(), execution()];
    let ids = [first.id(), second.id()];
    (Batch::new().insert(first).insert(second).with(Op::Emit(Event::Ready)), ids)
}

async fn stored(store: &LossyStore) -> Vec<ExecutionId> {
    let query = ExecutionQuery { limit: usize::MAX, ..ExecutionQuery::default() };
    let page = store.executions(&query).await.unwrap();
    page.items.iter().map(Execution::id).collect()
}

async fn claim(store: &LossyStore, now: Timestamp) -> Vec<ExecutionId> {
    let (worker, flows) = (WorkerId::mint(at(0)), vec![FlowName::new("f").unwrap()]);
    let lease = Op::Lease { worker, until: Timestamp::MAX };
    store.commit(Batch::new().with(lease)).await.unwrap();
    let claims = store.claim(ClaimRequest { worker, now, limit: 9, flows }).await.unwrap();
    claims.iter().map(|claim| claim.execution.id()).collect()
}

/// The suite, with a loss of power for every closing and opening.
async fn fixture(seed: u64, shared: bool) -> StoreFixture {
    let disk = Mutex::new(lossy(seed).with_shared(shared));
    StoreFixture::open(move || {
        let mut disk = disk.lock();
        *disk = disk.crash();
        std::future::ready(disk.clone())
    })
    .await
}

mod of_one_process {
    runcor_testkit::store_suite!(super::fixture(1, false));
}

mod of_several_processes {
    runcor_testkit::store_suite!(super::fixture(2, true));
}

/// What became of the writes of one round.
struct Round {
    written: Vec<[ExecutionId; 2]>,
    answered: Vec<bool>,
}

/// Makes `count` writes at once and lets them go on for a while.
async fn write(store: &LossyStore, count: usize, steps: u64) -> Round {
    let (batches, written): (Vec<_>, Vec<_>) = (0..count).map(|_| pair()).unzip();
    let mut commits: Vec<_> = batches.into_iter().map(|batch| store.commit(batch)).collect();
    let mut answered = vec![false; count];
    for _ in 0..steps {
        for (commit, answered) in commits.iter_mut().zip(&mut answered) {
            if !*answered {
                *answered = poll!(commit).is_ready();
            }
        }
    }
    Round { written, answered }
}

/// Checks what a crash has left of a round, given what was there before it;
/// returns how many writes survived that were not answered.
fn check(round: &Round, before: &[ExecutionId], after: &[ExecutionId], seed: u64) -> usize {
    assert!(after.starts_with(before), "SEED={seed}: what was there stays as it was");
    let survived = &after[before.len()..];
    let expected = round.written.concat();
    assert!(expected.starts_with(survived), "SEED={seed}: a prefix of the order survives");
    assert!(survived.len().is_multiple_of(2), "SEED={seed}: a batch is whole or not there");
    let last = round.answered.iter().rposition(|answered| *answered);
    let promised = last.map_or(0, |last| last + 1);
    assert!(survived.len() / 2 >= promised, "SEED={seed}: what was answered survives");
    survived.len() / 2 - promised
}

#[tokio::test]
async fn what_was_answered_survives_and_of_the_rest_a_prefix() {
    let mut extras = BTreeSet::new();
    for seed in 0..300 {
        let mut store = lossy(seed);
        let mut before = Vec::new();
        for round in 0..4 {
            let written = write(&store, 6, (seed + round) % 7).await;
            store = store.crash();
            let after = stored(&store).await;
            extras.insert(check(&written, &before, &after, seed));
            assert_eq!(store.last_event().await.unwrap(), after.len() as u64 / 2);
            before = after;
        }
    }
    assert_eq!(extras, (0..=6).collect(), "the seeds should try every length");
}

#[tokio::test]
async fn one_seed_is_one_history() {
    async fn history(seed: u64) -> Vec<(Vec<bool>, usize)> {
        let mut store = lossy(seed);
        let mut history = Vec::new();
        for _ in 0..5 {
            let round = write(&store, 5, 3).await;
            store = store.crash();
            history.push((round.answered, stored(&store).await.len()));
        }
        history
    }
    assert_eq!(history(11).await, history(11).await);
    assert_ne!(history(11).await, history(12).await);
}

#[tokio::test]
async fn a_sync_leaves_what_came_later_where_it_is() {
    let mut left = 0;
    for seed in 0..50 {
        let store = lossy(seed);
        let (mut first, mut second) = (store.commit(pair().0), store.commit(pair().0));
        let are_both_queued = poll!(&mut first).is_pending() && poll!(&mut second).is_pending();
        if are_both_queued {
            while poll!(&mut first).is_pending() && poll!(&mut second).is_pending() {}
            left += store.pending();
        }
    }
    assert!(left > 10, "{left}");
}

#[tokio::test]
async fn each_prefix_of_what_waits_may_survive() {
    for survivors in 0..=6 {
        let store = lossy(0);
        store.hold();
        let round = write(&store, 5, 20).await;
        assert_eq!((store.pending(), &round.answered), (5, &vec![false; 5]));
        let after = store.crash_keeping(survivors);
        let expected = round.written.concat();
        assert_eq!(stored(&after).await, expected[..2 * survivors.min(5)]);
    }
}

#[tokio::test]
async fn nothing_is_read_announced_or_answered_before_it_is_synced() {
    let store = lossy(0);
    let mut feed = store.feed().subscribe();
    store.hold();
    let (batch, ids) = pair();
    let mut commit = store.commit(batch);
    for _ in 0..100 {
        assert!(poll!(&mut commit).is_pending());
    }
    assert_eq!((stored(&store).await, store.last_event().await.unwrap()), (Vec::new(), 0));
    assert!(feed.next().now_or_never().is_none());
    assert_eq!(store.sync(), 1);
    assert_eq!(stored(&store).await, ids);
    assert!(feed.next().now_or_never().is_some());
    commit.await.unwrap();
}

#[tokio::test]
async fn a_refusal_comes_in_its_turn_and_leaves_nothing() {
    let store = lossy(0);
    let first = ExecutionBuilder::new("f").key("k").build();
    let second = ExecutionBuilder::new("f").key("k").build();
    store.hold();
    let mut commits =
        join_all([&first, &second].map(|one| store.commit(Batch::new().insert(one.clone()))));
    assert!(poll!(&mut commits).is_pending());
    store.release();
    let outcomes = commits.await;
    assert!(outcomes[0].is_ok());
    assert!(matches!(&outcomes[1], Err(StoreError::Duplicate { existing }) if **existing == first));
    assert_eq!(stored(&store.crash().crash()).await, [first.id()]);
}

#[tokio::test]
async fn a_refused_write_survives_as_nothing() {
    let store = lossy(0);
    let (first, second) = (execution(), execution());
    store.commit(Batch::new().insert(first.clone())).await.unwrap();
    store.hold();
    let again = Batch::new().insert(second.clone()).insert(first.clone());
    assert!(store.commit(again).now_or_never().is_none());
    let (batch, [third, fourth]) = pair();
    assert!(store.commit(batch).now_or_never().is_none());
    let after = store.crash_keeping(2);
    assert_eq!(stored(&after).await, [first.id(), third, fourth]);
    assert_eq!(stored(&after.crash()).await, [first.id(), third, fourth]);
}

#[tokio::test]
async fn a_dropped_write_is_synced_with_the_next_or_lost() {
    for survivors in [0, 1] {
        let store = lossy(0).with_slowest_sync(0);
        store.hold();
        let (batch, ids) = pair();
        assert!(store.commit(batch).now_or_never().is_none());
        let after = store.crash_keeping(survivors);
        assert_eq!(stored(&after).await, ids[..2 * survivors]);
    }
    let store = lossy(0).with_slowest_sync(0);
    store.hold();
    let (batch, ids) = pair();
    assert!(store.commit(batch).now_or_never().is_none());
    store.release();
    store.commit(Batch::new()).await.unwrap();
    assert_eq!(stored(&store.crash_keeping(0)).await, ids);
}

#[tokio::test]
async fn without_power_everything_fails_also_what_was_waiting() {
    let store = lossy(0);
    let listening = store.clone();
    store.hold();
    let mut waiting = store.commit(Batch::new());
    assert!(poll!(&mut waiting).is_pending());
    let _after = store.crash_keeping(1);
    assert!(matches!(waiting.await, Err(StoreError::Closed)));
    let (worker, id) = (WorkerId::mint(at(0)), execution().id());
    let request = ClaimRequest { worker, now: at(0), limit: 1, flows: Vec::new() };
    let all = ExecutionQuery::default();
    let spec = execution().spec;
    for is_closed in [
        matches!(store.commit(Batch::new()).await, Err(StoreError::Closed)),
        matches!(store.claim(request).await, Err(StoreError::Closed)),
        matches!(store.execution(id).await, Err(StoreError::Closed)),
        matches!(
            store.execution_by_key(None, &spec.flow, &spec.idempotency_key).await,
            Err(StoreError::Closed)
        ),
        matches!(store.executions(&all).await, Err(StoreError::Closed)),
        matches!(store.journal(id).await, Err(StoreError::Closed)),
        matches!(store.journal_value(id, "a#1").await, Err(StoreError::Closed)),
        matches!(store.due_waits(at(0), 1).await, Err(StoreError::Closed)),
        matches!(store.next_due(at(0)).await, Err(StoreError::Closed)),
        matches!(store.events(0, 1).await, Err(StoreError::Closed)),
        matches!(listening.last_event().await, Err(StoreError::Closed)),
    ] {
        assert!(is_closed);
    }
    assert!(store.close().await.is_ok());
}

#[tokio::test]
async fn a_journal_outlives_one_crash_after_another() {
    let mut store = lossy(3);
    let mut run = execution();
    store.commit(Batch::new().insert(run.clone())).await.unwrap();
    let mut written = Vec::new();
    for number in 1..=20 {
        assert_eq!(claim(&store, at(number)).await, [run.id()], "a dead worker's run is free");
        run = store.execution(run.id()).await.unwrap().unwrap();
        let entry =
            JournalEntry::done(format!("a#{number}"), JournalKind::Step, json!(number), at(number));
        store.commit(Batch::new().journal(&run, entry.clone())).await.unwrap();
        written.push(entry);
        store.hold();
        let lost = Batch::new().update(&run, run.apply(Change::Release, at(number)).unwrap());
        assert!(store.commit(lost).now_or_never().is_none());
        store = store.crash_keeping(0);
        assert_eq!(store.journal(run.id()).await.unwrap(), written);
    }
}

#[tokio::test]
async fn leases_of_a_store_that_is_shared_outlive_a_crash() {
    for shared in [false, true] {
        let store = lossy(0).with_shared(shared);
        let run = execution();
        store.commit(Batch::new().insert(run.clone())).await.unwrap();
        assert_eq!(claim(&store, at(1)).await, [run.id()]);
        let after = store.crash();
        let expected = if shared { Vec::new() } else { vec![run.id()] };
        assert_eq!(claim(&after, at(2)).await, expected);
    }
}

#[test]
#[should_panic(expected = "must answer at once")]
fn a_store_that_does_not_answer_at_once_is_told_apart() {
    let make = || Arc::new(lossy(0)) as SharedStore;
    let store = LossyStore::new(0, make).with_slowest_sync(0);
    let _ = (0..99).map(|_| store.commit(Batch::new()).now_or_never()).collect::<Vec<_>>();
}
