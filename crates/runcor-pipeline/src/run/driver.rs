//! The driver: runs what the planner says on a flow context.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{
    Error, ErrorCode, Flow, FlowContext, FlowError, FlowHandler, FlowOutcome, Retry, Step,
};
use serde_json::{Value, json};

use super::agent;
use super::attempt::{pause, within};
use super::plan::{Command, plan};
use super::record::StepRecord;
use super::state::RunState;
use crate::spec::{Action, Call, PipelineSpec, StepSpec, Target};
use crate::webhook::{self, SafeHttp};

/// Makes a runnable flow of a specification; `http` sends its webhooks.
///
/// Each step runs through the flow's journal: its result is durable before the
/// next one begins, and a finished step never runs again, whatever crashes, is
/// retried or resumed. The result of the flow is the output of the last step
/// that finished and is no condition, else that of the last condition, else the input.
///
/// ```
/// use runcor_pipeline::{FlowFile, SafeHttp, WebhookPolicy, pipeline_flow};
///
/// let spec = FlowFile::parse("name: nothing\nsteps: []\n", "nothing.yaml")?;
/// let flow = pipeline_flow(spec, &SafeHttp::new(WebhookPolicy::default())?);
/// assert_eq!(flow.info.name.as_str(), "nothing");
/// # Ok::<(), runcor_pipeline::Error>(())
/// ```
#[must_use]
pub fn pipeline_flow(spec: PipelineSpec, http: &SafeHttp) -> Flow {
    let (name, limits) = (spec.name.clone(), spec.limits);
    let (description, input_schema) = (spec.description.clone(), spec.input_schema.clone());
    let handler = Pipeline { spec, http: http.clone() };
    let mut flow = Flow::from_arc(name, Arc::new(handler)).with_config(limits);
    flow.info.description = description;
    flow.info.input_schema = input_schema;
    flow
}

/// The handler of a flow that is data.
struct Pipeline {
    spec: PipelineSpec,
    http: SafeHttp,
}

#[async_trait]
impl FlowHandler for Pipeline {
    async fn run(&self, ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
        let mut state = RunState::new(ctx.spec());
        loop {
            match plan(&self.spec.steps, &state) {
                Command::Run(step) => {
                    let record = self.step(&ctx, step, &state).await?;
                    state.complete(step, record);
                }
                Command::Skip(rest) => state.skip(rest),
                Command::Finish(result) => return Ok(FlowOutcome::Complete(result)),
            }
        }
    }
}

impl Pipeline {
    async fn step(
        &self,
        ctx: &FlowContext,
        step: &StepSpec,
        state: &RunState,
    ) -> Result<StepRecord, FlowError> {
        let work = |journaled| self.work(ctx, step, state.document(), journaled);
        ctx.step_with(&step.name, work).await.map_err(|error| named(&step.name, error))
    }

    async fn work(
        &self,
        ctx: &FlowContext,
        step: &StepSpec,
        document: &Value,
        journaled: Step,
    ) -> Result<StepRecord, FlowError> {
        match &step.action {
            Action::Condition(when) => {
                Ok(StepRecord::plain(json!({ "result": when.holds(document) })))
            }
            Action::Call(call) => {
                let input = match &call.input {
                    Some(mapping) => mapping.resolve(document).unwrap_or_default(),
                    None => document["input"].clone(),
                };
                Box::pin(self.call(ctx, call, &input, &journaled)).await
            }
        }
    }

    /// Tries until an attempt succeeds or another one makes no sense.
    async fn call(
        &self,
        ctx: &FlowContext,
        call: &Call,
        input: &Value,
        journaled: &Step,
    ) -> Result<StepRecord, FlowError> {
        let key = &journaled.idempotency_key;
        let mut retry = 0;
        loop {
            let error = match self.attempt(ctx, call, input, key).await {
                Ok(record) => return Ok(record),
                Err(error) => error,
            };
            match pause(&error, retry, call.retries, &self.spec.limits, key) {
                Some(delay) => {
                    tracing::debug!(step = journaled.path, retry, ?delay, "a step is tried again");
                    ctx.clock().sleep(delay).await;
                }
                None => return Err(error),
            }
            retry += 1;
        }
    }

    async fn attempt(
        &self,
        ctx: &FlowContext,
        call: &Call,
        input: &Value,
        key: &str,
    ) -> Result<StepRecord, FlowError> {
        match &call.target {
            Target::Agent(agent) => {
                let model = self.spec.model.as_deref();
                let answer = agent::ask(ctx.model(), agent, model, input);
                within(ctx.clock(), call.timeout, ErrorCode::StepFailed, answer).await
            }
            Target::Webhook(webhook) => {
                let post = webhook::post(&self.http, webhook, input, key, ctx.clock());
                let output =
                    within(ctx.clock(), call.timeout, ErrorCode::WebhookFailed, post).await?;
                Ok(StepRecord::plain(output))
            }
        }
    }
}

/// Names the step that failed; a failure without a code of its own gets `STEP_FAILED`.
fn named(step: &str, error: FlowError) -> FlowError {
    let error = match error.into_wait_signal() {
        Ok(signal) => return FlowError::suspended(signal),
        Err(failure) => failure,
    };
    if error.code().is_some() {
        return error.context(format_args!("step '{step}'"));
    }
    let failed = Error::new(ErrorCode::StepFailed, format!("step '{step}': {}", error.message()));
    match error.retry() {
        Retry::Never => failed.into(),
        Retry::After(delay) => failed.retryable(delay).into(),
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("flow", &self.spec.name).finish_non_exhaustive()
    }
}
