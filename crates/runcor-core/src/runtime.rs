//! The control plane: what HTTP, command line, schedulers and triggers call.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use crate::error::Result;
use crate::event::ProviderHealth;
use crate::execution::Execution;
use crate::flow::FlowInfo;
use crate::id::ExecutionId;
use crate::money::TokenPrice;
use crate::store::{EventRecord, EventSubscription, ExecutionQuery, Page};

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

    /// Fails an execution that has not ended, and stops its handler.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_STATE`.
    async fn cancel(&self, id: ExecutionId, reason: Option<String>) -> Result<Execution>;

    /// Deletes an ended execution.
    ///
    /// # Errors
    /// `EXECUTION_NOT_FOUND`, `INVALID_TRANSITION` for one that has not ended.
    async fn delete(&self, id: ExecutionId) -> Result<()>;

    /// Returns the registered flows in order of registration.
    fn flows(&self) -> Vec<FlowInfo>;

    /// Returns where the engine stands.
    fn status(&self) -> EngineStatus;

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
