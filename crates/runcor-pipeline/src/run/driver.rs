//! The driver: runs what the planner says on a flow context.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use runcor_core::{
    Error, ErrorCode, Flow, FlowContext, FlowError, FlowHandler, FlowOutcome, Retry,
};
use serde_json::{Value, json};

use super::plan::{Command, plan};
use super::record::StepRecord;
use super::state::RunState;
use crate::spec::{Action, PipelineSpec, StepSpec};
use crate::webhook::SafeHttp;

/// Makes a runnable flow of a specification; `http` sends its webhooks.
///
/// Each step that does something has a place of its name in the flow's journal:
/// its result is durable before the next one begins, and a finished step never
/// runs again, whatever crashes, is retried or resumed. The result of the flow
/// is the output of the last step that finished and is neither a condition nor
/// a sleep, else that of the last condition, else the input.
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
    let budget = spec.budget;
    let handler = Pipeline { spec, http: http.clone() };
    let mut flow = Flow::from_arc(name, Arc::new(handler)).with_config(limits);
    flow.info.description = description;
    flow.info.input_schema = input_schema;
    flow.info.budget = budget;
    flow
}

/// The handler of a flow that is data.
pub(crate) struct Pipeline {
    pub(crate) spec: PipelineSpec,
    pub(crate) http: SafeHttp,
}

#[async_trait]
impl FlowHandler for Pipeline {
    async fn run(&self, ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
        let run = Run { pipeline: self, ctx: &ctx };
        let state = RunState::new(ctx.spec());
        run.steps(&self.spec.steps, state).await.map(FlowOutcome::Complete)
    }
}

/// One run of a pipeline.
#[derive(Clone, Copy)]
pub(crate) struct Run<'r> {
    pub(crate) pipeline: &'r Pipeline,
    pub(crate) ctx: &'r FlowContext,
}

impl<'r> Run<'r> {
    /// Runs steps in their order and returns the result of the list.
    ///
    /// It is boxed because steps may have steps in them.
    pub(crate) fn steps(
        self,
        steps: &'r [StepSpec],
        mut state: RunState,
    ) -> Pin<Box<dyn Future<Output = Result<Value, FlowError>> + Send + 'r>> {
        Box::pin(async move {
            loop {
                match plan(steps, &state) {
                    Command::Run(step) => {
                        let done = self.step(step, state.document()).await;
                        let record = done.map_err(|error| named(&step.name, error))?;
                        state.complete(step, record);
                    }
                    Command::Skip(rest) => state.skip(rest),
                    Command::Finish(result) => return Ok(result),
                }
            }
        })
    }

    async fn step(self, step: &'r StepSpec, document: &Value) -> Result<StepRecord, FlowError> {
        match &step.action {
            // A condition is decided anew in every run: what it reads is in the journal.
            Action::Condition(when) => {
                Ok(StepRecord::plain(json!({ "result": when.holds(document) })))
            }
            Action::Ask(ask) => self.ask(&step.name, ask, document).await,
            Action::Wait(wait) => self.wait(&step.name, wait, document).await,
            Action::Sleep(sleep) => self.sleep(&step.name, sleep, document).await,
            Action::Approval(approval) => self.approval(&step.name, approval, document).await,
            Action::Call(call) => self.call(&step.name, call, document).await,
            Action::Memory(memory) => self.memory(&step.name, memory, document).await,
            Action::Parallel(parallel) => self.parallel(&step.name, parallel, document).await,
        }
    }
}

/// Names the step that failed; a failure without a code of its own gets `STEP_FAILED`.
fn named(step: &str, error: FlowError) -> FlowError {
    if error.is_suspended() {
        return error;
    }
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
