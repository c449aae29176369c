//! The definition of a flow: name, handler, limits and schemas.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::FlowContext;
use super::error::FlowError;
use super::wait::WaitSignal;
use crate::cost::BudgetLimit;
use crate::id::FlowName;
use crate::time::millis;

/// The code of a flow.
///
/// # Contract
/// The future MAY be dropped at any await: on timeout, cancel and shutdown.
/// It runs again from the top after a retry, a resume or a crash; what must
/// not happen twice goes into [`FlowContext::step`].
#[async_trait]
pub trait FlowHandler: Send + Sync {
    /// Runs the flow once.
    async fn run(&self, ctx: FlowContext) -> Result<FlowOutcome, FlowError>;
}

#[async_trait]
impl<F, Fut> FlowHandler for F
where
    F: Fn(FlowContext) -> Fut + Send + Sync,
    Fut: Future<Output = Result<FlowOutcome, FlowError>> + Send,
{
    async fn run(&self, ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
        self(ctx).await
    }
}

/// How one run of a handler ended.
#[derive(Debug, Clone, PartialEq)]
pub enum FlowOutcome {
    /// The flow has its result.
    Complete(Value),
    /// The flow pauses until somebody resumes it.
    Wait(WaitSignal),
}

/// The limits of a flow's executions, as `GET /flows` shows them in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowConfig {
    /// The limit of active time (running and retrying); zero is none.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// How many retries follow a retryable failure.
    pub max_retries: u32,
    /// The delay before the first retry.
    #[serde(with = "millis")]
    pub base_retry_delay: Duration,
    /// The longest delay before a retry, jitter aside.
    #[serde(with = "millis")]
    pub max_retry_delay: Duration,
    /// The limit of one wait; zero is none.
    #[serde(with = "millis")]
    pub wait_timeout: Duration,
    /// What to do when the flow asks something else than when it ran before.
    #[serde(default, skip_serializing_if = "Divergence::is_fail")]
    pub on_divergence: Divergence,
}

/// What to do when the flow asks something else at a place of the journal than
/// when it ran before: its code, its YAML or its prompts have changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Divergence {
    /// The execution fails with `JOURNAL_DIVERGED`, which names the place and both hashes.
    #[default]
    Fail,
    /// What has changed runs again, and its new result is remembered instead.
    Rerun,
}

impl Divergence {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_fail(&self) -> bool {
        *self == Self::Fail
    }
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_retries: 3,
            base_retry_delay: Duration::from_secs(1),
            max_retry_delay: Duration::from_secs(30),
            wait_timeout: Duration::ZERO,
            on_divergence: Divergence::Fail,
        }
    }
}

/// A flow ready to be registered.
#[derive(Clone)]
pub struct Flow {
    /// The code.
    pub handler: Arc<dyn FlowHandler>,
    /// Everything else.
    pub info: FlowInfo,
}

/// Everything about a flow but its code.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowInfo {
    /// The name.
    pub name: FlowName,
    /// The limits.
    pub config: FlowConfig,
    /// What the flow does, for people and models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema that every input is checked against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// The JSON Schema of the result, for information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// How much all of its executions may spend, in place of what holds for every flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetLimit>,
}

impl Flow {
    /// Makes a flow of a handler that sees and gives plain JSON.
    ///
    /// ```
    /// use runcor_core::{Flow, FlowContext, FlowName, FlowOutcome};
    ///
    /// let flow = Flow::new(FlowName::new("echo")?, async |ctx: FlowContext| {
    ///     Ok(FlowOutcome::Complete(ctx.input().clone()))
    /// });
    /// # let _ = flow;
    /// # Ok::<(), runcor_core::InvalidId>(())
    /// ```
    #[must_use]
    pub fn new(name: FlowName, handler: impl FlowHandler + 'static) -> Self {
        Self::from_arc(name, Arc::new(handler))
    }

    /// Makes a flow of a shared handler.
    #[must_use]
    pub fn from_arc(name: FlowName, handler: Arc<dyn FlowHandler>) -> Self {
        Self {
            handler,
            info: FlowInfo {
                name,
                config: FlowConfig::default(),
                description: None,
                input_schema: None,
                output_schema: None,
                budget: None,
            },
        }
    }

    /// Sets all limits at once.
    #[must_use]
    pub fn with_config(mut self, config: FlowConfig) -> Self {
        self.info.config = config;
        self
    }

    /// Sets the limit of active time; zero is none.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.info.config.timeout = timeout;
        self
    }

    /// Sets how many retries follow a retryable failure.
    #[must_use]
    pub fn with_max_retries(mut self, retries: u32) -> Self {
        self.info.config.max_retries = retries;
        self
    }

    /// Sets the delays before the first and before any retry.
    #[must_use]
    pub fn with_retry_delays(mut self, base: Duration, max: Duration) -> Self {
        self.info.config.base_retry_delay = base;
        self.info.config.max_retry_delay = max;
        self
    }

    /// Sets the limit of one wait; zero is none.
    #[must_use]
    pub fn with_wait_timeout(mut self, timeout: Duration) -> Self {
        self.info.config.wait_timeout = timeout;
        self
    }

    /// Says what to do when the flow asks something else than when it ran before.
    #[must_use]
    pub fn with_on_divergence(mut self, divergence: Divergence) -> Self {
        self.info.config.on_divergence = divergence;
        self
    }

    /// Says what the flow does.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<String>) -> Self {
        self.info.description = Some(text.into());
        self
    }

    /// Limits what all of its executions may spend, in place of what holds for every flow.
    #[must_use]
    pub fn with_budget(mut self, budget: BudgetLimit) -> Self {
        self.info.budget = Some(budget);
        self
    }

    /// Sets the JSON Schema that every input is checked against.
    #[must_use]
    pub fn with_input_schema(mut self, schema: Value) -> Self {
        self.info.input_schema = Some(schema);
        self
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("info", &self.info).finish_non_exhaustive()
    }
}
