//! Flushes that fail: nothing is believed afterwards that is not on the disk.

use runcor_core::{ExecutionQuery, Store, StoreError};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};

use super::layer::Layer;
use super::live::{
    ALWAYS, EIO, ENOSPC, FILE, LOG, cut_the_power_everywhere, insert, insert_and_tell, is_away,
    is_there, open, under_the_layer,
};
use super::recording::{Recording, Start};
use crate::support::queued;

#[test]
fn a_commit_whose_flush_fails_is_refused_and_those_after_it_survive_a_power_cut() {
    let name =
        "flushes::a_commit_whose_flush_fails_is_refused_and_those_after_it_survive_a_power_cut";
    let recording = under_the_layer(name, async |layer| {
        let store = open(&layer, SqliteConfig::default());
        let before = insert_and_tell(&store, &layer, "before").await;
        let failed = queued("f", "failed");
        layer.fail("sync", LOG, EIO, 0, 1);
        is_away(insert(&store, &failed).await);
        assert!(!is_there(&store, &failed).await, "what was refused is there");
        let after = insert_and_tell(&store, &layer, "after").await;
        store.close().await.unwrap();

        let store = open(&layer, SqliteConfig::default());
        assert!(is_there(&store, &before).await && is_there(&store, &after).await);
        assert!(!is_there(&store, &failed).await, "what was refused has come back");
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &SqliteConfig::default());
    }
}

#[test]
fn while_every_flush_fails_commits_are_refused_and_reads_go_on_and_then_it_passes() {
    let name =
        "flushes::while_every_flush_fails_commits_are_refused_and_reads_go_on_and_then_it_passes";
    let recording = under_the_layer(name, async |layer| {
        let store = open(&layer, SqliteConfig::default());
        let before = insert_and_tell(&store, &layer, "before").await;
        layer.fail("sync", LOG, EIO, 0, ALWAYS);
        for n in 0..5 {
            is_away(insert(&store, &queued("f", &n.to_string())).await);
            assert!(is_there(&store, &before).await);
        }
        layer.clear();
        insert_and_tell(&store, &layer, "after").await;
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &SqliteConfig::default());
    }
}

/// The first process: its last flush fails, and it ends without a farewell.
#[test]
fn a_process_ends_after_a_flush_has_failed() {
    let Some(layer) = Layer::here() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&layer, SqliteConfig::default());
        insert_and_tell(&store, &layer, "before").await;
        layer.fail("sync", LOG, EIO, 0, 1);
        is_away(insert(&store, &queued("f", "failed")).await);
        std::mem::forget(store);
    });
}

/// The second process: what it reads of the log is in memory alone.
#[test]
fn a_process_begins_after_a_flush_has_failed() {
    let Some(layer) = Layer::here() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&layer, SqliteConfig::default());
        insert_and_tell(&store, &layer, "after").await;
        std::mem::forget(store);
    });
}

#[test]
fn a_restart_after_a_failed_flush_does_not_build_on_what_is_not_on_the_disk() {
    let tests = [
        "power::flushes::a_process_ends_after_a_flush_has_failed",
        "power::flushes::a_process_begins_after_a_flush_has_failed",
    ];
    let recording = Recording::of(&tests, Start::default(), &[]);
    cut_the_power_everywhere(&recording, &SqliteConfig::default());
}

/// The second process, on a disk that has no room for the copy of the log.
#[test]
fn a_process_begins_on_a_full_disk() {
    let Some(layer) = Layer::here() else { return };
    layer.fail("write", "runcor.db-wal.new", ENOSPC, 0, 1);
    let refused = SqliteStore::open(layer.database(), SqliteConfig::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&layer, SqliteConfig::default());
        insert_and_tell(&store, &layer, "after").await;
        std::mem::forget(store);
    });
}

#[test]
fn a_full_disk_refuses_an_opening_that_can_not_secure_the_log_and_then_it_passes() {
    let tests = [
        "power::flushes::a_process_ends_after_a_flush_has_failed",
        "power::flushes::a_process_begins_on_a_full_disk",
    ];
    let recording = Recording::of(&tests, Start::default(), &[]);
    cut_the_power_everywhere(&recording, &SqliteConfig::default());
}

fn short_log(durability: Durability) -> SqliteConfig {
    SqliteConfig { durability, log_bytes: 16 << 10, ..SqliteConfig::default() }
}

async fn checkpoints_fail(layer: &Layer, config: &SqliteConfig, file: &str) {
    let store = open(layer, config.clone());
    let mut answered = 0;
    for n in 0..30 {
        if n % 10 == 5 {
            layer.fail("sync", file, EIO, 0, 1);
        }
        let execution = queued("f", &n.to_string());
        // The log is flushed for a commit too, the first after a checkpoint.
        if insert(&store, &execution).await.is_ok() {
            layer.mark(&format!("has {} {} 0", execution.id(), execution.fence().version));
            answered += 1;
            assert!(is_there(&store, &execution).await);
        }
    }
    // Also at the end, when SQLite would try once more by itself.
    layer.fail("sync", file, EIO, 0, 1);
    store.close().await.unwrap();
    layer.clear();
    let store = open(layer, config.clone());
    let found = store.executions(&ExecutionQuery::default()).await.unwrap().items.len();
    assert_eq!(found, answered);
    store.close().await.unwrap();
}

#[test]
fn a_log_that_fails_to_flush_before_a_checkpoint_does_not_damage_the_file() {
    let name = "flushes::a_log_that_fails_to_flush_before_a_checkpoint_does_not_damage_the_file";
    let config = short_log(Durability::Normal);
    let recording =
        under_the_layer(name, async |layer| checkpoints_fail(&layer, &config, LOG).await);
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &config);
    }
}

#[test]
fn a_file_that_fails_to_flush_in_a_checkpoint_loses_nothing() {
    let name = "flushes::a_file_that_fails_to_flush_in_a_checkpoint_loses_nothing";
    let config = short_log(Durability::Full);
    let recording =
        under_the_layer(name, async |layer| checkpoints_fail(&layer, &config, FILE).await);
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &config);
    }
}

#[test]
fn a_first_opening_whose_flush_fails_can_be_tried_again() {
    let name = "flushes::a_first_opening_whose_flush_fails_can_be_tried_again";
    let recording = under_the_layer(name, async |layer| {
        for file in [FILE, "runcor.db-journal", FILE, "runcor.db-journal"] {
            layer.fail("sync", file, EIO, 0, 1);
            let refused = SqliteStore::open(layer.database(), SqliteConfig::default()).unwrap_err();
            assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
        }
        let store = open(&layer, SqliteConfig::default());
        insert_and_tell(&store, &layer, "at last").await;
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &SqliteConfig::default());
    }
}
