//! A flow as data: what a flow file says, checked and parsed.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use runcor_core::{FlowConfig, FlowName};
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

    /// Returns the kind as flow files write it: `agent`, `webhook` or `condition`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.action {
            Action::Condition(_) => "condition",
            Action::Call(call) => match call.target {
                Target::Agent(_) => "agent",
                Target::Webhook(_) => "webhook",
            },
        }
    }
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Decides in memory whether the rest runs.
    Condition(Condition),
    /// Asks somebody outside.
    Call(Box<Call>),
}

/// A step that asks somebody outside, and how patiently.
#[derive(Debug, Clone)]
pub(crate) struct Call {
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

/// A model that is asked.
#[derive(Debug, Clone)]
pub(crate) struct AgentSpec {
    pub(crate) preamble: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) output_schema: Option<Value>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
}

/// An address that is posted to; both the path and the headers may hold secrets.
#[derive(Clone)]
pub(crate) struct WebhookSpec {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
}

impl fmt::Debug for WebhookSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSpec")
            .field("host", &self.url.host_str())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
