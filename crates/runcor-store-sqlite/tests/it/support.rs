//! What the tests share: a directory with a database, and executions to put into it.

use std::path::PathBuf;

use runcor_core::{
    Batch, Change, Execution, ExecutionId, ExecutionSpec, FlowName, IdempotencyKey, Store,
    Timestamp, WorkerId,
};
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory of its own for one database.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("runcor.db")
    }

    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        self.dir.path().join(format!("runcor.db{suffix}"))
    }

    pub(crate) fn open(&self) -> SqliteStore {
        self.open_with(SqliteConfig::default())
    }

    pub(crate) fn open_with(&self, config: SqliteConfig) -> SqliteStore {
        SqliteStore::open(self.path(), config).unwrap()
    }

    /// A connection of a careless operator.
    pub(crate) fn meddle(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::mint(at(0))
}

pub(crate) fn flow(name: &str) -> FlowName {
    FlowName::new(name).unwrap()
}

pub(crate) fn queued(flow_name: &str, key: &str) -> Execution {
    with_input(flow_name, key, json!({ "key": key }))
}

pub(crate) fn with_input(flow_name: &str, key: &str, input: Value) -> Execution {
    Execution::queued(ExecutionSpec::new(
        ExecutionId::mint(at(0)),
        flow(flow_name),
        IdempotencyKey::new(key).unwrap(),
        input,
        at(0),
    ))
}

/// Applies a change and returns the batch of it.
pub(crate) fn step(execution: &mut Execution, change: Change, now: Timestamp) -> Batch {
    let applied = execution.apply(change, now).unwrap();
    let status = applied.status.clone();
    let batch = Batch::new().update(execution, applied);
    execution.status = status;
    batch
}

/// A new execution that `worker` has claimed already, and the batch that says so.
pub(crate) fn claimed(flow_name: &str, key: &str, worker: WorkerId) -> (Execution, Batch) {
    let mut execution = queued(flow_name, key);
    let applied = execution.apply(Change::Claim { worker }, at(1)).unwrap();
    execution.status = applied.status;
    let batch = Batch::new().insert(execution.clone()).emit_all(applied.events);
    (execution, batch)
}

pub(crate) fn complete(result: Value) -> Change {
    Change::Complete { result, expires: Some(at(1_000_000)) }
}

/// Runs an execution from its insertion to its end; returns it as it must be stored.
pub(crate) async fn run_to_end(store: &SqliteStore, key: &str) -> Execution {
    let (mut execution, insert) = claimed("f", key, worker());
    store.commit(insert).await.unwrap();
    store.commit(step(&mut execution, complete(json!({ "ok": key })), at(2))).await.unwrap();
    execution
}
