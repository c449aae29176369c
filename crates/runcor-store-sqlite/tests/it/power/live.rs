//! The live store over a disk that fails: what the tests of that share.

use runcor_core::{Batch, Execution, Store, StoreError};
use runcor_store_sqlite::{Durability, SqliteConfig, SqliteStore};

use super::campaign::{Campaign, DiskIs};
use super::check::Bench;
use super::layer::Layer;
use super::recording::{Recording, Start};
use crate::support::queued;

pub(crate) const EIO: i32 = 5;
pub(crate) const ENOSPC: i32 = 28;
pub(crate) const LOG: &str = "runcor.db-wal";
pub(crate) const FILE: &str = "runcor.db";
pub(crate) const ALWAYS: usize = 1_000_000;
const MOST_MOMENTS: usize = 200;

/// Runs `body` under the layer, in the test of this name; where this is the process that was started for
/// that it returns `None`, else what was recorded.
pub(crate) fn under_the_layer<F: Future<Output = ()>>(
    test: &str,
    body: impl FnOnce(Layer) -> F,
) -> Option<Recording> {
    let Some(layer) = Layer::here() else {
        return Some(Recording::of(&[&format!("power::{test}")], Start::default(), &[]));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(body(layer));
    None
}

/// Cuts the power after every event, or at most after some hundred, twice each.
pub(crate) fn cut_the_power_everywhere(recording: &Recording, config: &SqliteConfig) {
    let durability = config.durability;
    let keeps_answers = durability == Durability::Full;
    let campaign =
        Campaign { seed: 8, durability, keeps_answers, disk: DiskIs::Failing, states: 0 };
    let last = recording.events.len();
    let moments = (0..=last).step_by(1 + last / MOST_MOMENTS).flat_map(|moment| [moment; 2]);
    let moments: Vec<_> = moments.collect();
    let (verdict, _) = campaign.judge(8, recording, config, &moments, &Bench::new());
    assert!(verdict.failures.is_empty(), "{}", verdict.failures.join("\n"));
}

pub(crate) fn open(layer: &Layer, config: SqliteConfig) -> SqliteStore {
    SqliteStore::open(layer.database(), config).unwrap()
}

pub(crate) async fn insert(store: &SqliteStore, execution: &Execution) -> Result<(), StoreError> {
    store.commit(Batch::new().insert(execution.clone())).await.map(|_| ())
}

/// Inserts and tells the layer of the answer.
pub(crate) async fn insert_and_tell(store: &SqliteStore, layer: &Layer, key: &str) -> Execution {
    let execution = queued("f", key);
    insert(store, &execution).await.unwrap();
    layer.mark(&format!("has {} {} 0", execution.id(), execution.fence().version));
    execution
}

pub(crate) async fn is_there(store: &SqliteStore, execution: &Execution) -> bool {
    store.execution(execution.id()).await.unwrap().is_some()
}

#[track_caller]
pub(crate) fn is_away(outcome: Result<(), StoreError>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_temporary(), "{error}");
    assert!(error.to_string().contains("disk I/O error"), "{error}");
}
