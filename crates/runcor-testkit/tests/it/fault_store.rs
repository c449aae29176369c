//! Faults come when they were asked for, and only then.

use std::sync::Arc;

use runcor_core::{Batch, ClaimRequest, Store, StoreError, Timestamp, WorkerId};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{ExecutionBuilder, FaultStore};

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
