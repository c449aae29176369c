//! One owner at a time, proven with a second process.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use runcor_core::{Batch, Store, StoreError};
use runcor_store_sqlite::{SqliteConfig, SqliteStore};

use crate::support::{Home, queued};

const DATABASE: &str = "RUNCOR_TEST_LOCKED_DATABASE";

/// The other process: opens the database and keeps it until its input ends.
#[test]
fn the_other_process_keeps_the_database_open() {
    let Some(path) = std::env::var_os(DATABASE) else { return };
    let _store = SqliteStore::open(path, SqliteConfig::default()).unwrap();
    std::io::stdout().write_all(b"open\n").unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

fn other_process(home: &Home) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "locking::the_other_process_keeps_the_database_open", "--nocapture"])
        .env(DATABASE, home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("open")));
    child
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_has_the_file() {
    let home = Home::new();
    home.open().close().await.unwrap();
    let mut other = other_process(&home);
    let before = std::fs::read(home.path()).unwrap();
    let error = SqliteStore::open(home.path(), SqliteConfig::default()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }));
    let text = error.to_string();
    assert!(text.contains("runcor.db"), "{text}");
    assert!(text.contains(&format!("process {}", other.id())), "{text}");
    assert!(text.contains("stop"), "{text}");
    assert_eq!(std::fs::read(home.path()).unwrap(), before);

    // Its death alone gives the file back.
    other.kill().unwrap();
    other.wait().unwrap();
    home.open().close().await.unwrap();
}

#[tokio::test]
async fn a_second_store_in_the_same_process_is_refused_until_the_first_is_closed_or_dropped() {
    let home = Home::new();
    let first = home.open();
    let refused = || SqliteStore::open(home.path(), SqliteConfig::default()).unwrap_err();
    assert!(refused().to_string().contains("this process already"));
    first.close().await.unwrap();
    let second = home.open();
    assert!(matches!(refused(), StoreError::Locked { .. }));
    second.commit(Batch::new().insert(queued("f", "k"))).await.unwrap();
    drop(second);
    let third = home.open();
    assert_eq!(third.executions(&Default::default()).await.unwrap().items.len(), 1);
}

#[cfg(unix)]
#[test]
fn another_name_of_the_same_file_meets_the_same_lock() {
    let home = Home::new();
    let _store = home.open();
    let link = home.path().with_file_name("link.db");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    let error = SqliteStore::open(&link, SqliteConfig::default()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }));
}
