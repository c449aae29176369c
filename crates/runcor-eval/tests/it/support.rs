//! A store with executions that have ended, and evaluators that say what a test wants.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runcor_core::{
    Batch, Caller, Event, Execution, ExecutionState, Hook, ManualClock, Result, Store, TenantId,
};
use runcor_eval::{EvalContext, Evaluator, Evaluators, Judgement};
use runcor_store_memory::MemoryStore;
use runcor_testkit::{ExecutionBuilder, FaultStore};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) struct Bed {
    pub(crate) store: Arc<FaultStore>,
    pub(crate) clock: ManualClock,
    pub(crate) evaluators: Arc<Evaluators>,
    stop: CancellationToken,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::made(|evaluators| evaluators)
    }

    pub(crate) fn made(make: impl FnOnce(Evaluators) -> Evaluators) -> Self {
        let clock = ManualClock::new();
        let store = Arc::new(FaultStore::new(Arc::new(MemoryStore::new())));
        let evaluators = Evaluators::new(store.clone(), Arc::new(clock.clone()));
        let evaluators = Arc::new(make(evaluators));
        Self { store, clock, evaluators, stop: CancellationToken::new() }
    }

    /// Begins the worker.
    pub(crate) fn start(&self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(Arc::clone(&self.evaluators).run(self.stop.clone()))
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends an execution as the engine does: with what the hook adds, and tells it.
    pub(crate) async fn end(&self, execution: Execution) -> Execution {
        let ops = self.evaluators.before_end(&execution);
        let mut batch = Batch::new().insert(execution.clone());
        batch.ops.extend(ops);
        self.store.commit(batch).await.unwrap();
        self.evaluators.after_end(&execution);
        execution
    }

    pub(crate) async fn end_with(&self, result: Value) -> Execution {
        self.end(complete(ExecutionBuilder::new("f"), result)).await
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        let records = self.store.events(0, 10_000).await.unwrap();
        records.into_iter().map(|record| record.event).collect()
    }

    pub(crate) async fn unevaluated(&self) -> usize {
        self.store.quality().unevaluated(1000).await.unwrap().len()
    }

    /// Waits until nothing waits to be judged.
    pub(crate) async fn settled(&self) {
        for _ in 0..10_000 {
            if self.unevaluated().await == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("something still waits to be judged");
    }
}

/// Lets everything that can go on do so.
pub(crate) async fn idle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Makes an execution that is complete after two seconds.
pub(crate) fn complete(builder: ExecutionBuilder, result: Value) -> Execution {
    let mut execution = builder.build();
    let begun = execution.spec.queued_at;
    let status = &mut execution.status;
    status.state = ExecutionState::Complete;
    status.started = Some(begun);
    status.completed = Some(begun.after(Duration::from_secs(2)));
    status.due = None;
    status.result = Some(Arc::new(result));
    execution
}

pub(crate) fn failed(builder: ExecutionBuilder) -> Execution {
    let mut execution = complete(builder, Value::Null);
    execution.status.state = ExecutionState::Failed;
    execution.status.result = None;
    execution
}

pub(crate) fn of_tenant(name: &str) -> Caller {
    Caller::tenant(TenantId::new(name).unwrap())
}

type Say = Box<dyn Fn(&EvalContext) -> Result<Judgement> + Send + Sync>;

/// An evaluator that is a function.
pub(crate) struct Says {
    name: String,
    say: Say,
}

impl std::fmt::Debug for Says {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

pub(crate) fn says(
    name: &str,
    say: impl Fn(&EvalContext) -> Result<Judgement> + Send + Sync + 'static,
) -> Says {
    Says { name: name.to_owned(), say: Box::new(say) }
}

pub(crate) fn scores(name: &str, dimension: &'static str, score: f64) -> Says {
    says(name, move |_| Ok(Judgement::score(dimension, score)))
}

#[async_trait]
impl Evaluator for Says {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement> {
        (self.say)(ctx)
    }
}

/// An evaluator that never comes to an end.
#[derive(Debug)]
pub(crate) struct Hangs;

#[async_trait]
impl Evaluator for Hangs {
    fn name(&self) -> &str {
        "hangs"
    }

    async fn evaluate(&self, _: &EvalContext) -> Result<Judgement> {
        std::future::pending().await
    }
}
