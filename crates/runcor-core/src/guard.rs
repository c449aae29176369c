//! Guardrails: what may go into and come out of flows, models and tools.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cost::Caller;
use crate::error::Result;
use crate::execution::ExecutionSpec;
use crate::id::{ExecutionId, FlowName};

/// Where content is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum GuardPhase {
    /// The input of a flow, in each of its runs.
    Input,
    /// The result of a flow.
    Output,
    /// What a model is asked.
    ModelRequest,
    /// What a model answers.
    ModelResponse,
    /// What a tool is given.
    ToolArguments,
    /// What a tool gives.
    ToolResult,
}

impl GuardPhase {
    /// Every phase.
    pub const ALL: [Self; 6] = [
        Self::Input,
        Self::Output,
        Self::ModelRequest,
        Self::ModelResponse,
        Self::ToolArguments,
        Self::ToolResult,
    ];

    /// Returns the phase as configurations and events name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::ModelRequest => "modelRequest",
            Self::ModelResponse => "modelResponse",
            Self::ToolArguments => "toolArguments",
            Self::ToolResult => "toolResult",
        }
    }
}

/// Whose content is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardScope {
    /// The execution.
    pub execution: ExecutionId,
    /// Its flow.
    pub flow: FlowName,
    /// On whose behalf it runs.
    pub caller: Caller,
}

impl GuardScope {
    /// Returns the scope of an execution's content.
    #[must_use]
    pub fn of(spec: &ExecutionSpec) -> Self {
        Self { execution: spec.id, flow: spec.flow.clone(), caller: Caller::of(spec) }
    }
}

/// Looks at content; `runcor-policy` implements it, the engine and the flow context ask it.
///
/// Content is any JSON value: a text alone, or texts anywhere in lists and objects.
#[async_trait]
pub trait Guard: fmt::Debug + Send + Sync {
    /// Returns whether anything looks at this content, so that others spare themselves the work.
    fn watches(&self, phase: GuardPhase, scope: &GuardScope) -> bool;

    /// Returns the content as it may go on.
    ///
    /// # Errors
    /// `GUARDRAIL_BLOCKED`.
    async fn check(&self, phase: GuardPhase, content: Value, scope: &GuardScope) -> Result<Value>;

    /// Begins to look at an answer that comes in pieces; `None` where nothing
    /// in particular does, and [`check`](Self::check) at the end is enough.
    fn stream(&self, scope: &GuardScope) -> Option<Box<dyn StreamGuard>>;
}

/// Looks at one answer that comes in pieces.
///
/// It holds back what may still become part of something that must not go on,
/// and never more than its bound. What it has let go on is out: what can only
/// be judged whole comes last, and can do no more than fail the call.
#[async_trait]
pub trait StreamGuard: Send {
    /// Takes more text and returns what may go on by now.
    ///
    /// # Errors
    /// `GUARDRAIL_BLOCKED`; the answer ends there.
    fn push(&mut self, text: &str) -> Result<String>;

    /// Returns what was held back, once there is no more text.
    ///
    /// # Errors
    /// `GUARDRAIL_BLOCKED`.
    async fn finish(&mut self) -> Result<String>;

    /// Returns the whole answer as it may go on: its text as it was let go on, and the rest of it.
    ///
    /// Whoever looked at the text while it came does not look at it again.
    ///
    /// # Errors
    /// `GUARDRAIL_BLOCKED`.
    async fn close(&mut self, answer: Value) -> Result<Value>;
}

/// A guard that looks at nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuard;

#[async_trait]
impl Guard for NoGuard {
    fn watches(&self, _: GuardPhase, _: &GuardScope) -> bool {
        false
    }

    async fn check(&self, _: GuardPhase, content: Value, _: &GuardScope) -> Result<Value> {
        Ok(content)
    }

    fn stream(&self, _: &GuardScope) -> Option<Box<dyn StreamGuard>> {
        None
    }
}
