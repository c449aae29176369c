//! The circuit breaker as callers meet it.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt, future::join_all};

use runcor_core::ProviderHealth::{HalfOpen, Healthy, Unhealthy};
use runcor_core::{
    ErrorCode, Event, EventSink, ModelProvider, ModelRequest, ModelResponse, ModelService,
    ProviderError, ProviderErrorKind, ProviderReport, ProviderStream, Retry,
};
use runcor_router::{Retries, Router};

use crate::fakes::{Scripted, Turn, World};

const DOWN: Turn = Turn::Fail(ProviderErrorKind::Unavailable);
const COOLDOWN: Duration = Duration::from_millis(50);

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

/// One provider that opens its breaker after two failures.
fn one(world: &World, provider: &Arc<Scripted>) -> Router {
    world
        .router()
        .provider(Arc::clone(provider))
        .failure_threshold(2)
        .cooldown(COOLDOWN)
        .retries(Retries::NONE)
        .build()
        .unwrap()
}

async fn fail(router: &Router, times: usize) {
    for _ in 0..times {
        router.complete(hello()).await.unwrap_err();
    }
}

#[tokio::test]
async fn failures_in_a_row_open_it_and_a_probe_closes_it_again() {
    let world = World::default();
    let provider = Scripted::new("a", [DOWN, DOWN]);
    let router = one(&world, &provider);
    fail(&router, 2).await;
    let error = router.complete(hello()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoHealthyProviders);
    assert_eq!(error.retry(), Retry::After(Some(COOLDOWN)));
    assert_eq!(provider.calls(), 2);

    world.clock.advance(COOLDOWN);
    router.complete(hello()).await.unwrap();
    assert_eq!(router.providers()[0].health_state, Healthy);
    let changes = [(Healthy, Unhealthy), (Unhealthy, HalfOpen), (HalfOpen, Healthy)];
    assert_eq!(world.events.health(), changes);
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_again_for_the_whole_cooldown() {
    let world = World::default();
    let provider = Scripted::new("a", [DOWN, DOWN, DOWN]);
    let router = one(&world, &provider);
    fail(&router, 2).await;
    world.clock.advance(COOLDOWN);
    fail(&router, 1).await;
    world.clock.advance(COOLDOWN - Duration::from_millis(1));
    let error = router.complete(hello()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_millis(1))));
    assert_eq!(provider.calls(), 3);
    assert_eq!(world.events.health().last(), Some(&(HalfOpen, Unhealthy)));
}

#[tokio::test]
async fn a_success_in_between_resets_the_count() {
    let world = World::default();
    let provider = Scripted::new("a", [DOWN, Turn::Say("hi"), DOWN, Turn::Say("hi")]);
    let router = one(&world, &provider);
    for _ in 0..2 {
        fail(&router, 1).await;
        router.complete(hello()).await.unwrap();
    }
    assert_eq!(world.events.health(), []);
}

#[tokio::test]
async fn a_change_is_announced_with_the_provider_and_the_time() {
    let world = World::default();
    let router = one(&world, &Scripted::new("a", [DOWN, DOWN]));
    fail(&router, 2).await;
    let event = serde_json::to_value(&world.events.events()[0]).unwrap();
    let expected = serde_json::json!({
        "type": "provider:health_change", "provider": "a",
        "from": "healthy", "to": "unhealthy", "timestamp": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn a_report_sees_the_end_of_the_cooldown_and_announces_it_once() {
    let world = World::default();
    let router = one(&world, &Scripted::new("a", [DOWN, DOWN]));
    fail(&router, 2).await;
    assert_eq!(router.providers()[0].health_state, Unhealthy);
    world.clock.advance(COOLDOWN);
    assert_eq!(router.providers()[0].health_state, HalfOpen);
    assert_eq!(router.providers()[0].health_state, HalfOpen);
    assert_eq!(world.events.health(), [(Healthy, Unhealthy), (Unhealthy, HalfOpen)]);
}

#[tokio::test]
async fn half_open_admits_one_request_at_a_time() {
    let world = World::default();
    let provider = Scripted::new("a", [DOWN, DOWN, Turn::Hang]);
    let router = one(&world, &provider);
    fail(&router, 2).await;
    world.clock.advance(COOLDOWN);
    let mut probe = router.complete(hello());
    assert!((&mut probe).now_or_never().is_none());
    let others = join_all((0..20).map(|_| router.complete(hello()))).await;
    for refused in others {
        let error = refused.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoHealthyProviders);
        assert_eq!(error.retry(), Retry::After(None));
    }
    assert_eq!(provider.calls(), 3);

    drop(probe);
    router.complete(hello()).await.unwrap();
    assert_eq!(provider.calls(), 4);
}

/// A provider that rejects everything and can't bear two requests at once.
#[derive(Debug, Default)]
struct Lonely {
    failed_once: AtomicBool,
    busy: AtomicBool,
    met: AtomicUsize,
}

#[async_trait]
impl ModelProvider for Lonely {
    fn name(&self) -> &'static str {
        "lonely"
    }

    async fn complete(&self, _: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        if !self.failed_once.swap(true, SeqCst) {
            return Err(ProviderError::new("lonely", ProviderErrorKind::Unavailable, "down"));
        }
        assert!(!self.busy.swap(true, SeqCst), "two probes at once");
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.met.fetch_add(1, SeqCst);
        self.busy.store(false, SeqCst);
        Err(ProviderError::new("lonely", ProviderErrorKind::Rejected, "no"))
    }

    async fn stream(&self, _: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        unreachable!("it does not promise to stream")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn half_open_never_has_two_requests_under_way_however_many_want() {
    let world = World::default();
    let lonely = Arc::new(Lonely::default());
    let builder = world.router().provider(Arc::<Lonely>::clone(&lonely)).failure_threshold(1);
    let router = builder.cooldown(COOLDOWN).retries(Retries::NONE).build().unwrap();
    let router = Arc::new(router);
    fail(&router, 1).await;
    world.clock.advance(COOLDOWN);
    let callers = (0..400).map(|_| {
        let router = Arc::clone(&router);
        tokio::spawn(async move { router.complete(hello()).await.unwrap_err().code() })
    });
    let mut admitted = 0;
    for code in join_all(callers).await {
        admitted += usize::from(code.unwrap() == ErrorCode::AllProvidersFailed);
    }
    assert!(admitted >= 1);
    assert_eq!(admitted, lonely.met.load(SeqCst));
    assert_eq!(router.providers()[0].health_state, HalfOpen);
}

#[tokio::test]
async fn a_probe_is_one_request_without_retries() {
    let world = World::default();
    let provider = Scripted::new("a", [DOWN; 4].to_vec());
    let builder = world.router().provider(Arc::clone(&provider));
    let router = builder.failure_threshold(1).cooldown(COOLDOWN).build().unwrap();
    let (_, pauses) = world.fly(router.complete(hello())).await;
    assert_eq!((provider.calls(), pauses.len()), (3, 2));
    world.clock.advance(COOLDOWN);
    router.complete(hello()).await.unwrap_err();
    assert_eq!(provider.calls(), 4);
}

#[tokio::test]
async fn a_rejected_request_neither_trips_nor_resets() {
    let world = World::default();
    let reject = Turn::Fail(ProviderErrorKind::Rejected);
    let script = [reject.clone(), reject.clone(), reject.clone(), DOWN, reject.clone(), DOWN];
    let provider = Scripted::new("a", script);
    let router = one(&world, &provider);
    fail(&router, 5).await;
    assert_eq!(world.events.health(), []);
    fail(&router, 1).await;
    assert_eq!(world.events.health(), [(Healthy, Unhealthy)]);

    world.clock.advance(COOLDOWN);
    provider.then(reject);
    fail(&router, 1).await;
    assert_eq!(router.providers()[0].health_state, HalfOpen);
    router.complete(hello()).await.unwrap();
    assert_eq!(router.providers()[0].health_state, Healthy);
}

#[tokio::test]
async fn refused_credentials_count_as_an_outage() {
    let world = World::default();
    let router = one(&world, &Scripted::new("a", vec![Turn::Fail(ProviderErrorKind::Auth); 2]));
    fail(&router, 2).await;
    assert_eq!(router.providers()[0].health_state, Unhealthy);
}

#[tokio::test]
async fn a_call_that_is_dropped_counts_neither_way() {
    let world = World::default();
    let provider = Scripted::new("a", [DOWN, Turn::Hang, DOWN]);
    let router = one(&world, &provider);
    fail(&router, 1).await;
    assert!(router.complete(hello()).now_or_never().is_none());
    fail(&router, 1).await;
    assert_eq!(world.events.health(), [(Healthy, Unhealthy)]);
}

#[tokio::test]
async fn an_unhealthy_provider_is_skipped_for_a_healthy_one() {
    let world = World::default();
    let down = Scripted::new("a", vec![DOWN; 9]);
    let router = world
        .router()
        .provider(Arc::clone(&down))
        .provider(Scripted::new("b", []))
        .failure_threshold(2)
        .retries(Retries::NONE)
        .build()
        .unwrap();
    for _ in 0..5 {
        assert_eq!(router.complete(hello()).await.unwrap().provider, "b");
    }
    assert_eq!(down.calls(), 2);
}

#[tokio::test]
async fn nobody_healthy_says_when_the_first_is_ready() {
    let world = World::default();
    let router = world
        .router()
        .provider(Scripted::new("a", [DOWN]))
        .provider(Scripted::new("b", [DOWN]))
        .failure_threshold(1)
        .retries(Retries::NONE)
        .build()
        .unwrap();
    router.complete(hello().with_provider("a")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(10));
    router.complete(hello().with_provider("b")).await.unwrap_err();
    let error = router.complete(hello()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_secs(20))));
}

/// A sink that asks the router for a report.
#[derive(Debug, Default)]
struct Curious(std::sync::OnceLock<std::sync::Weak<Router>>);

impl EventSink for Curious {
    fn emit(&self, _: Event) {
        let router = self.0.get().and_then(std::sync::Weak::upgrade).unwrap();
        assert_eq!(router.providers()[0].health_state, Unhealthy);
    }
}

#[tokio::test]
async fn a_sink_may_ask_the_router_for_a_report() {
    let sink = Arc::new(Curious::default());
    let builder = Router::builder().provider(Scripted::new("a", [DOWN]));
    let builder = builder.failure_threshold(1).retries(Retries::NONE);
    let router = Arc::new(builder.events(Arc::<Curious>::clone(&sink)).build().unwrap());
    sink.0.set(Arc::downgrade(&router)).unwrap();
    fail(&router, 1).await;
}
