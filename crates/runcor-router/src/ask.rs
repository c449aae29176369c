//! The two ways to ask a provider: for a whole answer, and for one in pieces.

use std::future::Future;

use futures_util::{StreamExt, stream};

use runcor_core::{
    ModelChunk, ModelRequest, ModelResponse, ProviderError, ProviderErrorKind, ProviderStream,
};

use crate::exchange::Exchange;
use crate::slot::Slot;

/// One request to one provider.
pub(crate) trait Ask {
    /// What a request that succeeds gives.
    type Answer: Send;

    /// Makes the request.
    fn ask(
        slot: &Slot,
        request: &ModelRequest,
        exchange: &mut Exchange,
    ) -> impl Future<Output = Result<Self::Answer, ProviderError>> + Send;
}

/// Asks for a whole answer.
///
/// It is boxed, because it is handed on often until it reaches the caller, and
/// copying it each time would cost more.
#[derive(Debug)]
pub(crate) struct Whole;

impl Ask for Whole {
    type Answer = Box<ModelResponse>;

    async fn ask(
        slot: &Slot,
        request: &ModelRequest,
        exchange: &mut Exchange,
    ) -> Result<Box<ModelResponse>, ProviderError> {
        let mut response = Box::new(slot.provider.complete(request).await?);
        exchange.answer(slot, request, &mut response);
        Ok(response)
    }
}

/// Asks for an answer in pieces, and waits for the first one.
///
/// Up to then nobody has seen anything, and another request can take its place.
#[derive(Debug)]
pub(crate) struct Pieces;

/// An answer that has begun.
pub(crate) struct Begun {
    pub(crate) first: ModelChunk,
    pub(crate) rest: ProviderStream,
}

impl Ask for Pieces {
    type Answer = Begun;

    async fn ask(
        slot: &Slot,
        request: &ModelRequest,
        exchange: &mut Exchange,
    ) -> Result<Begun, ProviderError> {
        let mut rest = if slot.streams {
            slot.provider.stream(request).await?
        } else {
            in_pieces(Whole::ask(slot, request, exchange).await?)
        };
        let Some(first) = rest.next().await else { return Err(broken_off(&slot.name)) };
        let first = first?;
        exchange.saw(slot, &first);
        Ok(Begun { first, rest })
    }
}

/// The error of a stream that ends before its answer does.
pub(crate) fn broken_off(provider: &str) -> ProviderError {
    let message = "the stream ended before the answer was complete";
    ProviderError::new(provider, ProviderErrorKind::Malformed, message)
}

/// Makes a stream of a whole answer: the text at once, the tool calls, the end.
fn in_pieces(response: Box<ModelResponse>) -> ProviderStream {
    let mut chunks = Vec::with_capacity(response.tool_calls.len() + 2);
    if !response.text.is_empty() {
        chunks.push(Ok(ModelChunk::TextDelta { text: response.text.clone() }));
    }
    let calls = response.tool_calls.iter().cloned();
    chunks.extend(calls.map(|tool_call| Ok(ModelChunk::ToolCall { tool_call })));
    chunks.push(Ok(ModelChunk::Finished { response }));
    Box::pin(stream::iter(chunks))
}
