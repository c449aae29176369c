//! A provider's stream on its way to the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use runcor_core::{Error, ModelChunk, ProviderError, ProviderStream};

use crate::ask::{Begun, broken_off};
use crate::attempt::attributed;
use crate::slot::Permit;

/// Passes a stream on, and tells the breaker how it ended.
///
/// Dropped before its end it counts neither way and gives a probe back.
pub(crate) struct RoutedStream {
    first: Option<ModelChunk>,
    live: Option<Live>,
}

struct Live {
    rest: ProviderStream,
    permit: Permit,
}

impl RoutedStream {
    pub(crate) fn new(begun: Begun, permit: Permit) -> Self {
        let Begun { first, rest } = begun;
        Self { first: Some(first), live: Some(Live { rest, permit }) }
    }

    fn pass(&mut self, chunk: ModelChunk) -> ModelChunk {
        let ModelChunk::Finished { mut response } = chunk else {
            return chunk;
        };
        if let Some(live) = self.live.take() {
            live.permit.slot().sign(&mut response);
            live.permit.succeed();
        }
        ModelChunk::Finished { response }
    }

    fn fail(&mut self, error: Option<ProviderError>) -> Option<Error> {
        let permit = self.live.take()?.permit;
        let name = &permit.slot().name;
        let error = error.map_or_else(|| broken_off(name), |error| attributed(name, error));
        permit.fail(error.kind);
        Some(error.into())
    }
}

impl Stream for RoutedStream {
    type Item = Result<ModelChunk, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(this.pass(first))));
        }
        let Some(live) = &mut this.live else {
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(live.rest.as_mut().poll_next(context)) {
            Some(Ok(chunk)) => Some(Ok(this.pass(chunk))),
            Some(Err(error)) => this.fail(Some(error)).map(Err),
            None => this.fail(None).map(Err),
        })
    }
}
