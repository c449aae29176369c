//! A provider's stream on its way to the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use runcor_core::{Error, ModelChunk, ModelRequest, ProviderError, ProviderStream};

use crate::ask::{Begun, broken_off};
use crate::attempt::attributed;
use crate::exchange::Exchange;
use crate::route::Routed;
use crate::slot::Permit;

/// Passes a stream on, tells the breaker how it ended, and books what it used.
///
/// Dropped before its end it counts neither way and gives a probe back; what
/// came of it is booked as given up.
pub(crate) struct RoutedStream {
    first: Option<ModelChunk>,
    live: Option<Live>,
}

struct Live {
    rest: ProviderStream,
    permit: Permit,
    exchange: Exchange,
    request: ModelRequest,
}

impl RoutedStream {
    pub(crate) fn new(routed: Routed<Begun>, request: ModelRequest) -> Self {
        let Routed { answer: Begun { first, rest }, permit, exchange } = routed;
        Self { first: Some(first), live: Some(Live { rest, permit, exchange, request }) }
    }

    fn pass(&mut self, chunk: ModelChunk) -> ModelChunk {
        let ModelChunk::Finished { mut response } = chunk else {
            return chunk;
        };
        if let Some(mut live) = self.live.take() {
            // One that was asked whole is booked and signed already.
            if live.permit.slot().streams {
                live.exchange.answer(live.permit.slot(), &live.request, &mut response);
            }
            live.permit.succeed();
        }
        ModelChunk::Finished { response }
    }

    fn fail(&mut self, error: Option<ProviderError>) -> Option<Error> {
        let Live { permit, mut exchange, .. } = self.live.take()?;
        let name = &permit.slot().name;
        let error = error.map_or_else(|| broken_off(name), |error| attributed(name, error));
        exchange.fail(permit.slot(), &error);
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
            Some(Ok(chunk)) => {
                live.exchange.saw(live.permit.slot(), &chunk);
                Some(Ok(this.pass(chunk)))
            }
            Some(Err(error)) => this.fail(Some(error)).map(Err),
            None => this.fail(None).map(Err),
        })
    }
}
