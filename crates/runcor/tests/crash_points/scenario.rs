//! The scenarios: flows, how they are begun, and how they are helped to their end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use runcor::execution::{Decision, Execution, ExecutionState};
use runcor::flow::{Approval, FlowContext, FlowError, FlowOutcome, WaitKind, WaitSignal};
use runcor::model::ModelRequest;
use runcor::pipeline::{FlowFile, SafeHttp, WebhookPolicy, pipeline_flow};
use runcor::{Flow, Runcor, Runtime};
use serde_json::{Value, json};

use crate::effects::Effects;

/// What a trial is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Steps,
    Agent,
    Pipeline,
    Wait,
    Timer,
    Calls,
    AtMostOnce,
    /// Money, memory and a rate limit.
    Governed,
}

impl Scenario {
    pub(crate) const ALL: [Self; 8] = [
        Self::Steps,
        Self::Agent,
        Self::Pipeline,
        Self::Wait,
        Self::Timer,
        Self::Calls,
        Self::AtMostOnce,
        Self::Governed,
    ];

    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Registers the flow `main` and whatever it calls.
    pub(crate) fn register(self, runtime: &Runcor, effects: &Arc<Effects>, dir: &Path, port: u16) {
        let effects = Arc::clone(effects);
        match self {
            Self::Steps => flow(runtime, "main", move |ctx| steps(ctx, Arc::clone(&effects))),
            Self::Agent => flow(runtime, "main", agent),
            Self::Pipeline => pipeline(runtime, dir, port),
            Self::Wait => flow(runtime, "main", move |ctx| wait(ctx, Arc::clone(&effects))),
            Self::Timer => flow(runtime, "main", move |ctx| timer(ctx, Arc::clone(&effects))),
            Self::Calls => {
                flow(runtime, "child", move |ctx| child(ctx, Arc::clone(&effects)));
                flow(runtime, "main", caller);
            }
            Self::AtMostOnce => flow(runtime, "main", move |ctx| pay(ctx, Arc::clone(&effects))),
            Self::Governed => flow(runtime, "main", governed),
        }
    }

    /// The result that every execution of `main` has in the end.
    pub(crate) fn result(self) -> Value {
        match self {
            Self::Steps => json!([1, 2, 3]),
            Self::Agent => json!("done"),
            Self::Pipeline => json!({ "ok": true }),
            Self::Wait => json!(["yes", true]),
            Self::Timer => json!("awake"),
            Self::Calls => json!([0, 1, 2]),
            Self::AtMostOnce => json!("paid"),
            Self::Governed => json!("counted"),
        }
    }

    /// Does what people do for a waiting execution.
    pub(crate) async fn help(self, runtime: &Runcor, waiting: &Execution, effects: &Effects) {
        let Some(wait) = &waiting.status.wait else { return };
        let id = waiting.id();
        // Somebody else may be faster; the next look tells.
        match wait.kind {
            WaitKind::Signal => drop(runtime.resume(id, Some(json!("yes"))).await),
            WaitKind::Approval => {
                let data = wait.wait_data.clone().unwrap_or_default();
                let token = data["approval"]["token"].as_str().unwrap_or_default().to_owned();
                let approve = Decision::Approve { token, by: None, note: None };
                drop(runtime.decide(id, approve).await);
            }
            WaitKind::Decision => {
                let path = wait.path.clone().unwrap_or_default();
                let happened = effects.counts().contains_key(&format!("{id}:{path}"));
                let decision = if happened {
                    Decision::Happened { result: json!("paid") }
                } else {
                    Decision::DidNotHappen
                };
                drop(runtime.decide(id, decision).await);
            }
            _ => {}
        }
    }

    /// Lets an execution come to its end and returns it.
    pub(crate) async fn see_through(
        self,
        runtime: &Runcor,
        id: runcor::execution::ExecutionId,
        effects: &Effects,
    ) -> Execution {
        loop {
            let execution = runtime.execution(id).await.unwrap();
            match execution.state() {
                state if state.is_terminal() => return execution,
                ExecutionState::Waiting => self.help(runtime, &execution, effects).await,
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn flow<F, Fut>(runtime: &Runcor, name: &str, handler: F)
where
    F: Fn(FlowContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<FlowOutcome, FlowError>> + Send + 'static,
{
    let flow = Flow::new(name.parse().unwrap(), handler)
        .with_max_retries(10)
        .with_retry_delays(Duration::from_millis(1), Duration::from_millis(5));
    runtime.register(flow).unwrap();
}

/// A step that is seen from outside.
async fn effect<T>(
    ctx: &FlowContext,
    name: &str,
    effects: &Effects,
    result: T,
) -> Result<T, FlowError>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let effects = effects.clone();
    ctx.step_with(name, |step| async move {
        effects.note(&step.idempotency_key);
        tokio::task::yield_now().await;
        Ok(result)
    })
    .await
}

async fn steps(ctx: FlowContext, effects: Arc<Effects>) -> Result<FlowOutcome, FlowError> {
    let mut results = Vec::new();
    for n in 1..=3 {
        results.push(effect(&ctx, "work", &effects, n).await?);
    }
    Ok(FlowOutcome::Complete(json!(results)))
}

/// Asks a model, calls a tool, and asks again, as an agent does; the last answer is streamed.
async fn agent(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let id = ctx.execution_id();
    let mut seen = Value::Null;
    for turn in 1..=2 {
        let prompt = format!("{id}:model#{turn} saw {seen}");
        let answer = ctx.model().complete(ModelRequest::prompt(prompt)).await?;
        seen = ctx.tools().call("look", json!({ "for": answer.text })).await?;
    }
    let prompt = format!("{id}:model#3 saw {seen}");
    let mut pieces = ctx.model().stream(ModelRequest::prompt(prompt)).await?;
    while let Some(piece) = pieces.next().await {
        piece?;
    }
    Ok(FlowOutcome::Complete(json!("done")))
}

fn pipeline(runtime: &Runcor, dir: &Path, port: u16) {
    let url = format!("http://127.0.0.1:{port}{}", dir.display());
    let text = format!(
        "name: main\nsteps:\n\
         - {{ name: first, kind: webhook, url: \"{url}\" }}\n\
         - {{ name: think, kind: agent, input: \"$.run.id\" }}\n\
         - {{ name: last, kind: webhook, url: \"{url}\" }}\n"
    );
    let spec = FlowFile::parse(&text, "main.yaml").unwrap_or_else(|error| panic!("{error}"));
    let policy = WebhookPolicy { allow_private: true, ..WebhookPolicy::default() };
    runtime.register(pipeline_flow(spec, &SafeHttp::new(policy).unwrap())).unwrap();
}

async fn wait(ctx: FlowContext, effects: Arc<Effects>) -> Result<FlowOutcome, FlowError> {
    effect(&ctx, "before", &effects, ()).await?;
    let answer = ctx.wait_for(WaitSignal::new("?")).await?;
    effect(&ctx, "between", &effects, ()).await?;
    let approved = ctx.approval(Approval::of("go on", &answer)).await?.approved;
    effect(&ctx, "after", &effects, ()).await?;
    Ok(FlowOutcome::Complete(json!([answer, approved])))
}

async fn timer(ctx: FlowContext, effects: Arc<Effects>) -> Result<FlowOutcome, FlowError> {
    effect(&ctx, "before", &effects, ()).await?;
    ctx.sleep(Duration::from_millis(15)).await?;
    effect(&ctx, "after", &effects, ()).await?;
    if ctx.retry_count() == 0 {
        return Err(FlowError::retryable("once more"));
    }
    effect(&ctx, "last", &effects, ()).await?;
    Ok(FlowOutcome::Complete(json!("awake")))
}

async fn caller(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let calls = (0..3).map(|n| {
        let ctx = ctx.clone();
        async move { ctx.call("child", n).await }
    });
    Ok(FlowOutcome::Complete(json!(ctx.join("calls", calls).await?)))
}

async fn child(ctx: FlowContext, effects: Arc<Effects>) -> Result<FlowOutcome, FlowError> {
    let result = effect(&ctx, "work", &effects, ctx.input().clone()).await?;
    Ok(FlowOutcome::Complete(result))
}

async fn pay(ctx: FlowContext, effects: Arc<Effects>) -> Result<FlowOutcome, FlowError> {
    let paid: String = ctx
        .describe_step("charge")
        .non_idempotent()
        .run(|step| async move {
            effects.note(&step.idempotency_key);
            tokio::task::yield_now().await;
            Ok("paid".to_owned())
        })
        .await?;
    Ok(FlowOutcome::Complete(json!(paid)))
}

/// Asks twice under budgets, counts itself twice over, and keeps a note of its own.
async fn governed(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let id = ctx.execution_id();
    let add = |old: Option<Value>| Some(json!(old.and_then(|n| n.as_i64()).unwrap_or(0) + 1));
    for turn in 1..=2 {
        let prompt = format!("{id}:model#{turn} and a question");
        ctx.model().complete(ModelRequest::prompt(prompt).with_max_tokens(10)).await?;
        ctx.memory().session().set("turn", turn).await?;
    }
    ctx.memory().tool().update("count", add).await?;
    let inner = ctx.clone();
    ctx.step("in a step", async move {
        inner.memory().tool().update("count in steps", add).await?;
        Ok(())
    })
    .await?;
    Ok(FlowOutcome::Complete(json!("counted")))
}
