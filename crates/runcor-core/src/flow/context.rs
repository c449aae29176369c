//! What a handler sees: its input, models, durable steps and waits.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::definition::WaitSignal;
use super::error::FlowError;
use super::journal::{Journal, JournalEntry, JournalKind};
use crate::clock::Clock;
use crate::error::{Error, ErrorCode};
use crate::execution::ExecutionSpec;
use crate::id::ExecutionId;
use crate::model::ModelService;
use crate::time::Timestamp;

/// The path under which waits are journaled.
const WAIT: &str = "wait";

/// What a handler sees of its execution. Clones share everything.
#[derive(Clone)]
pub struct FlowContext {
    inner: Arc<Inner>,
}

struct Inner {
    parts: FlowContextParts,
    /// How often each step name was met in this run.
    met: Mutex<HashMap<String, u32>>,
}

/// What a context is made of; the engine fills it, tests may too.
pub struct FlowContextParts {
    /// What was asked.
    pub spec: Arc<ExecutionSpec>,
    /// How many retries have begun.
    pub retry_count: u32,
    /// How often the execution was resumed.
    pub resume_count: u32,
    /// What the last resume brought.
    pub resume_data: Option<Value>,
    /// Who answers model calls.
    pub models: Arc<dyn ModelService>,
    /// What has been done already.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the run is over whatever the handler does.
    pub cancel: CancellationToken,
}

/// A durable step that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The step's identity in its execution.
    pub path: String,
    /// A key for whoever the step calls: the same whenever the step runs again.
    pub idempotency_key: String,
}

impl FlowContext {
    /// Makes a context of its parts.
    #[must_use]
    pub fn new(parts: FlowContextParts) -> Self {
        Self { inner: Arc::new(Inner { parts, met: Mutex::default() }) }
    }

    /// Returns the identity of the execution.
    #[must_use]
    pub fn execution_id(&self) -> ExecutionId {
        self.inner.parts.spec.id
    }

    /// Returns all that was asked: identity, flow, user, tenant, metadata.
    #[must_use]
    pub fn spec(&self) -> &ExecutionSpec {
        &self.inner.parts.spec
    }

    /// Returns the input.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.inner.parts.spec.input
    }

    /// Returns how many retries have begun; zero in the first run.
    #[must_use]
    pub fn retry_count(&self) -> u32 {
        self.inner.parts.retry_count
    }

    /// Returns whether the execution was ever resumed, with data or without.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.inner.parts.resume_count > 0
    }

    /// Returns what the last resume brought; `None` in a first run and after a resume without data.
    #[must_use]
    pub fn resume_data(&self) -> Option<&Value> {
        self.inner.parts.resume_data.as_ref()
    }

    /// Returns the models.
    #[must_use]
    pub fn model(&self) -> &dyn ModelService {
        &*self.inner.parts.models
    }

    /// Returns the present instant by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }

    /// Returns the engine's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.parts.clock
    }

    /// Returns the token that is cancelled on timeout, cancel and shutdown.
    ///
    /// The handler's own future is dropped then; the token is for tasks that
    /// the handler has spawned.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.inner.parts.cancel
    }

    /// Runs `work` once for the whole execution and remembers its result.
    ///
    /// When the handler runs again (retry, resume, crash, deploy), a step that
    /// has finished gives its result without running. Its identity is `name`
    /// and how often that name was met, so names and order must not depend on chance.
    ///
    /// # Errors
    /// Fails as `work` does (nothing is remembered then), when the result is not
    /// JSON, when the stored result has another shape than `T`, or when the
    /// journal can't be written.
    pub async fn step<T, Fut>(&self, name: &str, work: Fut) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        self.step_with(name, |_| work).await
    }

    /// Runs a step that hands its idempotency key to whoever it calls.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn step_with<T, F, Fut>(&self, name: &str, work: F) -> Result<T, FlowError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(Step) -> Fut,
        Fut: Future<Output = Result<T, FlowError>>,
    {
        let step = self.next_step(name);
        if let Some(value) = self.inner.parts.journal.find(&step.path).await? {
            return serde_json::from_value(value).map_err(|error| {
                shape_error(
                    &step.path,
                    &format!("the remembered result has another shape: {error}"),
                )
            });
        }
        let path = step.path.clone();
        let result = work(step).await?;
        let value = serde_json::to_value(&result)
            .map_err(|error| shape_error(&path, &format!("the result is not JSON: {error}")))?;
        self.record(path, JournalKind::Step, value).await?;
        Ok(result)
    }

    /// Pauses the execution until somebody resumes it, and returns what they brought.
    ///
    /// Nothing stays in memory while it waits: the handler's future is dropped,
    /// and the handler runs again from the top once it is resumed. Waits that
    /// were answered before return their answers at once.
    ///
    /// # Errors
    /// Returns an error that pauses the flow and that the handler must pass on with `?`.
    pub async fn wait_for(&self, signal: WaitSignal) -> Result<Value, FlowError> {
        let path = self.next_step(WAIT).path;
        let journal = &self.inner.parts.journal;
        if let Some(value) = journal.find(&path).await? {
            return Ok(value);
        }
        let answered = journal.count(JournalKind::Wait).await?;
        let resumed = usize::try_from(self.inner.parts.resume_count).unwrap_or(usize::MAX);
        if resumed <= answered {
            return Err(FlowError::suspended(signal));
        }
        let answer = self.resume_data().cloned().unwrap_or(Value::Null);
        self.record(path, JournalKind::Wait, answer.clone()).await?;
        Ok(answer)
    }

    fn next_step(&self, name: &str) -> Step {
        let mut met = self.inner.met.lock();
        let count = met.entry(name.to_owned()).or_insert(0);
        *count += 1;
        let path = format!("{name}#{count}");
        let idempotency_key = format!("{}:{path}", self.execution_id());
        Step { path, idempotency_key }
    }

    async fn record(&self, path: String, kind: JournalKind, value: Value) -> Result<(), FlowError> {
        let entry = JournalEntry { path, kind, value, at: self.now() };
        Ok(self.inner.parts.journal.record(entry).await?)
    }
}

fn shape_error(path: &str, problem: &str) -> FlowError {
    Error::new(ErrorCode::InvalidResult, format!("step {path}: {problem}")).into()
}

impl fmt::Debug for FlowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowContext")
            .field("execution", &self.execution_id())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FlowContextParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowContextParts").field("execution", &self.spec.id).finish_non_exhaustive()
    }
}
