//! Power cuts at every moment of what happens seldom: the first opening, an
//! upgrade, a closing, a backup.

use std::collections::HashSet;

use runcor_core::{Batch, Execution, ExecutionQuery, Store};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore, backup};

use super::campaign::{Campaign, DiskIs};
use super::check::Bench;
use super::disk::{Disk, Files};
use super::layer::Layer;
use super::log::Event;
use super::random::{Random, hash};
use super::recording::{Recording, Start};
use crate::support::{queued, with_input};

const VERSION_1: &[u8] = include_bytes!("../../fixtures/version-1.db");
/// How often the power is cut at each moment.
const TIMES: usize = 3;

fn everywhere(recording: &Recording) -> Vec<usize> {
    (0..=recording.events.len()).flat_map(|moment| [moment; TIMES]).collect()
}

#[track_caller]
fn nothing_is_wrong(recording: &Recording, durability: Durability) {
    let keeps_answers = durability == Durability::Full;
    let campaign = Campaign { seed: 9, durability, keeps_answers, disk: DiskIs::Good, states: 0 };
    let config = SqliteConfig { durability, ..SqliteConfig::default() };
    let bench = Bench::new();
    let (verdict, _) = campaign.judge(9, recording, &config, &everywhere(recording), &bench);
    assert!(verdict.failures.is_empty(), "{}", verdict.failures.join("\n"));
    assert!(verdict.opened > 20, "{verdict:?}");
}

/// The process: opens what is there, or creates it, commits once and closes.
#[test]
fn a_process_opens_and_closes() {
    let Some(layer) = Layer::here() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for n in 0..2 {
            let config = SqliteConfig { durability: durability(), ..SqliteConfig::default() };
            let store = SqliteStore::open(layer.database(), config).unwrap();
            let execution = queued("f", &format!("new {n}"));
            store.commit(Batch::new().insert(execution.clone())).await.unwrap();
            layer.mark(&format!("has {} {} 0", execution.id(), execution.fence().version));
            store.close().await.unwrap();
        }
    });
}

const DURABILITY: &str = "RUNCOR_TEST_POWER_DURABILITY";

fn durability() -> Durability {
    serde_json::from_str(&std::env::var(DURABILITY).unwrap()).unwrap()
}

fn opening(start: Start, durability: Durability) -> Recording {
    let env = [(DURABILITY, serde_json::to_string(&durability).unwrap())];
    Recording::of(&["power::moments::a_process_opens_and_closes"], start, &env)
}

#[test]
fn a_power_cut_while_a_database_is_created_leaves_one_that_opens() {
    for durability in [Durability::Full, Durability::Normal] {
        nothing_is_wrong(&opening(Start::default(), durability), durability);
    }
}

#[test]
fn a_power_cut_while_an_old_database_is_upgraded_loses_nothing_of_it() {
    for durability in [Durability::Full, Durability::Normal] {
        nothing_is_wrong(&opening(old(), durability), durability);
    }
}

/// A database of version 1; what its events tell of need not be there any more.
fn old() -> Start {
    let files = Files::from([("runcor.db".to_owned(), VERSION_1.to_vec())]);
    let bench = Bench::new();
    bench.put(&files);
    let store = SqliteStore::open(bench.database(), SqliteConfig::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deletes = runtime.block_on(async {
        let mut told = HashSet::new();
        for record in store.events(0, usize::MAX).await.unwrap() {
            if let runcor_core::Event::ExecutionComplete(complete) = record.event {
                told.insert(complete.execution_id);
            }
        }
        let query = ExecutionQuery { limit: 1_000, ..ExecutionQuery::default() };
        let page = store.executions(&query).await.unwrap();
        told.extend(page.items.iter().map(Execution::id));
        told
    });
    Start { files, deletes }
}

/// The process: makes a copy while the store is open, and tells when it is done.
#[test]
fn a_process_makes_a_backup() {
    let Some(layer) = Layer::here() else { return };
    let copy = layer.database().with_file_name("copy.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(layer.database(), SqliteConfig::default()).unwrap();
        for n in 0..20 {
            let execution = with_input("f", &n.to_string(), "x".repeat(5_000).into());
            store.commit(Batch::new().insert(execution)).await.unwrap();
        }
        backup(layer.database(), &copy, |_| {}).unwrap();
        layer.mark("\n");
        store.commit(Batch::new().insert(queued("f", "after"))).await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn a_power_cut_during_a_backup_leaves_no_half_of_it_under_its_name() {
    let recording =
        Recording::of(&["power::moments::a_process_makes_a_backup"], Start::default(), &[]);
    let mut disk = Disk::with(Files::new());
    let mut random = Random::new(10);
    let bench = Bench::new();
    let mut is_done = false;
    let (mut contents, mut seen) = (Vec::new(), HashSet::new());
    for event in &recording.events {
        disk.apply(event);
        is_done |= matches!(event, Event::Mark(_));
        for _ in 0..TIMES {
            let (_, mut files) = disk.after_power_cut(&mut random);
            match files.remove("copy.db") {
                // The name was reserved before there was anything to bear it.
                Some(copy) if copy.is_empty() => assert!(!is_done, "the copy is empty"),
                None => assert!(!is_done, "the copy is gone"),
                Some(copy) if seen.insert(hash(&copy)) => {
                    bench.put(&Files::from([("runcor.db".to_owned(), copy)]));
                    contents.push(bench.open(&SqliteConfig::default()).unwrap());
                }
                Some(_) => {}
            }
        }
    }
    contents.dedup();
    assert_eq!(contents.len(), 1, "there are different copies");
}
