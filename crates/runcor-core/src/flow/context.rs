//! What a handler sees: its input, models, tools, durable steps and waits.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::definition::Divergence;
use super::journal::{Calls, Journal};
use super::path::Counts;
use super::wait::Suspension;
use crate::clock::Clock;
use crate::cost::{BudgetLimit, Meter};
use crate::execution::ExecutionSpec;
use crate::guard::Guard;
use crate::id::ExecutionId;
use crate::memory::MemoryLimits;
use crate::model::ModelService;
use crate::policy::Policy;
use crate::store::Store;
use crate::time::Timestamp;
use crate::tool::ToolProvider;

/// What a handler sees of its execution. Clones share everything.
///
/// Everything durable hangs on it: [`step`](Self::step), [`model`](Self::model),
/// [`memory`](Self::memory), [`tools`](Self::tools), [`call`](Self::call), [`join`](Self::join),
/// [`wait_for`](Self::wait_for), [`sleep`](Self::sleep) and
/// [`approval`](Self::approval).
#[derive(Clone)]
pub struct FlowContext {
    inner: Arc<Inner>,
    /// The input in place of the one that was asked, where a guardrail has changed it.
    input: Option<Arc<Value>>,
}

struct Inner {
    parts: FlowContextParts,
    counts: Counts,
    /// The pause that the handler was told to pass on.
    suspension: Mutex<Option<Suspension>>,
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
    /// Who answers tool calls.
    pub tools: Arc<dyn ToolProvider>,
    /// What has been done already.
    pub journal: Arc<dyn Journal>,
    /// Who runs child executions.
    pub calls: Arc<dyn Calls>,
    /// Money, policy and memory.
    pub governance: Governance,
    /// What to do when the flow asks something else than when it ran before.
    pub on_divergence: Divergence,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the run is over whatever the handler does.
    pub cancel: CancellationToken,
}

/// What counts, allows and remembers for a flow; by default nothing and nobody does.
#[derive(Debug, Clone, Default)]
pub struct Governance {
    /// Who counts the money of model calls.
    pub meter: Option<Arc<dyn Meter>>,
    /// The flow's own budget.
    pub budget: Option<BudgetLimit>,
    /// Who says what the flow may do.
    pub policy: Option<Arc<dyn Policy>>,
    /// Who looks at what goes in and out.
    pub guard: Option<Arc<dyn Guard>>,
    /// Where memories and the ledger are read.
    pub store: Option<Arc<dyn Store>>,
    /// How much a memory may hold.
    pub memory_limits: MemoryLimits,
}

impl FlowContext {
    /// Makes a context of its parts.
    #[must_use]
    pub fn new(parts: FlowContextParts) -> Self {
        let inner = Inner { parts, counts: Counts::default(), suspension: Mutex::default() };
        Self { inner: Arc::new(inner), input: None }
    }

    /// Shows another input than the one that was asked, as guardrails let it through.
    #[must_use]
    pub fn with_input(mut self, input: Value) -> Self {
        self.input = Some(Arc::new(input));
        self
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

    /// Returns the input, as guardrails have let it through.
    #[must_use]
    pub fn input(&self) -> &Value {
        self.input.as_deref().unwrap_or(&self.inner.parts.spec.input)
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

    /// Returns the present instant by the engine's clock.
    ///
    /// It differs from run to run: what decides the course of the flow belongs in a step.
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

    /// Returns the pause that the handler was told to pass on, if any, for the
    /// engine to honour when the handler did not.
    #[must_use]
    pub fn suspension(&self) -> Option<Suspension> {
        self.inner.suspension.lock().clone()
    }

    pub(crate) fn note_suspension(&self, pause: Option<Suspension>) {
        *self.inner.suspension.lock() = pause;
    }

    pub(crate) fn models(&self) -> &Arc<dyn ModelService> {
        &self.inner.parts.models
    }

    pub(crate) fn tool_provider(&self) -> &Arc<dyn ToolProvider> {
        &self.inner.parts.tools
    }

    pub(crate) fn governance(&self) -> &Governance {
        &self.inner.parts.governance
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        &*self.inner.parts.journal
    }

    pub(crate) fn calls(&self) -> &dyn Calls {
        &*self.inner.parts.calls
    }

    pub(crate) fn on_divergence(&self) -> Divergence {
        self.inner.parts.on_divergence
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.inner.counts
    }
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
