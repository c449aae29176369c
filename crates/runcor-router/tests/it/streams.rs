//! Answers in pieces.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use runcor_core::ProviderHealth::{HalfOpen, Healthy, Unhealthy};
use runcor_core::{
    ErrorCode, ModelChunk, ModelRequest, ModelService, ProviderErrorKind, ProviderReport,
};
use runcor_router::{Retries, Router};

use crate::fakes::{Scripted, Turn, World, delta, drain};

const COOLDOWN: Duration = Duration::from_secs(30);

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

/// One provider whose first failure opens its breaker.
fn touchy(world: &World, provider: &Arc<Scripted>) -> Router {
    let builder = world.router().provider(Arc::clone(provider)).failure_threshold(1);
    builder.retries(Retries::NONE).build().unwrap()
}

#[tokio::test]
async fn native_chunks_pass_through_and_make_up_the_text() {
    let provider = Scripted::streaming("a", [Turn::Say("one two three")]);
    let router = touchy(&World::default(), &provider);
    let (pieces, whole, failure) = drain(router.stream(hello()).await.unwrap()).await;
    assert_eq!(pieces, [delta("one "), delta("two "), delta("three")]);
    let whole = whole.unwrap();
    assert_eq!((whole.text.as_str(), whole.provider.as_str()), ("one two three", "a"));
    assert!(failure.is_none());
    assert_eq!(provider.open_streams(), 0);
}

#[tokio::test]
async fn a_provider_that_does_not_stream_gives_its_answer_in_one_piece() {
    let provider = Scripted::new("a", [Turn::Call("hello"), Turn::Call("")]);
    let router = touchy(&World::default(), &provider);
    let (pieces, whole, _) = drain(router.stream(hello()).await.unwrap()).await;
    let whole = whole.unwrap();
    let call = ModelChunk::ToolCall { tool_call: whole.tool_calls[0].clone() };
    assert_eq!(pieces, [delta("hello"), call.clone()]);
    assert_eq!((whole.text.as_str(), whole.provider.as_str()), ("hello", "a"));
    let (pieces, _, _) = drain(router.stream(hello()).await.unwrap()).await;
    assert_eq!(pieces, [call]);
}

#[tokio::test]
async fn before_the_first_chunk_there_are_retries_and_fallback() {
    let world = World::default();
    let network = ProviderErrorKind::Network;
    let failing = Scripted::streaming(
        "a",
        [Turn::Fail(network), Turn::Break("", network), Turn::Fail(network)],
    );
    let silent = Scripted::streaming("b", [Turn::Trail("")]);
    let builder = world.router().provider(Arc::clone(&failing)).provider(Arc::clone(&silent));
    let router = builder.provider(Scripted::streaming("c", [])).build().unwrap();
    let (chunks, pauses) = world.fly(router.stream(hello())).await;
    let (pieces, whole, _) = drain(chunks.unwrap()).await;
    assert_eq!((pieces.len(), whole.unwrap().provider.as_str()), (1, "c"));
    assert_eq!((failing.calls(), silent.calls(), pauses.len()), (3, 1, 2));
}

#[tokio::test]
async fn when_no_stream_begins_every_attempt_is_told() {
    let reject = || [Turn::Fail(ProviderErrorKind::Rejected)];
    let builder = World::default().router().provider(Scripted::streaming("a", reject()));
    let router = builder.provider(Scripted::new("b", reject())).build().unwrap();
    let error = router.stream(hello()).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::AllProvidersFailed);
    assert_eq!(error.details().unwrap()["attempts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn after_the_first_chunk_an_error_ends_the_stream_and_trips_the_breaker() {
    let world = World::default();
    let provider = Scripted::streaming("a", [Turn::Break("one two", ProviderErrorKind::Network)]);
    let builder = world.router().provider(Arc::clone(&provider));
    let builder = builder.provider(Scripted::streaming("b", [])).failure_threshold(1);
    let router = builder.build().unwrap();
    let (pieces, whole, failure) = drain(router.stream(hello()).await.unwrap()).await;
    assert_eq!(pieces, [delta("one "), delta("two")]);
    assert!(whole.is_none());
    let error = failure.unwrap();
    assert_eq!((error.code(), error.message()), (ErrorCode::ProviderError, "a: a said no"));
    assert!(error.is_retryable());
    assert_eq!(world.events.health(), [(Healthy, Unhealthy)]);
    assert_eq!((provider.calls(), provider.open_streams()), (1, 0));
}

#[tokio::test]
async fn a_stream_that_trails_off_is_an_error() {
    let world = World::default();
    let router = touchy(&world, &Scripted::streaming("a", [Turn::Trail("one")]));
    let (pieces, whole, failure) = drain(router.stream(hello()).await.unwrap()).await;
    assert_eq!((pieces.len(), whole), (1, None));
    assert_eq!(failure.unwrap().code(), ErrorCode::ProviderError);
    assert_eq!(world.events.health(), [(Healthy, Unhealthy)]);
}

#[tokio::test]
async fn success_is_recorded_at_the_end_and_not_before() {
    let world = World::default();
    let down = || Turn::Fail(ProviderErrorKind::Unavailable);
    let provider = Scripted::streaming("a", [down(), Turn::Say("one two")]);
    let router = touchy(&world, &provider);
    router.complete(hello()).await.unwrap_err();
    world.clock.advance(COOLDOWN);
    let mut chunks = router.stream(hello()).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    assert_eq!(router.providers()[0].health_state, HalfOpen);
    assert!(router.complete(hello()).await.is_err());
    drain(chunks).await;
    assert_eq!(router.providers()[0].health_state, Healthy);
}

#[tokio::test]
async fn the_breaker_opens_through_streams_of_providers_that_do_not_stream() {
    let world = World::default();
    let down = || Turn::Fail(ProviderErrorKind::Unavailable);
    let provider = Scripted::new("a", [down(), down()]);
    let builder = world.router().provider(provider).failure_threshold(2);
    let router = builder.retries(Retries::NONE).build().unwrap();
    for _ in 0..2 {
        assert!(router.stream(hello()).await.is_err());
    }
    assert_eq!(world.events.health(), [(Healthy, Unhealthy)]);
}

#[tokio::test]
async fn dropping_a_stream_cancels_it_and_gives_the_probe_back() {
    let world = World::default();
    let down = Turn::Fail(ProviderErrorKind::Unavailable);
    let provider = Scripted::streaming("a", [down, Turn::Stall("one"), Turn::Hang]);
    let router = touchy(&world, &provider);
    router.complete(hello()).await.unwrap_err();
    world.clock.advance(COOLDOWN);

    let mut chunks = router.stream(hello()).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    assert!(chunks.next().now_or_never().is_none());
    assert_eq!(provider.open_streams(), 1);
    drop(chunks);
    assert_eq!(provider.open_streams(), 0);
    assert_eq!(router.providers()[0].health_state, HalfOpen);

    assert!(router.stream(hello()).now_or_never().is_none());
    router.complete(hello()).await.unwrap();
    let changes = [(Healthy, Unhealthy), (Unhealthy, HalfOpen), (HalfOpen, Healthy)];
    assert_eq!(world.events.health(), changes);
}
