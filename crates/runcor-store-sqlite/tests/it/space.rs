//! A full store: refusals that pass, reads that go on, work that is not lost.

use std::sync::Arc;

use runcor_core::{Batch, Change, ExecutionQuery, Op, Store, StoreError};
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use serde_json::json;

use crate::support::{Home, at, complete, step, with_input, worker};

fn small() -> SqliteConfig {
    SqliteConfig { max_size_bytes: Some(600 << 10), ..SqliteConfig::default() }
}

/// Ends executions of 10 KB until the store is full; returns how many there are.
async fn fill(store: &SqliteStore) -> usize {
    for n in 0..1_000 {
        let mut execution = with_input("f", &n.to_string(), json!("x".repeat(10_000)));
        let claim = execution.apply(Change::Claim { worker: worker() }, at(1)).unwrap();
        execution.status = claim.status;
        let insert = Batch::new().insert(execution.clone());
        let outcome = match store.commit(insert).await {
            Ok(_) => store.commit(step(&mut execution, complete(json!(n)), at(2))).await,
            refused => refused,
        };
        match outcome {
            Ok(_) => {}
            Err(error @ StoreError::Full { .. }) => {
                assert!(error.is_temporary());
                return count(store).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the store never became full");
}

async fn count(store: &SqliteStore) -> usize {
    let query = ExecutionQuery { limit: 10_000, ..ExecutionQuery::default() };
    store.executions(&query).await.unwrap().items.len()
}

#[tokio::test]
async fn a_full_store_refuses_reads_on_and_recovers_once_there_is_room() {
    let home = Home::new();
    let store = home.open_with(small());
    let full = fill(&store).await;
    assert!(full > 10);
    // Sweeping works although nothing can be added.
    let sweep = Op::Sweep { now: at(2_000_000), limit: 10, max_bytes: None };
    assert_eq!(store.commit(Batch::new().with(sweep)).await.unwrap().swept, 10);
    assert_eq!(count(&store).await, full - 10);
    let execution = with_input("f", "again", json!("x".repeat(10_000)));
    store.commit(Batch::new().insert(execution.clone())).await.unwrap();
    store.close().await.unwrap();

    let store = home.open_with(small());
    assert_eq!(count(&store).await, full - 9);
    assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
}

#[tokio::test]
async fn a_batch_that_does_not_fit_does_not_spoil_its_neighbours() {
    let home = Home::new();
    let store = Arc::new(home.open_with(small()));
    let insert = |key: &str, bytes: usize| {
        let batch = Batch::new().insert(with_input("f", key, json!("x".repeat(bytes))));
        let store = Arc::clone(&store);
        async move { store.commit(batch).await }
    };
    let (before, giant, after) =
        tokio::join!(insert("before", 10), insert("giant", 5_000_000), insert("after", 10));
    assert!(before.is_ok() && after.is_ok(), "{before:?} {after:?}");
    assert!(matches!(giant, Err(StoreError::Full { .. })));
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn above_its_size_the_oldest_ends_go_first_though_they_are_not_due() {
    let home = Home::new();
    let store = home.open();
    let mut keys = Vec::new();
    for (n, end) in [(1, 40), (2, 10), (3, 30), (4, 20)] {
        let mut execution = with_input("f", &n.to_string(), json!("x".repeat(100_000)));
        store.commit(Batch::new().insert(execution.clone())).await.unwrap();
        store
            .commit(step(&mut execution, Change::Claim { worker: worker() }, at(1)))
            .await
            .unwrap();
        store.commit(step(&mut execution, complete(json!(null)), at(end))).await.unwrap();
        keys.push(execution.id());
    }
    // What has not ended is never in the way.
    store.commit(Batch::new().insert(with_input("f", "live", json!(1)))).await.unwrap();
    let sweep = |limit, max_bytes| {
        let sweep = Op::Sweep { now: at(50), limit, max_bytes: Some(max_bytes) };
        let commit = store.commit(Batch::new().with(sweep));
        async { commit.await.unwrap().swept }
    };
    assert_eq!(sweep(9, 1 << 30).await, 0);
    assert_eq!(sweep(1, 1).await, 1);
    assert_eq!(store.execution(keys[1]).await.unwrap(), None);
    // Room for two of the three that are left.
    assert_eq!(sweep(9, 470_000).await, 1);
    assert_eq!(store.execution(keys[3]).await.unwrap(), None);
    assert_eq!(sweep(9, 1).await, 2);
    assert_eq!(sweep(9, 1).await, 0);
    assert_eq!(count(&store).await, 1);
}
