//! The event log: numbers that only grow, a bounded number of events.

use runcor_core::{Batch, Event, Store};
use runcor_store_sqlite::SqliteConfig;

use crate::support::Home;

async fn emit(store: &impl Store, count: usize) {
    for _ in 0..count {
        store.commit(Batch::new().emit_all(vec![Event::Ready])).await.unwrap();
    }
}

async fn numbers(store: &impl Store) -> Vec<u64> {
    store.events(0, usize::MAX).await.unwrap().iter().map(|record| record.seq).collect()
}

#[tokio::test]
async fn the_newest_events_are_kept_and_older_ones_are_forgotten() {
    let home = Home::new();
    let store = home.open_with(SqliteConfig { event_retention: 10, ..SqliteConfig::default() });
    emit(&store, 57).await;
    assert_eq!(numbers(&store).await, (48..=57).collect::<Vec<_>>());
    assert_eq!(store.last_event().await.unwrap(), 57);
}

#[tokio::test]
async fn an_event_number_is_never_used_again_after_pruning_and_reopening() {
    let home = Home::new();
    for (retention, last) in [(1, 5), (0, 10), (100, 15)] {
        let config = SqliteConfig { event_retention: retention, ..SqliteConfig::default() };
        let store = home.open_with(config);
        emit(&store, 5).await;
        assert_eq!(store.last_event().await.unwrap(), last);
        assert_eq!(numbers(&store).await.last(), Some(&last));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_log_that_is_far_too_long_shrinks_a_little_with_each_commit() {
    let home = Home::new();
    let store = home.open();
    store.commit(Batch::new().emit_all(vec![Event::Ready; 5_000])).await.unwrap();
    store.close().await.unwrap();
    let store = home.open_with(SqliteConfig { event_retention: 100, ..SqliteConfig::default() });
    emit(&store, 1).await;
    assert_eq!(numbers(&store).await.len(), 5_001 - 1_024);
    emit(&store, 10).await;
    assert_eq!(numbers(&store).await.first(), Some(&4_912));
}

#[tokio::test]
async fn one_batch_of_many_events_gets_consecutive_numbers() {
    let home = Home::new();
    let store = home.open();
    let mut feed = store.feed().subscribe();
    store.commit(Batch::new().emit_all(vec![Event::Ready, Event::Shutdown])).await.unwrap();
    let first = feed.next().await.unwrap().unwrap();
    let second = feed.next().await.unwrap().unwrap();
    assert_eq!((first.seq, &first.event), (1, &Event::Ready));
    assert_eq!((second.seq, &second.event), (2, &Event::Shutdown));
}
