//! The test bed: an engine under a manual clock, on either store.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    Clock, EngineStatus, Execution, ExecutionId, ExecutionState, Flow, FlowContext, FlowError,
    FlowHandler, FlowName, FlowOutcome, ManualClock, Runtime, Store, Trigger,
};
use runcor_engine::{Engine, EngineConfig, EngineParts};
use runcor_store_memory::MemoryStore;
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use serde_json::{Value, json};

use crate::fickle::Fickle;

/// Which store a bed stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

/// An engine under a manual clock.
pub(crate) struct Bed {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) dir: Arc<tempfile::TempDir>,
    drain_timeout: Duration,
}

/// Emits each listed scenario once for each store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::bed::Kind::Memory).await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::bed::Kind::Sqlite).await;
            })*
        }
    };
}
pub(crate) use on_every_store;

impl Bed {
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::with(kind, EngineConfig::default()).await
    }

    pub(crate) async fn with_concurrency(kind: Kind, concurrency: usize) -> Self {
        Self::with(kind, EngineConfig { concurrency, ..EngineConfig::default() }).await
    }

    pub(crate) async fn with(kind: Kind, config: EngineConfig) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::open(kind, config, ManualClock::new(), dir).await
    }

    /// Starts an engine on a store whose answers the test decides.
    pub(crate) async fn fickle(kind: Kind, config: EngineConfig) -> (Self, Arc<Fickle>) {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let fickle = Fickle::new(store_of(kind, &dir));
        let store = Arc::clone(&fickle);
        (Self::start(store, config, ManualClock::new(), dir).await, fickle)
    }

    /// Starts an engine on what an earlier one left in `dir`.
    pub(crate) async fn open(
        kind: Kind,
        config: EngineConfig,
        clock: ManualClock,
        dir: Arc<tempfile::TempDir>,
    ) -> Self {
        Self::start(store_of(kind, &dir), config, clock, dir).await
    }

    async fn start(
        store: Arc<dyn Store>,
        config: EngineConfig,
        clock: ManualClock,
        dir: Arc<tempfile::TempDir>,
    ) -> Self {
        let parts = EngineParts { config, ..EngineParts::new(store) };
        Self::start_parts(parts, clock, dir).await
    }

    /// Starts an engine that is put together otherwise than usual.
    pub(crate) async fn of_parts(
        kind: Kind,
        change: impl FnOnce(EngineParts) -> EngineParts,
    ) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let parts = change(EngineParts::new(store_of(kind, &dir)));
        Self::start_parts(parts, ManualClock::new(), dir).await
    }

    async fn start_parts(
        parts: EngineParts,
        clock: ManualClock,
        dir: Arc<tempfile::TempDir>,
    ) -> Self {
        let (drain_timeout, store) = (parts.config.drain_timeout, Arc::clone(&parts.store));
        let parts = EngineParts { clock: Arc::new(clock.clone()), seed: Some(1), ..parts };
        let engine = Engine::start(parts).await.unwrap();
        Self { engine, clock, store, dir, drain_timeout }
    }

    /// Ends the engine and opens what it left with a new one, as a deploy does;
    /// what is in memory ends with its engine, so there the old one goes on.
    pub(crate) async fn reopened(self, kind: Kind) -> Self {
        if kind == Kind::Memory {
            return self;
        }
        self.stop().await;
        let Self { clock, store, dir, .. } = self;
        drop(store);
        Self::open(kind, EngineConfig::default(), clock, dir).await
    }

    /// Shuts the engine down; handlers that do not end are given up after the drain timeout.
    pub(crate) async fn stop(&self) {
        let engine = self.engine.clone();
        let stopping = tokio::spawn(async move { engine.shutdown().await });
        // No more often than needed: what is stopped has time to tell the store.
        let mut advances = 0;
        while !stopping.is_finished() {
            // Real time, because the store's writer is a thread of its own.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.engine.status() == EngineStatus::ShuttingDown && advances < 3 {
                self.clock.advance(self.drain_timeout);
                advances += 1;
            }
        }
        stopping.await.unwrap().unwrap();
    }

    /// Registers a flow of a handler, in the place of an earlier one.
    pub(crate) fn register(&self, name: &str, handler: impl FlowHandler + 'static) {
        self.engine.register_or_replace(flow(name, handler)).unwrap();
    }

    /// Triggers with a key and no input.
    pub(crate) async fn trigger(&self, flow: &str, key: &str) -> Execution {
        self.trigger_with(flow, Trigger::new(key, Value::Null)).await
    }

    pub(crate) async fn trigger_with(&self, flow: &str, trigger: Trigger) -> Execution {
        self.engine.trigger(flow, trigger).await.unwrap().execution
    }

    pub(crate) async fn get(&self, id: ExecutionId) -> Execution {
        self.engine.execution(id).await.unwrap()
    }

    /// Waits in real time until an execution is in a state.
    pub(crate) async fn until_state(&self, id: ExecutionId, state: ExecutionState) -> Execution {
        eventually(async || {
            let execution = self.get(id).await;
            (execution.state() == state).then_some(execution)
        })
        .await
    }

    /// Waits in real time until an execution waits for its retry of that number.
    pub(crate) async fn until_retry(&self, id: ExecutionId, retry: u32) -> Execution {
        eventually(async || {
            let execution = self.get(id).await;
            let is_it = execution.state() == ExecutionState::Retrying
                && execution.status.retry_count == retry;
            is_it.then_some(execution)
        })
        .await
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self, id: ExecutionId) -> Execution {
        within_reason(self.engine.finished(id)).await.unwrap()
    }

    /// Moves the clock on once somebody sleeps until that instant or earlier.
    pub(crate) async fn advance(&self, duration: Duration) {
        let target = self.clock.now().after(duration);
        eventually(async || self.clock.next_wake().filter(|wake| *wake <= target)).await;
        self.clock.advance(duration);
    }
}

fn store_of(kind: Kind, dir: &tempfile::TempDir) -> Arc<dyn Store> {
    match kind {
        Kind::Memory => Arc::new(MemoryStore::new()),
        Kind::Sqlite => {
            let path = dir.path().join("runcor.db");
            Arc::new(SqliteStore::open(&path, SqliteConfig::default()).unwrap())
        }
    }
}

/// Asks again and again until there is an answer; gives up after ten seconds.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    within_reason(async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Gives up after ten seconds of real time, so that a bug is a failure and no hang.
pub(crate) async fn within_reason<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

/// A flow without retry delays to speak of.
pub(crate) fn flow(name: &str, handler: impl FlowHandler + 'static) -> Flow {
    Flow::new(FlowName::new(name).unwrap(), handler)
}

/// A handler that gives its input back.
pub(crate) async fn echo(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    Ok(FlowOutcome::Complete(ctx.input().clone()))
}

/// A handler that never ends by itself.
pub(crate) async fn stuck(_ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    std::future::pending().await
}

/// The result `{"done": true}`.
pub(crate) fn done() -> FlowOutcome {
    FlowOutcome::Complete(json!({ "done": true }))
}

/// The edges an execution has gone, such as `queued>running`.
pub(crate) fn edges(execution: &Execution) -> Vec<String> {
    execution.status.transitions.iter().map(|t| format!("{}>{}", t.from, t.to)).collect()
}

/// The code of a failed execution's error.
pub(crate) fn code(execution: &Execution) -> &str {
    execution.status.error.as_ref().and_then(|error| error.code.as_deref()).unwrap_or("none")
}
