//! A disk that fails under the live store: what callers are told, and that it passes.

use std::sync::Arc;

use runcor_core::{Batch, Execution, ExecutionQuery, Store, StoreError};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};

use super::campaign::{Campaign, DiskIs};
use super::check::Bench;
use super::layer::Layer;
use super::recording::{Recording, Start};
use crate::support::{queued, with_input};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const LOG: &str = "runcor.db-wal";
const FILE: &str = "runcor.db";
const ALWAYS: usize = 1_000_000;

/// Runs `body` under the layer; where this is the process that was started for
/// that it returns `None`, else what was recorded.
fn under_the_layer<F: Future<Output = ()>>(
    test: &str,
    body: impl FnOnce(Layer) -> F,
) -> Option<Recording> {
    let Some(layer) = Layer::here() else {
        return Some(Recording::of(&[&format!("power::live::{test}")], Start::default(), &[]));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(body(layer));
    None
}

/// Cuts the power after every event, several times.
fn cut_the_power_everywhere(recording: &Recording, config: &SqliteConfig) {
    let durability = config.durability;
    let keeps_answers = durability == Durability::Full;
    let campaign =
        Campaign { seed: 8, durability, keeps_answers, disk: DiskIs::Failing, states: 0 };
    let moments: Vec<_> = (0..=recording.events.len()).flat_map(|moment| [moment; 2]).collect();
    let (verdict, _) = campaign.judge(8, recording, config, &moments, &Bench::new());
    assert!(verdict.failures.is_empty(), "{}", verdict.failures.join("\n"));
}

fn open(layer: &Layer, config: SqliteConfig) -> SqliteStore {
    SqliteStore::open(layer.database(), config).unwrap()
}

async fn insert(store: &SqliteStore, execution: &Execution) -> Result<(), StoreError> {
    store.commit(Batch::new().insert(execution.clone())).await.map(|_| ())
}

/// Inserts and tells the layer of the answer.
async fn insert_and_tell(store: &SqliteStore, layer: &Layer, key: &str) -> Execution {
    let execution = queued("f", key);
    insert(store, &execution).await.unwrap();
    layer.mark(&format!("has {} {} 0", execution.id(), execution.fence().version));
    execution
}

async fn is_there(store: &SqliteStore, execution: &Execution) -> bool {
    store.execution(execution.id()).await.unwrap().is_some()
}

#[track_caller]
fn is_away(outcome: Result<(), StoreError>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_temporary(), "{error}");
    assert!(error.to_string().contains("disk I/O error"), "{error}");
}

#[test]
fn a_commit_whose_flush_fails_is_refused_and_those_after_it_survive_a_power_cut() {
    let name = "a_commit_whose_flush_fails_is_refused_and_those_after_it_survive_a_power_cut";
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
    let name = "while_every_flush_fails_commits_are_refused_and_reads_go_on_and_then_it_passes";
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
        "power::live::a_process_ends_after_a_flush_has_failed",
        "power::live::a_process_begins_after_a_flush_has_failed",
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
    let store = open(layer, config.clone());
    let found = store.executions(&ExecutionQuery::default()).await.unwrap().items.len();
    assert_eq!(found, answered);
    store.close().await.unwrap();
}

#[test]
fn a_log_that_fails_to_flush_before_a_checkpoint_does_not_damage_the_file() {
    let name = "a_log_that_fails_to_flush_before_a_checkpoint_does_not_damage_the_file";
    let config = short_log(Durability::Normal);
    let recording =
        under_the_layer(name, async |layer| checkpoints_fail(&layer, &config, LOG).await);
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &config);
    }
}

#[test]
fn a_file_that_fails_to_flush_in_a_checkpoint_loses_nothing() {
    let name = "a_file_that_fails_to_flush_in_a_checkpoint_loses_nothing";
    let config = short_log(Durability::Full);
    let recording =
        under_the_layer(name, async |layer| checkpoints_fail(&layer, &config, FILE).await);
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &config);
    }
}

#[test]
fn a_first_opening_whose_flush_fails_can_be_tried_again() {
    let name = "a_first_opening_whose_flush_fails_can_be_tried_again";
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

#[test]
fn a_full_disk_refuses_commits_and_takes_them_again_by_itself() {
    let name = "a_full_disk_refuses_commits_and_takes_them_again_by_itself";
    let recording = under_the_layer(name, async |layer| {
        let store = open(&layer, SqliteConfig::default());
        let before = insert_and_tell(&store, &layer, "before").await;
        for skip in [0, 1, 5] {
            layer.fail("write", LOG, ENOSPC, skip, ALWAYS);
            let large = with_input("f", &skip.to_string(), "x".repeat(50_000).into());
            let error = insert(&store, &large).await.unwrap_err();
            assert!(matches!(error, StoreError::Full { .. }) && error.is_temporary(), "{error}");
            assert!(is_there(&store, &before).await && !is_there(&store, &large).await);
            layer.clear();
            insert_and_tell(&store, &layer, &format!("after {skip}")).await;
        }
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &SqliteConfig::default());
    }
}

#[test]
fn a_write_that_is_cut_short_is_made_whole_or_taken_back() {
    let name = "a_write_that_is_cut_short_is_made_whole_or_taken_back";
    let recording = under_the_layer(name, async |layer| {
        let store = open(&layer, SqliteConfig::default());
        layer.fail("half", LOG, EIO, 2, 3);
        insert_and_tell(&store, &layer, "made whole").await;
        layer.clear();
        layer.fail("half", LOG, EIO, 3, 1);
        layer.fail("write", LOG, ENOSPC, 4, 1);
        let torn = queued("f", "taken back");
        let error = insert(&store, &torn).await.unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        layer.clear();
        insert_and_tell(&store, &layer, "after").await;
        assert!(!is_there(&store, &torn).await);
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &SqliteConfig::default());
    }
}

#[test]
fn a_write_that_fails_is_refused_and_the_next_one_goes_well() {
    let name = "a_write_that_fails_is_refused_and_the_next_one_goes_well";
    let recording = under_the_layer(name, async |layer| {
        let store = open(&layer, SqliteConfig::default());
        for skip in 0..8 {
            layer.fail("write", LOG, EIO, skip, 1);
            is_away(insert(&store, &queued("f", &format!("refused {skip}"))).await);
            layer.clear();
            insert_and_tell(&store, &layer, &format!("after {skip}")).await;
        }
        assert_eq!(store.executions(&ExecutionQuery::default()).await.unwrap().items.len(), 8);
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        cut_the_power_everywhere(&recording, &SqliteConfig::default());
    }
}

#[test]
fn a_read_that_fails_is_told_and_passes() {
    under_the_layer("a_read_that_fails_is_told_and_passes", async |layer| {
        let store = open(&layer, SqliteConfig::default());
        let execution = queued("f", "k");
        insert(&store, &execution).await.unwrap();
        store.close().await.unwrap();

        let store = open(&layer, SqliteConfig::default());
        layer.fail("read", FILE, EIO, 0, ALWAYS);
        // SQLite takes a file that can't be read for one that the file system has damaged.
        let read = store.execution(execution.id()).await.unwrap_err();
        assert!(matches!(read, StoreError::Corrupt { .. }), "{read}");
        let refused = insert(&store, &queued("f", "other")).await.unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        layer.clear();
        assert!(is_there(&store, &execution).await);
        insert(&store, &queued("f", "other")).await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn while_a_flush_is_slow_reads_go_on_and_what_gathers_shares_the_next_one() {
    let name = "while_a_flush_is_slow_reads_go_on_and_what_gathers_shares_the_next_one";
    let recording = under_the_layer(name, async |layer| {
        let store = Arc::new(open(&layer, SqliteConfig::default()));
        let before = insert_and_tell(&store, &layer, "before").await;
        layer.hold(LOG);
        let slow = commit_aside(&store, "slow");
        let held = layer.clone();
        tokio::task::spawn_blocking(move || held.wait_until_held()).await.unwrap();
        layer.mark("\n");
        let more: Vec<_> = (0..20).map(|n| commit_aside(&store, &n.to_string())).collect();
        tokio::task::yield_now().await;
        assert!(is_there(&store, &before).await);
        assert!(!slow.is_finished(), "a commit was answered before its flush");
        layer.release();
        slow.await.unwrap().unwrap();
        for one in more {
            one.await.unwrap().unwrap();
        }
        layer.mark("\n");
        store.close().await.unwrap();
    });
    if let Some(recording) = recording {
        // One for the slow commit and one for the twenty.
        assert_eq!(recording.flushes_between_marks(LOG).get(2), Some(&2));
    }
}

type Answer = tokio::task::JoinHandle<Result<(), StoreError>>;

fn commit_aside(store: &Arc<SqliteStore>, key: &str) -> Answer {
    let (store, execution) = (Arc::clone(store), queued("f", key));
    tokio::spawn(async move { insert(&store, &execution).await })
}
