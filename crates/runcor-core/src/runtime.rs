//! The control plane: what HTTP, command line, schedulers and triggers call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use crate::cost::Caller;
use crate::error::Result;
use crate::event::ProviderHealth;
use crate::execution::{Execution, ForkChanges};
use crate::flow::{Decision, FlowInfo};
use crate::health::EngineHealth;
use crate::id::{ExecutionId, FlowName};
use crate::money::TokenPrice;
use crate::store::{EventRecord, EventSubscription, ExecutionQuery, Page};
use crate::timeline::Timeline;

/// Runs executions for callers; the engine implements it.
///
/// Every operation answers `ENGINE_SHUTTING_DOWN` once a shutdown has begun,
/// reads excepted, and `STORAGE_…` when the store fails.
#[async_trait]
pub trait Runtime: std::fmt::Debug + Send + Sync {
    /// Accepts work, or returns the execution that the idempotency key stands for.
    ///
    /// # Errors
    /// `MISSING_IDEMPOTENCY_KEY`, `VALIDATION_ERROR` (a malformed id),
    /// `FLOW_NOT_FOUND`, `INVALID_INPUT`, `QUEUE_FULL`, `ENGINE_SHUTTING_DOWN`.
    async fn trigger(&self, flow: &str, trigger: Trigger) -> Result<Triggered>;

    /// Returns an execution that is within its retention.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`.
    async fn execution(&self, id: ExecutionId) -> Result<Execution>;

    /// Returns a page of executions.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a foreign cursor.
    async fn executions(&self, query: &ExecutionQuery) -> Result<Page<Execution>>;

    /// Returns an execution once it is complete or failed.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, also when it is deleted in the meantime.
    async fn finished(&self, id: ExecutionId) -> Result<Execution>;

    /// Resumes a waiting execution; resuming again with equal data succeeds without effect.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_STATE`.
    async fn resume(&self, id: ExecutionId, data: Option<Value>) -> Result<Execution>;

    /// Runs an ended execution once more, as a new execution with the same input and identity.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_STATE`, `FLOW_NOT_FOUND`.
    async fn replay(&self, id: ExecutionId) -> Result<Execution>;

    /// Answers an execution that waits for an approval or for somebody's word on a step.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_STATE` (it does not wait for such a
    /// decision), `INVALID_TOKEN`.
    async fn decide(&self, id: ExecutionId, decision: Decision) -> Result<Execution>;

    /// Begins a new execution that takes over what an old one did before a
    /// place in its journal, and does everything from there on anew.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `ENTRY_NOT_FOUND`, and as [`trigger`](Self::trigger).
    async fn fork(&self, id: ExecutionId, fork: Fork) -> Result<Execution>;

    /// Returns everything that an execution has done.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`.
    async fn timeline(&self, id: ExecutionId) -> Result<Timeline>;

    /// Returns the result at a place of an execution's journal, whatever its size.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `ENTRY_NOT_FOUND` (also when it has no result).
    async fn journal_value(&self, id: ExecutionId, path: &str) -> Result<Value>;

    /// Fails an execution that has not ended and all that it has called, and
    /// stops their handlers.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_STATE`.
    async fn cancel(&self, id: ExecutionId, reason: Option<String>) -> Result<Execution>;

    /// Deletes an ended execution.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_TRANSITION` for one that has not ended.
    async fn delete(&self, id: ExecutionId) -> Result<()>;

    /// Lets executions go on that wait for more money; those for which there
    /// is still too little wait again. Returns how many were woken. Callers of
    /// a tenant wake those of that tenant alone.
    ///
    /// # Errors
    /// `STORAGE_…` when the store fails.
    async fn wake_budget_waits(&self) -> Result<usize>;

    /// Returns the control plane as a caller has it: every operation is judged
    /// on their behalf, and what belongs to other tenants does not exist. What a
    /// caller has can be narrowed so again, to a user of the tenant, and never widened.
    fn as_caller(&self, caller: Caller) -> Arc<dyn Runtime>;

    /// Returns whether the caller may see a flow, its executions, costs and evaluations.
    fn sees_flow(&self, flow: &FlowName) -> bool {
        let _ = flow;
        true
    }

    /// Returns the registered flows in order of registration.
    fn flows(&self) -> Vec<FlowInfo>;

    /// Returns where the engine stands.
    fn status(&self) -> EngineStatus;

    /// Returns whether the engine can keep its promises at the moment.
    fn health(&self) -> EngineHealth;

    /// Returns how long the engine has been up.
    fn uptime(&self) -> Duration;

    /// Listens to events from now on.
    fn subscribe(&self) -> EventSubscription;

    /// Returns stored events with a sequence number above `after`, oldest first.
    ///
    /// # Errors
    /// `STORAGE_…` when the store fails.
    async fn events(&self, after: u64, limit: usize) -> Result<Vec<EventRecord>>;
}

/// A request to run a flow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trigger {
    /// The caller's key; the same key of the same tenant and flow runs once.
    pub idempotency_key: String,
    /// The input, `null` when absent.
    pub input: Value,
    /// On whose behalf.
    pub user_id: Option<String>,
    /// In which session.
    pub session_id: Option<String>,
    /// For which tenant.
    pub tenant_id: Option<String>,
    /// The caller's own notes.
    pub metadata: Option<Value>,
    /// The limit of active time in place of the flow's; zero is none.
    pub timeout: Option<Duration>,
    /// The limit of one wait in place of the flow's; zero is none.
    pub wait_timeout: Option<Duration>,
}

impl Trigger {
    /// Makes a trigger with a key and an input.
    #[must_use]
    pub fn new(idempotency_key: impl Into<String>, input: Value) -> Self {
        Self { idempotency_key: idempotency_key.into(), input, ..Self::default() }
    }

    /// Says on whose behalf the execution runs.
    #[must_use]
    pub fn with_user(mut self, id: impl Into<String>) -> Self {
        self.user_id = Some(id.into());
        self
    }

    /// Says for which tenant the execution runs.
    #[must_use]
    pub fn with_tenant(mut self, id: impl Into<String>) -> Self {
        self.tenant_id = Some(id.into());
        self
    }

    /// Says in which session the execution runs.
    #[must_use]
    pub fn with_session(mut self, id: impl Into<String>) -> Self {
        self.session_id = Some(id.into());
        self
    }

    /// Attaches the caller's own notes.
    #[must_use]
    pub fn with_metadata(mut self, notes: Value) -> Self {
        self.metadata = Some(notes);
        self
    }

    /// Limits the active time in place of the flow's limit; zero is none.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits one wait in place of the flow's limit; zero is none.
    #[must_use]
    pub fn with_wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = Some(timeout);
        self
    }
}

/// What a trigger led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Triggered {
    /// The execution, new or known.
    pub execution: Execution,
    /// Whether the idempotency key was known already.
    pub replayed: bool,
}

/// A wish to run an execution differently from a place in its journal on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fork {
    /// The place: a path, or the number that the timeline shows. It and what
    /// came after it is done anew; without one, everything is.
    pub at: Option<String>,
    /// The new execution's idempotency key; made up when absent.
    pub idempotency_key: Option<String>,
    /// Another input.
    pub input: Option<Value>,
    /// Another model, provider or prompt.
    pub changes: ForkChanges,
}

/// Where the engine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineStatus {
    /// Recovering what an earlier process left.
    Initializing,
    /// Accepting work.
    Ready,
    /// Finishing what runs.
    ShuttingDown,
    /// Done.
    Stopped,
}

/// Tells about providers; the router implements it.
pub trait ProviderReport: std::fmt::Debug + Send + Sync {
    /// Returns every provider in order of registration.
    fn providers(&self) -> Vec<ProviderInfo>;
}

/// One provider, as reports show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderInfo {
    /// The registered name.
    pub name: String,
    /// What its circuit breaker thinks.
    pub health_state: ProviderHealth,
    /// Its priority; lower is asked first.
    pub priority: u32,
    /// Its price, where one is known.
    #[serde(skip)]
    pub price: Option<TokenPrice>,
}
