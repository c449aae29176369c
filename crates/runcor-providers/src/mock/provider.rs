//! The mock itself.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::stream;
use parking_lot::Mutex;
use runcor_core::{
    FinishReason, ModelCapabilities, ModelChunk, ModelProvider, ModelRequest, ModelResponse,
    ProviderError, ProviderStream, ResponseFormat, ToolCall, Usage,
};
use serde_json::json;

use super::config::MockConfig;
use super::quote::fill;
use super::sample::sample;
use super::text::{pieces, prompt, utf16_len};

/// The model that the mock says it is.
const MODEL: &str = "mock";

/// A provider that answers by itself, for trying things out and for tests.
///
/// It answers, in this order: what was queued with
/// [`queue`](Self::queue); the tool calls of
/// [`call_tools_next`](Self::call_tools_next); data that matches the schema, or
/// any JSON, where the request wants that; and else its template. The answers
/// that it makes up quote the input. Tokens are UTF-16 units.
///
/// Clones share the queue.
///
/// ```
/// # use runcor_core::{ModelProvider, ModelRequest};
/// # use runcor_providers::{Mock, MockReply};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mock = Mock::with_template("You said {prompt}.");
/// mock.queue(MockReply::text("first"));
/// let hi = ModelRequest::prompt("hi");
/// assert_eq!(mock.complete(&hi).await?.text, "first");
/// assert_eq!(mock.complete(&hi).await?.text, "You said hi.");
/// # Ok::<(), runcor_core::ProviderError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Mock {
    inner: Arc<Inner>,
}

struct Inner {
    config: MockConfig,
    /// Whether anything is scripted, so that a call without a script takes no lock.
    scripted: AtomicBool,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    replies: VecDeque<MockReply>,
    tool_calls: Vec<ToolCall>,
}

/// One scripted answer of [`Mock`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MockReply {
    /// The text.
    pub text: String,
    /// The tools to call.
    pub tool_calls: Vec<ToolCall>,
}

impl MockReply {
    /// Makes an answer of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), tool_calls: Vec::new() }
    }

    /// Makes an answer that calls tools.
    #[must_use]
    pub fn tools(tool_calls: impl Into<Vec<ToolCall>>) -> Self {
        Self { text: String::new(), tool_calls: tool_calls.into() }
    }
}

impl Mock {
    /// Makes the mock with its default template.
    #[must_use]
    pub fn new() -> Self {
        Self::from_config(MockConfig::default())
    }

    /// Makes a mock that answers `template`, with the prompt in place of `{prompt}`.
    #[must_use]
    pub fn with_template(template: impl Into<String>) -> Self {
        Self::from_config(MockConfig { template: template.into(), ..MockConfig::default() })
    }

    /// Makes the mock from its configuration.
    #[must_use]
    pub fn from_config(config: MockConfig) -> Self {
        let inner = Inner { config, scripted: AtomicBool::new(false), script: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Appends an answer to the queue; each is given once.
    pub fn queue(&self, reply: MockReply) {
        self.queue_all([reply]);
    }

    /// Appends several answers to the queue.
    pub fn queue_all(&self, replies: impl IntoIterator<Item = MockReply>) {
        self.inner.script.lock().replies.extend(replies);
        self.inner.scripted.store(true, Ordering::Release);
    }

    /// Makes the next answer that is not queued call these tools.
    pub fn call_tools_next(&self, tool_calls: impl Into<Vec<ToolCall>>) {
        self.inner.script.lock().tool_calls = tool_calls.into();
        self.inner.scripted.store(true, Ordering::Release);
    }

    fn scripted(&self) -> Option<MockReply> {
        if !self.inner.scripted.load(Ordering::Acquire) {
            return None;
        }
        let mut script = self.inner.script.lock();
        let reply = script.replies.pop_front().or_else(|| {
            let tool_calls = std::mem::take(&mut script.tool_calls);
            (!tool_calls.is_empty()).then(|| MockReply::tools(tool_calls))
        });
        let left = !script.replies.is_empty() || !script.tool_calls.is_empty();
        self.inner.scripted.store(left, Ordering::Release);
        reply
    }

    fn made_up(&self, request: &ModelRequest, prompt: &str) -> MockReply {
        let template = &self.inner.config.template;
        MockReply::text(match &request.response_format {
            ResponseFormat::Text => fill(template, prompt),
            ResponseFormat::Json => json!({ "response": fill(template, prompt) }).to_string(),
            ResponseFormat::Schema(schema) => sample(schema, prompt).to_string(),
        })
    }

    fn answer(&self, request: &ModelRequest) -> ModelResponse {
        let prompt = prompt(request);
        let reply = self.scripted().unwrap_or_else(|| self.made_up(request, &prompt));
        let calls_tools = !reply.tool_calls.is_empty();
        ModelResponse {
            usage: Usage {
                prompt_tokens: utf16_len(&prompt),
                completion_tokens: utf16_len(&reply.text),
                ..Usage::default()
            },
            text: reply.text,
            model: MODEL.to_owned(),
            provider: self.inner.config.name.clone(),
            tool_calls: reply.tool_calls,
            parsed: None,
            cost: None,
            substituted: false,
            finish_reason: Some(if calls_tools {
                FinishReason::ToolCalls
            } else {
                FinishReason::Stop
            }),
        }
    }
}

impl Default for Mock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl ModelProvider for Mock {
    fn name(&self) -> &str {
        &self.inner.config.name
    }

    fn capabilities(&self) -> ModelCapabilities {
        ModelCapabilities::all()
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        Ok(self.answer(request))
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        let response = self.answer(request);
        let texts = pieces(&response.text, self.inner.config.chunk_size).into_iter();
        let mut chunks: Vec<ModelChunk> =
            texts.map(|text| ModelChunk::TextDelta { text }).collect();
        let calls = response.tool_calls.iter().cloned();
        chunks.extend(calls.map(|tool_call| ModelChunk::ToolCall { tool_call }));
        chunks.push(ModelChunk::Finished { response: Box::new(response) });
        Ok(Box::pin(stream::iter(chunks.into_iter().map(Ok))))
    }
}
