//! Policy: who may do what, how often, and what may go in and out.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cost::Caller;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Event;
use crate::id::{ExecutionId, FlowName};
use crate::rate::{RateRefusal, RateTake};
use crate::time::Timestamp;

/// What a caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Operation {
    /// Start an execution.
    Trigger,
    /// Resume one that waits, or decide what it waits for.
    Resume,
    /// Run one again, or fork it.
    Replay,
    /// List those that wait.
    ListWaiting,
    /// Cancel one.
    Cancel,
    /// Delete one.
    Delete,
    /// Read one, its journal, costs or evaluation, or a list of them.
    Read,
    /// Call a tool.
    CallTool,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 8] = [
        Self::Trigger,
        Self::Resume,
        Self::Replay,
        Self::ListWaiting,
        Self::Cancel,
        Self::Delete,
        Self::Read,
        Self::CallTool,
    ];

    /// Returns the operation as configurations and events name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Resume => "resume",
            Self::Replay => "replay",
            Self::ListWaiting => "listWaiting",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
            Self::Read => "read",
            Self::CallTool => "callTool",
        }
    }
}

/// An operation that is about to happen, for a policy to judge.
#[derive(Debug, Clone)]
pub struct PolicyRequest<'a> {
    /// The operation.
    pub operation: Operation,
    /// The flow; `None` where the operation is about all of them.
    pub flow: Option<&'a FlowName>,
    /// On whose behalf.
    pub caller: &'a Caller,
    /// The input of a trigger or of what is to run again, the arguments of a tool, else null.
    pub input: &'a Value,
    /// The execution, where there is one already.
    pub execution: Option<ExecutionId>,
    /// The trigger's own notes.
    pub metadata: Option<&'a Value>,
    /// The present instant.
    pub now: Timestamp,
}

/// An operation that may happen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Admission {
    /// The input in place of the one that was given.
    pub input: Option<Value>,
    /// What rate limits have to count in the batch that makes the operation true.
    pub takes: Vec<RateTake>,
}

/// Judges operations; `runcor-policy` implements it, and the engine asks it.
#[async_trait]
pub trait Policy: fmt::Debug + Send + Sync {
    /// Judges an operation before it happens.
    ///
    /// # Errors
    /// `ACCESS_DENIED`, `POLICY_DENIED`.
    async fn admit(&self, request: &PolicyRequest<'_>) -> Result<Admission>;

    /// Returns whether a caller may see a flow and its executions.
    fn sees_flow(&self, caller: &Caller, flow: &FlowName) -> bool {
        let _ = (caller, flow);
        true
    }

    /// Returns whether a caller may hear of an event: of flows that they may not
    /// see, nor of their executions, they hear nothing.
    fn sees_event(&self, caller: &Caller, event: &Event) -> bool {
        match event.flow_name().map(FlowName::new) {
            Some(Ok(flow)) => self.sees_flow(caller, &flow),
            Some(Err(_)) => false,
            // Whose it is, an earlier release did not say; so it is nobody's.
            None => event.execution_id().is_none(),
        }
    }

    /// Announces that a rate limit refused an operation, and makes the error of it.
    fn refused(&self, request: &PolicyRequest<'_>, refusal: &RateRefusal) -> Error {
        let _ = request;
        rate_limited(refusal)
    }
}

/// Makes the error of a rate limit; it says when to come again.
#[must_use]
pub fn rate_limited(refusal: &RateRefusal) -> Error {
    let message = format!(
        "rate limit {:?} allows {} in {} ms; try again at {}",
        refusal.key.limit,
        refusal.limit,
        refusal.window.as_millis(),
        refusal.retry_at
    );
    let details = serde_json::json!({
        "rateLimit": refusal.key.limit,
        "limit": refusal.limit,
        "windowMs": u64::try_from(refusal.window.as_millis()).unwrap_or(u64::MAX),
        "retryAt": refusal.retry_at,
    });
    Error::new(ErrorCode::RateLimited, message)
        .retryable(Some(refusal.retry_after))
        .with_details(details)
}

/// A policy that allows everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

#[async_trait]
impl Policy for AllowAll {
    async fn admit(&self, _: &PolicyRequest<'_>) -> Result<Admission> {
        Ok(Admission::default())
    }
}
