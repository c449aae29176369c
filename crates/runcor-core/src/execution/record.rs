//! The record of one execution: its unchanging spec and its changing status.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::ExecutionState;
use crate::flow::{RequestHash, Suspension, WaitKind};
use crate::id::{ExecutionId, FlowName, IdempotencyKey, SessionId, TenantId, UserId, WorkerId};
use crate::time::Timestamp;

/// One accepted trigger and everything that became of it.
///
/// Clones are cheap in the spec and copy the status. Serialises to the
/// documented JSON shape of the HTTP API.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// What was asked; never changes.
    pub spec: Arc<ExecutionSpec>,
    /// Where it stands.
    pub status: ExecutionStatus,
}

impl Execution {
    /// Makes the record of a newly accepted trigger: queued, due at once.
    #[must_use]
    pub fn queued(spec: impl Into<Arc<ExecutionSpec>>) -> Self {
        let spec = spec.into();
        let status = ExecutionStatus::queued(spec.queued_at);
        Self { spec, status }
    }

    /// Returns the identity.
    #[must_use]
    pub fn id(&self) -> ExecutionId {
        self.spec.id
    }

    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> ExecutionState {
        self.status.state
    }

    /// Returns what a later change must expect: the version and epoch seen here.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence { version: self.status.version, epoch: self.status.epoch }
    }
}

/// What was asked of the engine: everything about an execution that never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionSpec {
    /// The identity.
    pub id: ExecutionId,
    /// The flow to run.
    pub flow: FlowName,
    /// The caller's key; unique for a tenant and flow.
    pub idempotency_key: IdempotencyKey,
    /// The input, `null` when none was given.
    pub input: Value,
    /// On whose behalf it runs.
    pub user_id: Option<UserId>,
    /// The session it belongs to.
    pub session_id: Option<SessionId>,
    /// The tenant that owns it.
    pub tenant_id: Option<TenantId>,
    /// The caller's own notes.
    pub metadata: Option<Value>,
    /// The limit of active time in place of the flow's; zero is none.
    pub timeout: Option<Duration>,
    /// The limit of one wait in place of the flow's; zero is none.
    pub wait_timeout: Option<Duration>,
    /// The execution that this one replays.
    pub replay_of: Option<ExecutionId>,
    /// The execution that called this one.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// The execution that this one forks, and what it does differently.
    #[serde(default)]
    pub fork: Option<Box<ForkOrigin>>,
    /// When it was accepted.
    pub queued_at: Timestamp,
}

/// Who called an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The calling execution.
    pub id: ExecutionId,
    /// Where its journal has the call.
    pub path: String,
    /// What the call asked for.
    #[serde(default)]
    pub request: Option<RequestHash>,
    /// How many calls lie between this execution and one that nobody called; at least 1.
    pub depth: u32,
}

/// Where a fork comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkOrigin {
    /// The execution that it forks.
    pub of: ExecutionId,
    /// The place in the journal from which on everything is done anew.
    pub at: String,
    /// What is done differently from there on.
    #[serde(default)]
    pub changes: ForkChanges,
}

/// What a fork does differently from its position on; a new input stands in the fork's own spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForkChanges {
    /// The model of every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider of every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The system prompt of every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// The prompt of the call at the position itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl ExecutionSpec {
    /// Makes a spec with an input and nothing optional.
    #[must_use]
    pub fn new(
        id: ExecutionId,
        flow: FlowName,
        idempotency_key: IdempotencyKey,
        input: Value,
        queued_at: Timestamp,
    ) -> Self {
        Self {
            id,
            flow,
            idempotency_key,
            input,
            user_id: None,
            session_id: None,
            tenant_id: None,
            metadata: None,
            timeout: None,
            wait_timeout: None,
            replay_of: None,
            parent: None,
            fork: None,
            queued_at,
        }
    }
}

/// Where an execution stands: everything about it that changes.
///
/// Only [`Execution::apply`] makes a new status, and only a store commit makes it true.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionStatus {
    /// The state.
    pub state: ExecutionState,
    /// How often the status has changed; a store refuses a change that skips one.
    pub version: u64,
    /// How often the execution was claimed; a handler of an older epoch can't write.
    pub epoch: u64,
    /// The worker that runs the handler, or ran it when it was last heard of.
    pub owner: Option<WorkerId>,
    /// When the execution next needs attention.
    ///
    /// Queued, or running without an owner: when it may be claimed. Retrying:
    /// when the next attempt begins. Waiting: when the wait fails. Complete or
    /// failed: when the record may be deleted. `None`: nothing is due.
    pub due: Option<Timestamp>,
    /// How many retries have begun.
    pub retry_count: u32,
    /// How often it was resumed.
    pub resume_count: u32,
    /// When the handler first began.
    pub started: Option<Timestamp>,
    /// When it became complete or failed.
    pub completed: Option<Timestamp>,
    /// Every change of state, oldest first.
    pub transitions: Vec<Transition>,
    /// The result, once complete.
    pub result: Option<Arc<Value>>,
    /// The error, once failed.
    pub error: Option<ExecutionError>,
    /// The wait that it is in, or that it failed in.
    pub wait: Option<WaitContext>,
    /// What the last resume brought; `Some(Null)` differs from nothing.
    pub resume_data: Option<Value>,
    /// Active time (running and retrying) before the present active period.
    pub active_before: Duration,
    /// When the present active period began.
    pub active_since: Option<Timestamp>,
}

impl ExecutionStatus {
    /// The status of a newly accepted execution.
    #[must_use]
    pub fn queued(at: Timestamp) -> Self {
        Self {
            state: ExecutionState::Queued,
            version: 1,
            epoch: 0,
            owner: None,
            due: Some(at),
            retry_count: 0,
            resume_count: 0,
            started: None,
            completed: None,
            transitions: Vec::new(),
            result: None,
            error: None,
            wait: None,
            resume_data: None,
            active_before: Duration::ZERO,
            active_since: None,
        }
    }

    /// Returns the instant at which `timeout` of active time is used up.
    ///
    /// `None` when the execution is not active or `timeout` is zero.
    #[must_use]
    pub fn deadline(&self, timeout: Duration) -> Option<Timestamp> {
        if timeout.is_zero() {
            return None;
        }
        self.active_since.map(|since| since.after(timeout.saturating_sub(self.active_before)))
    }
}

/// The version and epoch that the author of a change last saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// See [`ExecutionStatus::version`].
    pub version: u64,
    /// See [`ExecutionStatus::epoch`].
    pub epoch: u64,
}

/// One change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The state before.
    pub from: ExecutionState,
    /// The state after.
    pub to: ExecutionState,
    /// When it happened.
    pub at: Timestamp,
}

/// Why an execution failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionError {
    /// What happened, for people.
    pub message: String,
    /// Whether the last failure was of a kind that may pass.
    pub retryable: bool,
    /// How many retries had begun.
    pub retry_count: u32,
    /// The stable code, where the failure has one.
    pub code: Option<String>,
}

/// What a waiting execution waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitContext {
    /// Why it waits, for people.
    pub reason: Option<String>,
    /// When the handler expects to be resumed; for information only.
    pub expected_resume_by: Option<Timestamp>,
    /// What the handler shows to whoever resumes it.
    pub wait_data: Option<Value>,
    /// When the wait began.
    pub waiting_since: Timestamp,
    /// What ends it.
    #[serde(default, skip_serializing_if = "is_signal")]
    pub kind: WaitKind,
    /// Where the answer goes in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When the handler goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// The child executions whose end lets the handler go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaits: Vec<ExecutionId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_signal(kind: &WaitKind) -> bool {
    *kind == WaitKind::Signal
}

impl WaitContext {
    /// Makes the context of a pause that is entered now.
    #[must_use]
    pub fn of(pause: Suspension, now: Timestamp) -> Self {
        let Suspension { kind, signal, path, since, wake_at, awaits, intents: _ } = pause;
        Self {
            reason: signal.reason,
            expected_resume_by: signal.expected_resume_by,
            wait_data: signal.wait_data,
            waiting_since: since.unwrap_or(now),
            kind,
            path,
            wake_at,
            awaits,
        }
    }

    /// Returns whether the handler goes on by itself at `now`.
    #[must_use]
    pub fn wakes(&self, now: Timestamp) -> bool {
        self.wake_at.is_some_and(|at| at <= now)
    }
}
