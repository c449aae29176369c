//! Calls that fail, do half or take long: callers are told, and it passes.

use std::sync::Arc;

use runcor_core::{ExecutionQuery, Store, StoreError};
use runcor_store_sqlite::{SqliteConfig, SqliteStore};

use super::live::{
    ALWAYS, EIO, ENOSPC, FILE, LOG, cut_the_power_everywhere, insert, insert_and_tell, is_away,
    is_there, open, under_the_layer,
};
use crate::support::{queued, with_input};

#[test]
fn a_full_disk_refuses_commits_and_takes_them_again_by_itself() {
    let name = "calls::a_full_disk_refuses_commits_and_takes_them_again_by_itself";
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
    let name = "calls::a_write_that_is_cut_short_is_made_whole_or_taken_back";
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
    let name = "calls::a_write_that_fails_is_refused_and_the_next_one_goes_well";
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
    under_the_layer("calls::a_read_that_fails_is_told_and_passes", async |layer| {
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
    let name = "calls::while_a_flush_is_slow_reads_go_on_and_what_gathers_shares_the_next_one";
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
