//! A flow as data: what a flow file says, checked and parsed.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use runcor_core::{BudgetLimit, FlowConfig, FlowName, Strategy};
use serde_json::Value;
use url::Url;

use crate::expression::{Condition, Mapping};

/// A flow that was read from its file without mistakes.
///
/// It is made by [`FlowFile::parse`](crate::FlowFile::parse) and becomes a
/// runnable flow by [`pipeline_flow`](crate::pipeline_flow).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PipelineSpec {
    /// The name under which the flow is registered.
    pub name: FlowName,
    /// What the flow does.
    pub description: Option<String>,
    /// The model of agent steps that name none.
    pub model: Option<String>,
    /// The JSON Schema that every input is checked against.
    pub input_schema: Option<Value>,
    /// The limits of the flow; the timeout is off unless the file sets one,
    /// because each step has its own.
    pub limits: FlowConfig,
    /// What all of its executions may spend.
    pub budget: Option<BudgetLimit>,
    /// The steps in their order.
    pub steps: Vec<StepSpec>,
}

/// One step of a flow.
#[derive(Debug, Clone)]
pub struct StepSpec {
    pub(crate) name: String,
    pub(crate) action: Action,
}

impl StepSpec {
    /// Returns the name, unique in its flow.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the kind as flow files write it, such as `agent` or `wait`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.action {
            Action::Condition(_) => "condition",
            Action::Ask(ask) => match ask.target {
                Target::Agent(_) => "agent",
                Target::Webhook(_) => "webhook",
            },
            Action::Wait(_) => "wait",
            Action::Sleep(_) => "sleep",
            Action::Approval(_) => "approval",
            Action::Call(_) => "call",
            Action::Memory(_) => "memory",
            Action::Parallel(_) => "parallel",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Decides in memory whether the rest runs.
    Condition(Condition),
    /// Asks somebody outside.
    Ask(Box<Ask>),
    /// Waits for somebody's resume.
    Wait(WaitSpec),
    /// Waits for an instant.
    Sleep(SleepSpec),
    /// Waits for somebody's approval.
    Approval(ApprovalSpec),
    /// Runs another flow.
    Call(CallSpec),
    /// Looks into a memory or changes it.
    Memory(Box<MemorySpec>),
    /// Runs branches of steps side by side.
    Parallel(ParallelSpec),
}

/// A step that asks somebody outside, and how patiently.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The input; the flow's own input when absent.
    pub(crate) input: Option<Mapping>,
    /// How many retries follow a failure that may pass, within the step.
    pub(crate) retries: u32,
    /// The limit of one attempt.
    pub(crate) timeout: Duration,
    pub(crate) target: Target,
}

#[derive(Debug, Clone)]
pub(crate) enum Target {
    Agent(AgentSpec),
    Webhook(WebhookSpec),
}

/// A wait for somebody's resume.
#[derive(Debug, Clone)]
pub(crate) struct WaitSpec {
    pub(crate) reason: Option<String>,
    /// What is shown to whoever resumes.
    pub(crate) data: Option<Mapping>,
    pub(crate) timeout: Option<Duration>,
}

/// A wait for an instant.
#[derive(Debug, Clone)]
pub(crate) enum SleepSpec {
    For(Duration),
    Until(Mapping),
}

/// A wait for somebody's approval.
#[derive(Debug, Clone)]
pub(crate) struct ApprovalSpec {
    pub(crate) action: String,
    /// What exactly is approved.
    pub(crate) subject: Mapping,
    pub(crate) within: Option<Duration>,
    pub(crate) on_reject: OnReject,
}

/// What a rejection does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OnReject {
    /// The execution fails.
    #[default]
    Fail,
    /// The next step runs, and sees the rejection.
    Continue,
    /// The later steps are skipped.
    Stop,
}

/// A run of another flow.
#[derive(Debug, Clone)]
pub(crate) struct CallSpec {
    pub(crate) flow: FlowName,
    /// The input; the flow's own input when absent.
    pub(crate) input: Option<Mapping>,
}

/// Branches of steps that run side by side.
#[derive(Debug, Clone)]
pub(crate) struct ParallelSpec {
    /// How many branches are under way at once.
    pub(crate) at_once: usize,
    pub(crate) branches: Branches,
}

#[derive(Debug, Clone)]
pub(crate) enum Branches {
    /// Other steps in each branch.
    Named(Vec<(String, Vec<StepSpec>)>),
    /// The same steps for every item.
    Each { items: Mapping, steps: Vec<StepSpec> },
}

/// A model that is asked.
#[derive(Debug, Clone)]
pub(crate) struct AgentSpec {
    pub(crate) preamble: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) output_schema: Option<Value>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
    pub(crate) provider: Option<String>,
    pub(crate) strategy: Option<Strategy>,
}

/// A look into a memory, or a change of it.
#[derive(Debug, Clone)]
pub(crate) struct MemorySpec {
    pub(crate) scope: MemoryScope,
    pub(crate) key: Mapping,
    pub(crate) act: MemoryAct,
}

/// Whose memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryScope {
    Tool,
    User,
    Session,
}

impl MemoryScope {
    /// Returns the scope as flow files write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::User => "user",
            Self::Session => "session",
        }
    }
}

/// What is done in a memory.
#[derive(Debug, Clone)]
pub(crate) enum MemoryAct {
    Get,
    Set {
        value: Mapping,
        ttl: Option<Duration>,
    },
    Delete,
    List,
    /// Adds a number; 1 when absent.
    Add(Option<Mapping>),
    /// Appends to a list, of which the last `keep` items stay.
    Append {
        value: Mapping,
        keep: Option<usize>,
    },
}

/// An address that is posted to; both the path and the headers may hold secrets.
#[derive(Clone)]
pub(crate) struct WebhookSpec {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Whether it must not be sent twice.
    pub(crate) non_idempotent: bool,
}

impl fmt::Debug for WebhookSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSpec")
            .field("host", &self.url.host_str())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("non_idempotent", &self.non_idempotent)
            .finish_non_exhaustive()
    }
}
