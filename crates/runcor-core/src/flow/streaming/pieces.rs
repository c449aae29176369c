//! The pieces of an answer as guardrails let them go on.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{content_of, with_content};
use crate::error::{Error, Result};
use crate::flow::context::FlowContext;
use crate::guard::StreamGuard;
use crate::model::{ModelChunk, ModelResponse, ModelStream};

type Window = Box<dyn StreamGuard>;
type Closing = Pin<Box<dyn Future<Output = Result<Closed>> + Send>>;

/// Passes on text as the window lets it go, then tool calls and the whole
/// answer once they are judged; nothing after the first error.
pub(super) struct GuardedPieces {
    ctx: FlowContext,
    /// `None` once the answer is over.
    pieces: Option<ModelStream>,
    window: Option<Window>,
    /// Everything that went on.
    text: String,
    has_begun: bool,
    closing: Option<Closing>,
    ready: VecDeque<Result<ModelChunk>>,
}

/// An answer that was judged to its end.
struct Closed {
    /// What the window had held back.
    rest: String,
    response: ModelResponse,
}

impl GuardedPieces {
    pub(super) fn new(ctx: FlowContext, pieces: ModelStream, window: Option<Window>) -> Self {
        let (text, closing, ready) = (String::new(), None, VecDeque::new());
        Self { ctx, pieces: Some(pieces), window, text, has_begun: false, closing, ready }
    }

    fn take(&mut self, piece: ModelChunk) {
        match piece {
            ModelChunk::TextDelta { text } => self.append(text),
            // They come again with the whole answer, and go on once they are judged.
            ModelChunk::ToolCall { .. } => {}
            ModelChunk::Finished { response } => {
                if !self.has_begun {
                    self.append(response.text.clone());
                }
                if self.pieces.is_some() {
                    self.close(*response);
                }
            }
        }
    }

    fn append(&mut self, text: String) {
        self.has_begun = true;
        let text = match &mut self.window {
            Some(window) => window.push(&text),
            None => Ok(text),
        };
        match text {
            Ok(text) => self.release(text),
            Err(error) => self.stop(error),
        }
    }

    fn release(&mut self, text: String) {
        if !text.is_empty() {
            self.text.push_str(&text);
            self.ready.push_back(Ok(ModelChunk::TextDelta { text }));
        }
    }

    fn close(&mut self, response: ModelResponse) {
        let (ctx, text) = (self.ctx.clone(), std::mem::take(&mut self.text));
        self.closing = Some(match self.window.take() {
            Some(window) => Box::pin(close(window, text, response)),
            None => Box::pin(async move {
                let response = ctx.guarded_response(response).await?;
                Ok(Closed { rest: String::new(), response })
            }),
        });
        self.pieces = None;
    }

    fn finish(&mut self, closed: Closed) {
        self.release(closed.rest);
        let calls = closed.response.tool_calls.iter().cloned();
        let calls = calls.map(|tool_call| Ok(ModelChunk::ToolCall { tool_call }));
        self.ready.extend(calls);
        let response = Box::new(closed.response);
        self.ready.push_back(Ok(ModelChunk::Finished { response }));
    }

    /// Ends the answer: what comes after content that must not go on does not go on either.
    fn stop(&mut self, error: Error) {
        self.pieces = None;
        self.ready.push_back(Err(error));
    }
}

async fn close(mut window: Window, before: String, mut response: ModelResponse) -> Result<Closed> {
    let rest = window.finish().await?;
    response.text = before + &rest;
    let content = window.close(content_of(&mut response)).await?;
    Ok(Closed { rest, response: with_content(response, content)? })
}

impl Stream for GuardedPieces {
    type Item = Result<ModelChunk>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(piece) = this.ready.pop_front() {
                return Poll::Ready(Some(piece));
            }
            if let Some(closing) = &mut this.closing {
                let closed = ready!(closing.as_mut().poll(context));
                this.closing = None;
                match closed {
                    Ok(closed) => this.finish(closed),
                    Err(error) => this.stop(error),
                }
                continue;
            }
            let Some(pieces) = &mut this.pieces else { return Poll::Ready(None) };
            match ready!(pieces.as_mut().poll_next(context)) {
                Some(Ok(piece)) => this.take(piece),
                Some(Err(error)) => this.stop(error),
                None => this.pieces = None,
            }
        }
    }
}
