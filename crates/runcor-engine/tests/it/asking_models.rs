//! Model and tool calls: answered once for every execution, and never paid twice.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use runcor_core::{
    Error, ErrorCode, ExecutionState, FlowContext, FlowOutcome, JournalKind, ModelChunk,
    ModelRequest, ModelResponse, ModelService, ModelStream, Money, Runtime, ToolInfo, ToolProvider,
    ToolRequest, Usage, WaitKind, WaitSignal,
};
use runcor_engine::EngineParts;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, code, eventually, on_every_store};

on_every_store!(
    an_answered_model_call_is_not_asked_again,
    a_streamed_answer_is_remembered_once_it_was_read_to_its_end,
    a_stream_that_was_given_up_is_asked_again,
    a_model_call_that_failed_for_now_is_asked_again,
    a_prompt_that_has_changed_is_a_divergence,
    the_timeline_adds_up_what_models_cost,
    an_idempotent_tool_is_called_with_one_key_and_once,
    a_tool_that_is_not_idempotent_is_never_called_in_doubt,
    a_tool_that_does_not_exist_is_an_error,
    a_remembered_result_needs_no_provider_of_tools,
);

/// Answers `"<prompt>!"` and counts; fails as long as it is told to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Models {
    pub(crate) asked: Arc<Mutex<Vec<ModelRequest>>>,
    failures: Arc<Mutex<usize>>,
}

impl Models {
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().len()
    }

    pub(crate) async fn bed(&self, kind: Kind) -> Bed {
        let models = Arc::new(self.clone());
        Bed::of_parts(kind, |parts| EngineParts { models, ..parts }).await
    }

    fn answer(request: &ModelRequest) -> ModelResponse {
        ModelResponse {
            text: format!("{}!", request.prompt.as_deref().unwrap_or_default()),
            model: request.model.clone().unwrap_or_else(|| "small".to_owned()),
            provider: "fake".to_owned(),
            usage: Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() },
            cost: Some(Money::from_nanos(1_000)),
            ..ModelResponse::default()
        }
    }
}

#[async_trait]
impl ModelService for Models {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        let answer = Self::answer(&request);
        self.asked.lock().push(request);
        tokio::task::yield_now().await;
        let mut failures = self.failures.lock();
        if *failures > 0 {
            *failures -= 1;
            return Err(Error::new(ErrorCode::ProviderError, "overloaded").retryable(None));
        }
        Ok(answer)
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error> {
        let response = Box::new(self.complete(request).await?);
        let text = ModelChunk::TextDelta { text: response.text.clone() };
        let pieces = [Ok(text), Ok(ModelChunk::Finished { response })];
        Ok(Box::pin(stream::iter(pieces)))
    }
}

async fn ask(ctx: &FlowContext, prompt: &str) -> Result<String, runcor_core::FlowError> {
    Ok(ctx.model().complete(ModelRequest::prompt(prompt)).await?.text)
}

/// Runs a flow to its wait, resumes it, and returns its end.
async fn twice(bed: &Bed) -> runcor_core::Execution {
    let id = bed.trigger("flow", "k").await.id();
    bed.until_state(id, ExecutionState::Waiting).await;
    bed.engine.resume(id, None).await.unwrap();
    bed.ended(id).await
}

async fn an_answered_model_call_is_not_asked_again(kind: Kind) {
    let models = Models::default();
    let bed = models.bed(kind).await;
    bed.register("flow", async |ctx: FlowContext| {
        let first = ask(&ctx, "one").await?;
        let second = ask(&ctx, "two").await?;
        ctx.wait_for(WaitSignal::default()).await?;
        let third = ask(&ctx, "three").await?;
        Ok(FlowOutcome::Complete(json!([first, second, third])))
    });
    let ended = twice(&bed).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["one!", "two!", "three!"])));
    assert_eq!(models.count(), 3);
    let journal = bed.store.journal(ended.id()).await.unwrap();
    let calls: Vec<_> = journal
        .iter()
        .filter(|entry| entry.kind == JournalKind::Model)
        .map(|entry| (entry.path.as_str(), entry.request.is_some(), entry.attempts))
        .collect();
    assert_eq!(calls, [("model#1", true, 1), ("model#2", true, 1), ("model#3", true, 1)]);
}

async fn read(ctx: &FlowContext) -> Result<(String, String), runcor_core::FlowError> {
    let mut pieces = ctx.model().stream(ModelRequest::prompt("go")).await?;
    let (mut text, mut whole) = (String::new(), String::new());
    while let Some(piece) = pieces.next().await {
        match piece? {
            ModelChunk::TextDelta { text: more } => text.push_str(&more),
            ModelChunk::Finished { response } => whole = response.text,
            ModelChunk::ToolCall { .. } => {}
        }
    }
    Ok((text, whole))
}

async fn a_streamed_answer_is_remembered_once_it_was_read_to_its_end(kind: Kind) {
    let models = Models::default();
    let bed = models.bed(kind).await;
    bed.register("flow", async |ctx: FlowContext| {
        let told = read(&ctx).await?;
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(FlowOutcome::Complete(json!(told)))
    });
    let ended = twice(&bed).await;
    assert_eq!(ended.status.result.as_deref(), Some(&json!(["go!", "go!"])));
    assert_eq!(models.count(), 1);
}

async fn a_stream_that_was_given_up_is_asked_again(kind: Kind) {
    let models = Models::default();
    let bed = models.bed(kind).await;
    bed.register("flow", async |ctx: FlowContext| {
        let mut pieces = ctx.model().stream(ModelRequest::prompt("go")).await?;
        let first = pieces.next().await.is_some();
        drop(pieces);
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(FlowOutcome::Complete(json!(first)))
    });
    twice(&bed).await;
    assert_eq!(models.count(), 2);
}

async fn a_model_call_that_failed_for_now_is_asked_again(kind: Kind) {
    let models = Models::default();
    *models.failures.lock() = 1;
    let bed = models.bed(kind).await;
    bed.register("flow", async |ctx: FlowContext| {
        let first = ask(&ctx, "one").await?;
        Ok(FlowOutcome::Complete(json!(first)))
    });
    let id = bed.trigger("flow", "k").await.id();
    bed.until_retry(id, 1).await;
    bed.advance(Duration::from_secs(5)).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("one!")));
    let timeline = bed.engine.timeline(id).await.unwrap();
    assert_eq!((timeline.entries.len(), timeline.entries[0].attempts), (1, 2));
}

async fn a_prompt_that_has_changed_is_a_divergence(kind: Kind) {
    let models = Models::default();
    let bed = models.bed(kind).await;
    let runs = Arc::new(Mutex::new(0));
    bed.register("flow", move |ctx: FlowContext| {
        *runs.lock() += 1;
        let prompt = format!("version {}", runs.lock());
        async move {
            ask(&ctx, &prompt).await?;
            ctx.wait_for(WaitSignal::default()).await?;
            Ok(FlowOutcome::Complete(Value::Null))
        }
    });
    let ended = twice(&bed).await;
    assert_eq!(code(&ended), "JOURNAL_DIVERGED");
    assert_eq!(models.count(), 1);
}

async fn the_timeline_adds_up_what_models_cost(kind: Kind) {
    let bed = Models::default().bed(kind).await;
    bed.register("flow", async |ctx: FlowContext| {
        for prompt in ["one", "two", "three"] {
            ask(&ctx, prompt).await?;
        }
        Ok(FlowOutcome::Complete(Value::Null))
    });
    let id = bed.trigger("flow", "k").await.id();
    bed.ended(id).await;
    let total = bed.engine.timeline(id).await.unwrap().total;
    assert_eq!((total.calls, total.prompt_tokens, total.completion_tokens), (3, 30, 15));
    assert_eq!((total.cost, total.unpriced), (Money::from_nanos(3_000), 0));
}

/// One tool that never answers its first call, and counts.
#[derive(Debug, Clone)]
struct Toolbox {
    idempotent: bool,
    calls: Arc<Mutex<Vec<ToolRequest>>>,
    is_away: Arc<Mutex<bool>>,
}

#[async_trait]
impl ToolProvider for Toolbox {
    async fn tools(&self) -> Result<Vec<ToolInfo>, Error> {
        if *self.is_away.lock() {
            return Err(Error::new(ErrorCode::ToolFailed, "nobody answers"));
        }
        Ok(vec![ToolInfo {
            name: "pay".to_owned(),
            description: String::new(),
            input_schema: json!({}),
            idempotent: self.idempotent,
        }])
    }

    async fn call(&self, request: &ToolRequest) -> Result<Value, Error> {
        let first = {
            let mut calls = self.calls.lock();
            calls.push(request.clone());
            calls.len() == 1
        };
        tokio::task::yield_now().await;
        if first {
            return Err(Error::new(ErrorCode::ToolFailed, "the line broke").retryable(None));
        }
        Ok(request.arguments.clone())
    }
}

async fn with_tool(kind: Kind, idempotent: bool) -> (Bed, Toolbox) {
    let toolbox = Toolbox { idempotent, calls: Arc::default(), is_away: Arc::default() };
    let tools = Arc::new(toolbox.clone());
    let bed = Bed::of_parts(kind, |parts| EngineParts { tools, ..parts }).await;
    bed.register("flow", async |ctx: FlowContext| {
        let paid = ctx.tools().call("pay", json!({ "cents": 5 })).await?;
        Ok(FlowOutcome::Complete(paid))
    });
    (bed, toolbox)
}

async fn an_idempotent_tool_is_called_with_one_key_and_once(kind: Kind) {
    let (bed, toolbox) = with_tool(kind, true).await;
    let id = bed.trigger("flow", "k").await.id();
    bed.until_retry(id, 1).await;
    bed.advance(Duration::from_secs(5)).await;
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!({ "cents": 5 })));
    let calls = toolbox.calls.lock();
    let keys: Vec<_> = calls.iter().map(|call| call.idempotency_key.clone()).collect();
    assert_eq!(keys, [format!("{id}:pay#1"), format!("{id}:pay#1")]);
}

async fn a_tool_that_is_not_idempotent_is_never_called_in_doubt(kind: Kind) {
    let (bed, toolbox) = with_tool(kind, false).await;
    let id = bed.trigger("flow", "k").await.id();
    eventually(async || {
        let wait = bed.get(id).await.status.wait?;
        (wait.kind == WaitKind::Decision).then_some(())
    })
    .await;
    assert_eq!(toolbox.calls.lock().len(), 1);
}

async fn a_tool_that_does_not_exist_is_an_error(kind: Kind) {
    let (bed, _) = with_tool(kind, true).await;
    bed.register("other", async |ctx: FlowContext| {
        Ok(FlowOutcome::Complete(ctx.tools().call("fly", Value::Null).await?))
    });
    let id = bed.trigger("other", "k").await.id();
    assert_eq!(code(&bed.ended(id).await), "TOOL_NOT_FOUND");
}

async fn a_remembered_result_needs_no_provider_of_tools(kind: Kind) {
    let (bed, toolbox) = with_tool(kind, true).await;
    bed.register("other", async |ctx: FlowContext| {
        let mut paid = Vec::new();
        for cents in 1..=2 {
            paid.push(ctx.tools().call("pay", json!({ "cents": cents })).await?);
        }
        ctx.wait_for(WaitSignal::default()).await?;
        Ok(FlowOutcome::Complete(json!(paid)))
    });
    let id = bed.trigger("other", "k").await.id();
    bed.until_retry(id, 1).await;
    bed.advance(Duration::from_secs(5)).await;
    bed.until_state(id, ExecutionState::Waiting).await;
    *toolbox.is_away.lock() = true;
    bed.engine.resume(id, None).await.unwrap();
    let expected = json!([{ "cents": 1 }, { "cents": 2 }]);
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&expected));
    assert_eq!(toolbox.calls.lock().len(), 3);
}
