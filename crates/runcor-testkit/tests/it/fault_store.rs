//! Faults come when they were asked for, and only then.

use std::sync::Arc;

use futures_util::poll;

use runcor_core::{Batch, ClaimRequest, ExecutionState, Store, StoreError, Timestamp, WorkerId};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{ExecutionBuilder, Fate, FaultStore, Gate, StoreCall};

fn full() -> StoreError {
    StoreError::Full { message: "no space".to_owned() }
}

fn store() -> FaultStore {
    FaultStore::new(Arc::new(MemoryStore::new()))
}

#[tokio::test]
async fn the_nth_commit_fails_and_the_next_succeeds() {
    let store = store();
    store.fail_before(2, full());
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let batch = Batch::new().insert(ExecutionBuilder::new("f").build());
        outcomes.push(store.commit(batch).await.is_ok());
    }
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(store.commits(), 3);
    let page = store.executions(&runcor_core::ExecutionQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn a_commit_that_fails_afterwards_is_applied() {
    let store = store();
    store.fail_after(1, full());
    let execution = ExecutionBuilder::new("f").build();
    let failed = store.commit(Batch::new().insert(execution.clone())).await;
    assert!(matches!(failed, Err(StoreError::Full { .. })));
    assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
}

#[tokio::test]
async fn an_outage_stops_commits_and_claims_until_it_ends() {
    let store = store();
    store.begin_outage(full());
    let (worker, now) = (WorkerId::mint(Timestamp::MAX), Timestamp::from_millis(1));
    let request = ClaimRequest { worker, now, limit: 1, flows: Vec::new() };
    assert!(store.commit(Batch::new()).await.is_err());
    assert!(store.claim(request.clone()).await.is_err());
    assert!(store.last_event().await.is_ok());
    store.recover();
    assert!(store.commit(Batch::new()).await.is_ok());
    assert!(store.claim(request).await.is_ok());
}

#[tokio::test]
async fn a_test_decides_on_every_call() {
    let store = store();
    store.decide(|call| match call {
        StoreCall::Commit(batch) if batch.ops.is_empty() => Fate::Lose(full()),
        StoreCall::Claim(request) if request.limit == 7 => Fate::Refuse(full()),
        StoreCall::Read("last_event") => Fate::Refuse(full()),
        _ => Fate::Pass,
    });
    let (worker, now) = (WorkerId::mint(Timestamp::MAX), Timestamp::from_millis(1));
    let claim = |limit| ClaimRequest { worker, now, limit, flows: Vec::new() };
    let execution = ExecutionBuilder::new("f").build();
    assert!(store.commit(Batch::new()).await.is_err());
    assert!(store.commit(Batch::new().insert(execution.clone())).await.is_ok());
    assert!(store.claim(claim(7)).await.is_err());
    assert!(store.claim(claim(8)).await.is_ok());
    assert!(store.last_event().await.is_err());
    assert!(store.execution(execution.id()).await.is_ok());
    store.recover();
    assert!(store.commit(Batch::new()).await.is_ok());
    assert!(store.last_event().await.is_ok());
}

#[tokio::test]
async fn one_call_meets_its_fate_and_the_next_passes() {
    let store = store();
    let first = ExecutionBuilder::new("f").build();
    store.decide_once(|call| call.leads_to(ExecutionState::Queued), Fate::Refuse(full()));
    assert!(store.commit(Batch::new()).await.is_ok());
    assert!(store.commit(Batch::new().insert(first.clone())).await.is_err());
    assert!(store.commit(Batch::new().insert(first)).await.is_ok());
}

#[tokio::test]
async fn a_gate_stops_a_call_before_or_after_it_is_done() {
    for is_done_first in [false, true] {
        let (store, gate) = (store(), Gate::new());
        let wait = if is_done_first { Fate::Hold } else { Fate::Delay };
        store.decide_once(|call| matches!(call, StoreCall::Commit(_)), wait(gate.clone()));
        let execution = ExecutionBuilder::new("f").build();
        let mut commit = store.commit(Batch::new().insert(execution.clone()));
        assert!(poll!(&mut commit).is_pending());
        let found = store.execution(execution.id()).await.unwrap();
        assert_eq!(found.is_some(), is_done_first);
        gate.open();
        commit.await.unwrap();
        assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
        gate.pass().await;
    }
}

#[tokio::test]
async fn what_the_store_refuses_itself_keeps_its_error() {
    let store = store();
    let execution = ExecutionBuilder::new("f").build();
    store.commit(Batch::new().insert(execution.clone())).await.unwrap();
    store.decide(|_| Fate::Lose(full()));
    let refused = store.commit(Batch::new().insert(execution)).await;
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })));
}
