//! The files: where they are, and who may read them.

use runcor_core::{Batch, Store, StoreError};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};

use crate::support::{Home, queued, with_input};

#[cfg(unix)]
#[tokio::test]
async fn every_file_of_the_database_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let store = home.open();
    store.commit(Batch::new().insert(queued("f", "k"))).await.unwrap();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mode = std::fs::metadata(home.beside(suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn closing_leaves_one_file_without_a_log() {
    let home = Home::new();
    let store = home.open();
    let execution = queued("f", "k");
    store.commit(Batch::new().insert(execution.clone())).await.unwrap();
    store.close().await.unwrap();
    assert!(!home.beside("-wal").exists() && !home.beside("-shm").exists());
    let copy = Home::new();
    std::fs::copy(home.path(), copy.path()).unwrap();
    assert_eq!(copy.open().execution(execution.id()).await.unwrap(), Some(execution));
}

#[test]
fn a_missing_directory_is_named() {
    let home = Home::new();
    let path = home.path().with_file_name("nowhere").join("runcor.db");
    let error = SqliteStore::open(&path, SqliteConfig::default()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }));
    let text = error.to_string();
    assert!(text.contains("nowhere") && text.contains("create it"), "{text}");
}

#[test]
fn a_directory_is_not_a_database() {
    let home = Home::new();
    let dir = home.path().parent().unwrap().to_owned();
    let error = SqliteStore::open(dir, SqliteConfig::default()).unwrap_err();
    assert!(error.to_string().contains("is not a file"), "{error}");
    let error = SqliteStore::open("", SqliteConfig::default()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }));
}

#[tokio::test]
async fn names_that_mean_something_to_sqlite_are_plain_file_names_here() {
    let home = Home::new();
    for name in [":memory:", "file:x?mode=memory", "ü n i.db"] {
        let path = home.path().with_file_name(name);
        let store = SqliteStore::open(&path, SqliteConfig::default()).unwrap();
        store.commit(Batch::new().insert(queued("f", "k"))).await.unwrap();
        store.close().await.unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
}

#[tokio::test]
async fn every_durability_stores_and_finds() {
    for durability in [Durability::Full, Durability::Normal, Durability::Memory] {
        let home = Home::new();
        let config = SqliteConfig { durability, readers: 0, ..SqliteConfig::default() };
        let store = home.open_with(config);
        let execution = queued("f", "k");
        store.commit(Batch::new().insert(execution.clone())).await.unwrap();
        assert_eq!(store.execution(execution.id()).await.unwrap(), Some(execution));
    }
}

#[tokio::test]
async fn the_log_stays_bounded_while_there_is_no_idle_moment() {
    let home = Home::new();
    let config = SqliteConfig { durability: Durability::Memory, ..SqliteConfig::default() };
    let store = home.open_with(config);
    for n in 0..300 {
        let execution = with_input("f", &n.to_string(), serde_json::json!("x".repeat(300_000)));
        store.commit(Batch::new().insert(execution)).await.unwrap();
    }
    let log = std::fs::metadata(home.beside("-wal")).unwrap().len();
    assert!(log < 32 << 20, "{log}");
    assert!(std::fs::metadata(home.path()).unwrap().len() > 60 << 20);
}
