//! Model calls of a flow: answered once, and never paid twice.

use std::time::Duration;

use async_trait::async_trait;
use fail::fail_point;
use futures_util::future::join;
use futures_util::{StreamExt, stream};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::FlowContext;
use super::hash::RequestHash;
use super::journal::{JournalEntry, JournalKind, Outcome, Spend};
use super::meet::Met;
use super::step::{Step, StepBuilder};
use crate::cost::CallScope;
use crate::error::{Error, ErrorCode};
use crate::model::{
    ModelChunk, ModelRequest, ModelResponse, ModelService, ModelStream, ResponseFormat,
};

/// The name under which model calls are journaled unless they get one.
const MODEL: &str = "model";

/// The models as a flow sees them: every answer is remembered in the journal.
///
/// A call whose answer was remembered is answered from the journal, also as a
/// stream, when the handler runs again; its identity is the name and how often
/// that name was met.
#[derive(Debug, Clone)]
pub struct FlowModels {
    ctx: FlowContext,
    name: String,
    limit: Option<Duration>,
}

impl FlowContext {
    /// Returns the models.
    #[must_use]
    pub fn model(&self) -> FlowModels {
        FlowModels { ctx: self.clone(), name: MODEL.to_owned(), limit: None }
    }
}

impl FlowModels {
    /// Gives the calls a name in the journal and in the timeline.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Limits how long a whole answer may take; one that takes longer is a failure that may pass.
    ///
    /// The time that the journal takes does not count: an answer that is there
    /// is paid for, and is remembered however long that takes.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    async fn ask(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        let request = self.ctx.guarded_request(request).await?;
        let answer = self.ctx.models().complete(request);
        let answer = match self.limit {
            None => answer.await,
            Some(limit) => tokio::select! {
                biased;
                answer = answer => answer,
                () = self.ctx.clock().sleep(limit) => {
                    let message = format!("took longer than {} ms", limit.as_millis());
                    Err(Error::new(ErrorCode::StepFailed, message).retryable(None))
                }
            },
        };
        self.ctx.guarded_response(answer?).await
    }
}

impl FlowModels {
    /// Answers a request whole, or gives the answer that is remembered.
    ///
    /// # Errors
    /// As the models do, `GUARDRAIL_BLOCKED`, `BUDGET_EXCEEDED`, and
    /// `JOURNAL_DIVERGED` when something else was asked here before.
    pub async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        let step = StepBuilder::new(&self.ctx, &self.name, JournalKind::Model).request(&request);
        let ask = |step: Step| async move {
            let request = self.ctx.overridden(&step.path, request).with_scope(step.scope);
            self.ask(request).await.map_err(|error| self.ctx.pause_if_asked(error))
        };
        Ok(step.run_spending(ask, |answer| Some(Spend::of(answer))).await?)
    }

    /// Answers a request with a `T`, whose JSON Schema the model is given.
    ///
    /// # Errors
    /// As [`complete`](Self::complete), and `VALIDATION_FAILED` when the answer
    /// is no `T` even after it was asked for once more.
    pub async fn complete_as<T: DeserializeOwned + JsonSchema>(
        &self,
        request: ModelRequest,
    ) -> Result<T, Error> {
        let schema = schemars::schema_for!(T).to_value();
        let request = request.with_response_format(ResponseFormat::Schema(schema));
        typed(self.complete(request).await?)
    }

    /// Streams an answer; its last piece comes once the whole is durable.
    ///
    /// An answer that is not read to its end is not remembered.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error> {
        let hash = serde_json::to_value(&request).ok().map(|value| RequestHash::of(&value));
        let met = self.ctx.meet(&self.name, JournalKind::Model, hash).await?;
        if let Some(answer) = met.remembered()? {
            self.ctx.note_replay(met.path(), met.spend());
            return replayed(met.path(), answer);
        }
        let intent = met.intent();
        let scope = self.ctx.call_scope(met.path());
        let request = self.ctx.overridden(met.path(), request).with_scope(scope.clone());
        if self.ctx.journal().has_notes() {
            met.begin(intent.clone()).await.inspect_err(|_| met.give_back())?;
        }
        let request = self.ctx.guarded_request(request).await.inspect_err(|_| met.give_back())?;
        let (noted, asked) =
            join(met.begin(intent.clone()), self.ctx.models().stream(request)).await;
        if let Err(error) =
            noted.or_else(|error| if error.is_retryable() { Ok(()) } else { Err(error) })
        {
            met.give_back();
            return Err(error);
        }
        let pieces = asked.map_err(|error| {
            met.give_back();
            Error::from(self.ctx.pause_if_asked(error))
        })?;
        let pieces = self.ctx.guarded_stream(pieces);
        let remember = move |piece| remember(met.clone(), intent.clone(), scope.clone(), piece);
        Ok(Box::pin(pieces.then(remember)))
    }
}

/// Makes a `T` of an answer in JSON.
fn typed<T: DeserializeOwned>(answer: ModelResponse) -> Result<T, Error> {
    let value = match answer.parsed {
        Some(value) => Ok(value),
        None => serde_json::from_str(&answer.text),
    };
    value.and_then(serde_json::from_value).map_err(|error| {
        let message = format!("the model's answer is not what was asked for: {error}");
        Error::new(ErrorCode::ValidationFailed, message)
    })
}

#[async_trait]
impl ModelService for FlowModels {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        Self::complete(self, request).await
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error> {
        Self::stream(self, request).await
    }
}

/// Writes the whole answer into the journal, and pays for it, before its last piece is handed on.
async fn remember(
    met: Met,
    intent: JournalEntry,
    scope: CallScope,
    piece: Result<ModelChunk, Error>,
) -> Result<ModelChunk, Error> {
    match &piece {
        Ok(ModelChunk::Finished { response }) => {
            let value = serde_json::to_value(response).map_err(|error| {
                Error::new(ErrorCode::InternalError, format!("an answer is not JSON: {error}"))
            })?;
            fail_point!("stream.read_before_result");
            let bill = scope.pay();
            met.end_with(intent, Outcome::Done(value), Some(Spend::of(response)), bill.ops())
                .await?;
            bill.paid();
            fail_point!("stream.result_committed");
        }
        Ok(_) => {}
        Err(_) => met.give_back(),
    }
    piece
}

/// Streams a remembered answer: its text, its tool calls, its end.
fn replayed(path: &str, answer: Value) -> Result<ModelStream, Error> {
    let response: ModelResponse = serde_json::from_value(answer).map_err(|error| {
        let message = format!("the answer remembered at {path} has another shape: {error}");
        Error::new(ErrorCode::InvalidResult, message)
    })?;
    let text =
        (!response.text.is_empty()).then(|| ModelChunk::TextDelta { text: response.text.clone() });
    let calls = response.tool_calls.clone();
    let calls = calls.into_iter().map(|tool_call| ModelChunk::ToolCall { tool_call });
    let end = ModelChunk::Finished { response: Box::new(response) };
    let pieces: Vec<_> = text.into_iter().chain(calls).chain([end]).map(Ok).collect();
    Ok(Box::pin(stream::iter(pieces)))
}

impl FlowContext {
    /// Applies what a fork asks for differently.
    fn overridden(&self, path: &str, mut request: ModelRequest) -> ModelRequest {
        let Some(fork) = &self.spec().fork else { return request };
        if let Some(model) = &fork.changes.model {
            request.model = Some(model.clone());
            // A pinned provider would not know the other model.
            request.provider = fork.changes.provider.clone();
        }
        if let Some(provider) = &fork.changes.provider {
            request.provider = Some(provider.clone());
        }
        if let Some(text) = &fork.changes.system_prompt {
            request.system_prompt = Some(text.clone());
        }
        if let Some(prompt) = fork.changes.prompt.as_ref().filter(|_| fork.at == path) {
            request.prompt = Some(prompt.clone());
            request.messages.clear();
        }
        request
    }
}
