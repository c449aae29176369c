//! A provider that answers from a script.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;

use runcor_core::{
    FinishReason, ModelCapabilities, ModelChunk, ModelProvider, ModelRequest, ModelResponse,
    ProviderError, ProviderErrorKind, ProviderStream, Usage,
};

/// What a [`ScriptedProvider`] does with one request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ScriptStep {
    /// Answers; a stream brings the text in one piece.
    Answer(ModelResponse),
    /// Fails before there is any answer.
    Fail(ProviderError),
    /// Answers in these pieces; a request for a whole answer gets them joined.
    Stream(Vec<String>),
    /// Breaks off with an error after these pieces; a request for a whole answer gets the error.
    Cut(Vec<String>, ProviderError),
    /// Never answers; for timeouts and cancellations.
    Hang,
}

/// A [`ModelProvider`] that takes its answers from a script and records what it was asked.
///
/// Each request uses up one step. A request beyond the end of the script is
/// rejected with an error that says so. Clones share script and records.
///
/// ```
/// # use runcor_core::{ModelProvider, ModelRequest, ProviderErrorKind};
/// # use runcor_testkit::ScriptedProvider;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let provider = ScriptedProvider::new("mock")
///     .fails(ProviderErrorKind::RateLimited)
///     .answers("forty-two");
///
/// let request = ModelRequest::prompt("What is six times seven?");
/// assert!(provider.complete(&request).await.is_err());
/// assert_eq!(provider.complete(&request).await.unwrap().text, "forty-two");
/// assert_eq!(provider.requests(), [request.clone(), request]);
/// # }
/// ```
#[derive(Clone)]
pub struct ScriptedProvider {
    name: Arc<str>,
    capabilities: ModelCapabilities,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    steps: VecDeque<ScriptStep>,
    /// What is done when the steps are used up.
    rest: Option<ScriptStep>,
    requests: Vec<ModelRequest>,
    cancelled: usize,
}

impl ScriptedProvider {
    /// Makes a provider with an empty script that can do everything.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        Self { name: Arc::from(name), capabilities: ModelCapabilities::all(), script }
    }

    /// Sets what the provider says it can do.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: ModelCapabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Adds an answer of this text.
    #[must_use]
    pub fn answers(self, text: &str) -> Self {
        let answer = ScriptStep::Answer(self.response(text.to_owned()));
        self.then(answer)
    }

    /// Adds a failure.
    #[must_use]
    pub fn fails(self, kind: ProviderErrorKind) -> Self {
        let failure = ScriptStep::Fail(self.scripted_error(kind));
        self.then(failure)
    }

    /// Adds an answer that is streamed in these pieces.
    #[must_use]
    pub fn streams<const N: usize>(self, pieces: [&str; N]) -> Self {
        self.then(ScriptStep::Stream(pieces.map(str::to_owned).into()))
    }

    /// Adds an answer that breaks off with an error after these pieces.
    #[must_use]
    pub fn breaks_off<const N: usize>(self, pieces: [&str; N], kind: ProviderErrorKind) -> Self {
        let error = self.scripted_error(kind);
        self.then(ScriptStep::Cut(pieces.map(str::to_owned).into(), error))
    }

    /// Adds a request that is never answered.
    #[must_use]
    pub fn hangs(self) -> Self {
        self.then(ScriptStep::Hang)
    }

    /// Adds a step.
    #[must_use]
    pub fn then(self, step: ScriptStep) -> Self {
        self.push(step);
        self
    }

    /// Does `step` with every request beyond the end of the script.
    #[must_use]
    pub fn always(self, step: ScriptStep) -> Self {
        self.script.lock().rest = Some(step);
        self
    }

    /// Adds a step to the script of a provider that is in use already.
    pub fn push(&self, step: ScriptStep) {
        self.script.lock().steps.push_back(step);
    }

    /// Returns the requests that came so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.script.lock().requests.clone()
    }

    /// Returns how many steps were not used yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.script.lock().steps.len()
    }

    /// Returns how many requests were dropped before they had their answer or error.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.script.lock().cancelled
    }

    fn next(&self, request: &ModelRequest) -> ScriptStep {
        let mut script = self.script.lock();
        script.requests.push(request.clone());
        let step = script.steps.pop_front().or_else(|| script.rest.clone());
        step.unwrap_or_else(|| {
            let count = script.requests.len();
            let message = format!("the script has no step for request {count}; add one");
            ScriptStep::Fail(ProviderError::new(&self.name, ProviderErrorKind::Rejected, message))
        })
    }

    /// Makes an answer in which text, model and usage are plausible.
    fn response(&self, text: String) -> ModelResponse {
        let words = text.split_whitespace().count() as u64;
        ModelResponse {
            text,
            model: "scripted".to_owned(),
            provider: self.name.as_ref().to_owned(),
            usage: Usage { prompt_tokens: 1, completion_tokens: words, ..Usage::default() },
            finish_reason: Some(FinishReason::Stop),
            ..ModelResponse::default()
        }
    }

    fn scripted_error(&self, kind: ProviderErrorKind) -> ProviderError {
        ProviderError::new(&self.name, kind, "failed as the script says")
    }

    async fn hang<T>(&self) -> T {
        let _cancelled = CountsDrop { script: Arc::clone(&self.script), armed: true };
        std::future::pending().await
    }

    /// Turns pieces and what follows them into a stream that knows when it was cut short.
    fn stream_of(
        &self,
        pieces: Vec<String>,
        end: Result<ModelResponse, ProviderError>,
    ) -> ProviderStream {
        let deltas = pieces.into_iter().map(|text| Ok(ModelChunk::TextDelta { text }));
        let calls: Vec<_> = end.iter().flat_map(|response| response.tool_calls.clone()).collect();
        let calls = calls.into_iter().map(|tool_call| Ok(ModelChunk::ToolCall { tool_call }));
        let end = end.map(|response| ModelChunk::Finished { response: Box::new(response) });
        let mut guard = CountsDrop { script: Arc::clone(&self.script), armed: true };
        let chunks = stream::iter(deltas.chain(calls).chain(std::iter::once(end)));
        Box::pin(chunks.inspect(move |chunk| guard.see(chunk)))
    }
}

/// Counts a cancellation when it is dropped before the request has ended.
struct CountsDrop {
    script: Arc<Mutex<Script>>,
    armed: bool,
}

impl CountsDrop {
    /// Stands down at the end of a stream.
    fn see(&mut self, chunk: &Result<ModelChunk, ProviderError>) {
        self.armed &=
            matches!(chunk, Ok(ModelChunk::TextDelta { .. } | ModelChunk::ToolCall { .. }));
    }
}

impl Drop for CountsDrop {
    fn drop(&mut self) {
        if self.armed {
            self.script.lock().cancelled += 1;
        }
    }
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider")
            .field("name", &self.name)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelProvider for ScriptedProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> ModelCapabilities {
        self.capabilities
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        match self.next(request) {
            ScriptStep::Answer(response) => Ok(response),
            ScriptStep::Stream(pieces) => Ok(self.response(pieces.concat())),
            ScriptStep::Fail(error) | ScriptStep::Cut(_, error) => Err(error),
            ScriptStep::Hang => self.hang().await,
        }
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        match self.next(request) {
            ScriptStep::Answer(response) => {
                let pieces = Vec::from([response.text.clone()]);
                let pieces = pieces.into_iter().filter(|text| !text.is_empty()).collect();
                Ok(self.stream_of(pieces, Ok(response)))
            }
            ScriptStep::Stream(pieces) => {
                let response = self.response(pieces.concat());
                Ok(self.stream_of(pieces, Ok(response)))
            }
            ScriptStep::Cut(pieces, error) => Ok(self.stream_of(pieces, Err(error))),
            ScriptStep::Fail(error) => Err(error),
            ScriptStep::Hang => self.hang().await,
        }
    }
}
