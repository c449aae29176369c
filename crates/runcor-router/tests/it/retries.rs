//! Asking the same provider again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use runcor_core::{ErrorCode, ModelRequest, ModelService, ProviderErrorKind, Retry};
use runcor_router::Retries;

use crate::fakes::{Scripted, Turn, World};

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

#[tokio::test]
async fn transient_failures_are_tried_three_times_before_falling_back() {
    for kind in [
        ProviderErrorKind::RateLimited,
        ProviderErrorKind::Unavailable,
        ProviderErrorKind::Network,
        ProviderErrorKind::Timeout,
    ] {
        let world = World::default();
        let failing = Scripted::new("a", vec![Turn::Fail(kind); 3]);
        let builder = world.router().provider(Arc::clone(&failing));
        // A threshold of two shows that three requests are one failure.
        let builder = builder.provider(Scripted::new("b", [])).failure_threshold(2);
        let router = builder.build().unwrap();
        let (answer, pauses) = world.fly(router.complete(hello())).await;
        assert_eq!(answer.unwrap().provider, "b");
        assert_eq!(pauses, [200, 400].map(Duration::from_millis));
        assert_eq!(failing.calls(), 3);
        assert_eq!(world.events.health(), []);
    }
}

#[tokio::test]
async fn other_failures_fall_back_at_once() {
    for kind in [ProviderErrorKind::Auth, ProviderErrorKind::Rejected, ProviderErrorKind::Malformed]
    {
        let world = World::default();
        let failing = Scripted::new("a", [Turn::Fail(kind)]);
        let builder = world.router().provider(Arc::clone(&failing));
        let router = builder.provider(Scripted::new("b", [])).build().unwrap();
        assert_eq!(router.complete(hello()).await.unwrap().provider, "b");
        assert_eq!(failing.calls(), 1);
    }
}

#[tokio::test]
async fn a_second_try_that_succeeds_is_an_answer() {
    let world = World::default();
    let provider = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Network), Turn::Say("hi")]);
    let router = world.router().provider(provider).failure_threshold(1).build().unwrap();
    let (answer, pauses) = world.fly(router.complete(hello())).await;
    assert_eq!(answer.unwrap().text, "hi");
    assert_eq!(pauses, [Duration::from_millis(200)]);
    assert_eq!(world.events.health(), []);
}

#[tokio::test]
async fn the_pause_that_a_vendor_asks_for_is_kept() {
    let world = World::default();
    let provider = Scripted::new("a", [Turn::Busy(Duration::from_secs(3))]);
    let router = world.router().provider(provider).build().unwrap();
    let (answer, pauses) = world.fly(router.complete(hello())).await;
    assert_eq!(answer.unwrap().text, "ok");
    assert_eq!(pauses, [Duration::from_secs(3)]);
}

#[tokio::test]
async fn a_vendor_that_asks_for_too_long_a_pause_is_left_at_once() {
    let world = World::default();
    let busy = Scripted::new("a", [Turn::Busy(Duration::from_secs(60)); 1]);
    let builder = world.router().provider(Arc::clone(&busy)).provider(Scripted::new("b", []));
    let router = builder.build().unwrap();
    assert_eq!(router.complete(hello()).await.unwrap().provider, "b");
    assert_eq!(busy.calls(), 1);
}

#[tokio::test]
async fn when_all_failures_are_transient_a_flow_may_try_again() {
    let world = World::default();
    let router = world
        .router()
        .provider(Scripted::new("a", [Turn::Busy(Duration::from_secs(60))]))
        .provider(Scripted::new("b", [Turn::Busy(Duration::from_secs(30))]))
        .build()
        .unwrap();
    let error = router.complete(hello()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AllProvidersFailed);
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_secs(30))));
}

#[tokio::test]
async fn retries_can_be_switched_off() {
    let world = World::default();
    let provider = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Network)]);
    let router = world.router().provider(provider).retries(Retries::NONE).build().unwrap();
    assert!(router.complete(hello()).await.is_err());
}

#[tokio::test]
async fn dropping_a_call_during_a_pause_asks_nobody_again() {
    let world = World::default();
    let provider = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Network)]);
    let router = world.router().provider(Arc::clone(&provider)).build().unwrap();
    assert!(router.complete(hello()).now_or_never().is_none());
    assert_eq!(world.clock.next_wake(), None);
    assert_eq!(provider.calls(), 1);
}
