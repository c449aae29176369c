//! Copies of databases, also of those that are written to meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runcor_core::{ExecutionQuery, Store, StoreError};
use runcor_store_sqlite::{BackupProgress, SqliteConfig, SqliteStore, backup, verify};
use serde_json::json;

use crate::support::{Home, run_to_end, with_input};

fn quiet(_: BackupProgress) {}

async fn fill(store: &SqliteStore, count: usize) {
    for n in 0..count {
        let execution = with_input("f", &n.to_string(), json!("x".repeat(100_000)));
        store.commit(runcor_core::Batch::new().insert(execution)).await.unwrap();
    }
}

async fn everything(store: &SqliteStore) -> Vec<String> {
    let query = ExecutionQuery { limit: 10_000, ..ExecutionQuery::default() };
    let executions = store.executions(&query).await.unwrap().items;
    let events = store.events(0, 100_000).await.unwrap();
    executions.iter().map(|e| format!("{e:?}")).chain([format!("{events:?}")]).collect()
}

#[tokio::test]
async fn a_copy_has_everything_and_opens_like_the_original() {
    let home = Home::new();
    let store = home.open();
    run_to_end(&store, "k").await;
    fill(&store, 60).await;
    let target = home.beside(".copy");
    let mut told = Vec::new();
    let bytes = backup(home.path(), &target, |progress| told.push(progress)).unwrap();
    assert_eq!(bytes, std::fs::metadata(&target).unwrap().len());
    assert!(told.len() > 1 && told.is_sorted_by_key(|progress| progress.bytes), "{told:?}");
    assert_eq!(told.last(), Some(&BackupProgress { bytes, total_bytes: bytes }));
    assert_eq!(verify(&target).unwrap().findings, []);
    let copy = SqliteStore::open(&target, SqliteConfig::default()).unwrap();
    assert_eq!(everything(&copy).await, everything(&store).await);
    assert!(!home.beside(".copy.part").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_instant_however_much_is_written_meanwhile() {
    let home = Home::new();
    let store = Arc::new(home.open());
    fill(&store, 100).await;
    let stops = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, stops) = (Arc::clone(&store), Arc::clone(&stops));
        tokio::spawn(async move {
            let mut n = 0;
            while !stops.load(Ordering::Relaxed) {
                run_to_end(&store, &format!("busy {n}")).await;
                n += 1;
            }
            n
        })
    };
    for round in 0..3 {
        let target = home.beside(&format!(".copy{round}"));
        let source = home.path();
        let before = store.last_event().await.unwrap();
        let at_end = tokio::task::spawn_blocking({
            let target = target.clone();
            move || {
                backup(source, target, |_| std::thread::yield_now()).unwrap();
            }
        });
        at_end.await.unwrap();
        assert_eq!(verify(&target).unwrap().findings, []);
        let copy = SqliteStore::open(&target, SqliteConfig::default()).unwrap();
        assert!(copy.last_event().await.unwrap() >= before, "what was answered before is in it");
        copy.close().await.unwrap();
    }
    stops.store(true, Ordering::Relaxed);
    assert!(writer.await.unwrap() > 0);
    assert_eq!(verify(home.path()).unwrap().findings, []);
}

#[tokio::test]
async fn an_existing_file_is_never_written_over_and_a_failure_leaves_nothing() {
    let home = Home::new();
    let store = home.open();
    let target = home.beside(".copy");
    std::fs::write(&target, "mine").unwrap();
    let error = backup(home.path(), &target, quiet).unwrap_err();
    assert!(error.to_string().contains("exists"), "{error}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
    assert!(backup(home.path(), home.path(), quiet).is_err());
    std::fs::remove_file(&target).unwrap();

    let part = home.beside(".copy.part");
    std::fs::write(&part, "somebody's").unwrap();
    assert!(backup(home.path(), &target, quiet).is_err());
    assert_eq!(std::fs::read_to_string(&part).unwrap(), "somebody's");
    assert!(!target.exists());
    std::fs::remove_file(&part).unwrap();

    for source in [home.beside(".nothing"), home.path().parent().unwrap().to_owned()] {
        let error = backup(source, &target, quiet).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(!target.exists());
    }
    store.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let store = home.open();
    run_to_end(&store, "k").await;
    let target = home.beside(".copy");
    backup(home.path(), &target, quiet).unwrap();
    let mode = std::fs::metadata(&target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_without_an_owner_is_copied_with_what_stands_in_its_log() {
    let home = Home::new();
    let store = home.open();
    let execution = run_to_end(&store, "k").await;
    // What a killed process leaves: the file and a log that was not written back.
    let left = Home::new();
    for suffix in ["", "-wal"] {
        std::fs::copy(home.beside(suffix), left.beside(suffix)).unwrap();
    }
    let target = left.beside(".copy");
    backup(left.path(), &target, quiet).unwrap();
    let copy = SqliteStore::open(&target, SqliteConfig::default()).unwrap();
    assert_eq!(copy.execution(execution.id()).await.unwrap(), Some(execution));
}
