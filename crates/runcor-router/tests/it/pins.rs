//! Requests that name their provider.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{ErrorCode, ModelRequest, ModelService, ProviderErrorKind, Retry};
use runcor_router::Retries;

use crate::fakes::{Scripted, Turn, World};

fn pinned(name: &str) -> ModelRequest {
    ModelRequest::prompt("hello").with_provider(name)
}

#[tokio::test]
async fn an_unknown_provider_is_told_with_those_there_are() {
    let router = World::default().router().provider(Scripted::new("a", [])).build().unwrap();
    for code in [
        router.complete(pinned("b")).await.unwrap_err(),
        router.stream(pinned("b")).await.err().unwrap(),
    ] {
        assert_eq!(code.code(), ErrorCode::ProviderNotFound);
        assert_eq!(code.message(), "no provider is registered as \"b\"; registered are a");
    }
}

#[tokio::test]
async fn a_vendor_finds_its_only_provider() {
    let world = World::default();
    let builder = world.router().provider(Scripted::new("openai/gpt-4o", []));
    let builder = builder.provider(Scripted::new("google/gemini", []));
    let router = builder.provider(Scripted::new("google/flash", [])).build().unwrap();
    assert_eq!(router.complete(pinned("openai")).await.unwrap().provider, "openai/gpt-4o");
    assert_eq!(router.complete(pinned("google/flash")).await.unwrap().provider, "google/flash");
    let error = router.complete(pinned("google")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ProviderNotFound);
    assert!(error.message().contains("google/gemini, google/flash"), "{error}");
    let error = router.complete(pinned("gpt-4o")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ProviderNotFound);
}

#[tokio::test]
async fn a_registered_name_wins_over_a_vendor() {
    let builder = World::default().router().provider(Scripted::new("openai/gpt-4o", []));
    let router = builder.provider(Scripted::new("openai", [])).build().unwrap();
    assert_eq!(router.complete(pinned("openai")).await.unwrap().provider, "openai");
}

#[tokio::test]
async fn a_pinned_provider_is_tried_again_but_has_no_fallback() {
    let world = World::default();
    let (a, b) = (
        Scripted::new("a", vec![Turn::Fail(ProviderErrorKind::Unavailable); 6]),
        Scripted::new("b", []),
    );
    let builder = world.router().provider(Arc::clone(&a)).provider(Arc::clone(&b));
    let router = builder.build().unwrap();
    let (answer, pauses) = world.fly(router.complete(pinned("a"))).await;
    let error = answer.unwrap_err();
    assert_eq!((error.code(), error.retry()), (ErrorCode::ProviderError, Retry::After(None)));
    assert_eq!(error.message(), "a: a said no");
    assert_eq!(error.details().unwrap()["attempts"][0]["providerName"], "a");
    assert_eq!((a.calls(), pauses.len()), (3, 2));

    let (streamed, _) = world.fly(router.stream(pinned("a"))).await;
    assert_eq!(streamed.err().unwrap().code(), ErrorCode::ProviderError);
    assert_eq!((a.calls(), b.calls()), (6, 0));
}

#[tokio::test]
async fn refused_credentials_of_a_pinned_provider_have_their_own_code() {
    let provider = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Auth)]);
    let router = World::default().router().provider(provider).build().unwrap();
    let error = router.complete(pinned("a")).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), (ErrorCode::ProviderAuthError, Retry::Never));
}

#[tokio::test]
async fn the_breaker_holds_for_pinned_requests_too() {
    let world = World::default();
    let a = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Unavailable)]);
    let builder = world.router().provider(Arc::clone(&a)).provider(Scripted::new("b", []));
    let builder = builder.failure_threshold(1).retries(Retries::NONE);
    let router = builder.cooldown(Duration::from_secs(5)).build().unwrap();
    router.complete(pinned("a")).await.unwrap_err();
    let error = router.complete(pinned("a")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoHealthyProviders);
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_secs(5))));
    assert_eq!(a.calls(), 1);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(router.complete(pinned("a")).await.unwrap().provider, "a");
}
