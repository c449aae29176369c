//! Guardrails around model calls of a flow, whole and in pieces.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::context::FlowContext;
use crate::cost::Caller;
use crate::error::{Error, Result};
use crate::guard::{GuardPhase, GuardScope, StreamGuard};
use crate::model::{Message, ModelChunk, ModelRequest, ModelResponse, ModelStream};
use crate::policy::{Operation, PolicyRequest};

impl FlowContext {
    /// Returns content as guardrails let it go on.
    pub(crate) async fn guarded(&self, phase: GuardPhase, content: Value) -> Result<Value> {
        let Some(guard) = &self.governance().guard else { return Ok(content) };
        let scope = GuardScope::of(self.spec());
        if guard.watches(phase, &scope) {
            guard.check(phase, content, &scope).await
        } else {
            Ok(content)
        }
    }

    fn is_guarded(&self, phase: GuardPhase) -> bool {
        let guard = self.governance().guard.as_ref();
        guard.is_some_and(|guard| guard.watches(phase, &GuardScope::of(self.spec())))
    }

    /// Returns a request as guardrails let it go to a model: its texts, nothing else.
    pub(crate) async fn guarded_request(&self, mut request: ModelRequest) -> Result<ModelRequest> {
        if !self.is_guarded(GuardPhase::ModelRequest) {
            return Ok(request);
        }
        let texts = json!({
            "prompt": request.prompt,
            "systemPrompt": request.system_prompt,
            "messages": request.messages,
        });
        let mut checked = self.guarded(GuardPhase::ModelRequest, texts).await?;
        request.prompt = text_at(&mut checked, "prompt", request.prompt);
        request.system_prompt = text_at(&mut checked, "systemPrompt", request.system_prompt);
        let messages = checked.get_mut("messages").map(Value::take).unwrap_or_default();
        if let Ok(messages) = serde_json::from_value::<Vec<Message>>(messages) {
            request.messages = messages;
        }
        Ok(request)
    }

    /// Returns an answer as guardrails let it go to the flow: its text and its tool calls.
    pub(crate) async fn guarded_response(&self, answer: ModelResponse) -> Result<ModelResponse> {
        if !self.is_guarded(GuardPhase::ModelResponse) {
            return Ok(answer);
        }
        let mut answer = answer;
        if answer.tool_calls.is_empty() && answer.parsed.is_none() {
            let text = Value::String(std::mem::take(&mut answer.text));
            let checked = self.guarded(GuardPhase::ModelResponse, text).await?;
            answer.text = match checked {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return Ok(answer);
        }
        let content = json!({
            "text": answer.text, "toolCalls": answer.tool_calls, "parsed": answer.parsed,
        });
        let mut checked = self.guarded(GuardPhase::ModelResponse, content).await?;
        answer.text = text_at(&mut checked, "text", Some(answer.text)).unwrap_or_default();
        let calls = checked.get_mut("toolCalls").map(Value::take).unwrap_or_default();
        if let Ok(calls) = serde_json::from_value(calls) {
            answer.tool_calls = calls;
        }
        if answer.parsed.is_some() {
            answer.parsed = checked.get_mut("parsed").map(Value::take);
        }
        Ok(answer)
    }

    /// Returns an answer in pieces as guardrails let it go to the flow.
    pub(crate) fn guarded_stream(&self, pieces: ModelStream) -> ModelStream {
        let guard = self.governance().guard.as_ref();
        let window = guard.and_then(|guard| guard.stream(&GuardScope::of(self.spec())));
        if window.is_none() && !self.is_guarded(GuardPhase::ModelResponse) {
            return pieces;
        }
        let released = Released { pieces, window, text: String::new(), ready: VecDeque::new() };
        let ctx = self.clone();
        Box::pin(released.then(move |piece| {
            let ctx = ctx.clone();
            async move {
                match piece? {
                    ModelChunk::Finished { response } => {
                        let response = Box::new(ctx.guarded_response(*response).await?);
                        Ok(ModelChunk::Finished { response })
                    }
                    piece => Ok(piece),
                }
            }
        }))
    }

    /// Asks whether the flow may call a tool.
    pub(crate) async fn check_tool_call(&self, tool: &str, arguments: &Value) -> Result<()> {
        let Some(policy) = &self.governance().policy else { return Ok(()) };
        let (caller, metadata) = (Caller::of(self.spec()), json!({ "tool": tool }));
        let request = PolicyRequest {
            operation: Operation::CallTool,
            flow: Some(&self.spec().flow),
            caller: &caller,
            input: arguments,
            execution: Some(self.execution_id()),
            metadata: Some(&metadata),
            now: self.now(),
        };
        policy.admit(&request).await.map(drop)
    }
}

fn text_at(checked: &mut Value, key: &str, before: Option<String>) -> Option<String> {
    match checked.get_mut(key).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => before,
    }
}

/// Passes on what a window has released.
struct Released {
    pieces: ModelStream,
    window: Option<Box<dyn StreamGuard>>,
    /// Everything that was released.
    text: String,
    ready: VecDeque<Result<ModelChunk>>,
}

impl Released {
    fn take(&mut self, piece: ModelChunk) {
        let Some(window) = &mut self.window else { return self.ready.push_back(Ok(piece)) };
        match piece {
            ModelChunk::TextDelta { text } => match window.push(&text) {
                Ok(text) => self.release(text),
                Err(error) => self.stop(error),
            },
            ModelChunk::Finished { mut response } => match window.finish() {
                Ok(text) => {
                    self.release(text);
                    if response.text != self.text {
                        response.text.clone_from(&self.text);
                    }
                    self.ready.push_back(Ok(ModelChunk::Finished { response }));
                }
                Err(error) => self.stop(error),
            },
            piece @ ModelChunk::ToolCall { .. } => self.ready.push_back(Ok(piece)),
        }
    }

    fn release(&mut self, text: String) {
        if !text.is_empty() {
            self.text.push_str(&text);
            self.ready.push_back(Ok(ModelChunk::TextDelta { text }));
        }
    }

    /// Ends the answer: what comes after content that must not go on does not go on either.
    fn stop(&mut self, error: Error) {
        self.pieces = Box::pin(futures_util::stream::empty());
        self.ready.push_back(Err(error));
    }
}

impl Stream for Released {
    type Item = Result<ModelChunk>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(piece) = this.ready.pop_front() {
                return Poll::Ready(Some(piece));
            }
            match std::task::ready!(this.pieces.as_mut().poll_next(context)) {
                Some(Ok(piece)) => this.take(piece),
                Some(Err(error)) => this.ready.push_back(Err(error)),
                None => return Poll::Ready(None),
            }
        }
    }
}
