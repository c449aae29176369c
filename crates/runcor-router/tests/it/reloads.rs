//! Signs of life, and what a router leaves to the next one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use runcor_core::{
    CallScope, ErrorCode, ModelRequest, ModelService, ProviderErrorKind, ProviderHealth,
    ProviderReport,
};
use runcor_router::{Retries, Router, RouterBuilder};

use crate::fakes::{Scripted, Turn, World};
use crate::meter::metered;

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

fn down() -> Turn {
    Turn::Fail(ProviderErrorKind::Unavailable)
}

#[tokio::test]
async fn a_ping_tells_for_each_provider_how_long_it_took_or_why_not() {
    let world = World::default();
    let quick = Scripted::new("quick", [Turn::After(Duration::from_millis(40), "")]);
    let silent = Scripted::new("silent", [Turn::Hang]);
    let locked = Scripted::new("locked", [Turn::Fail(ProviderErrorKind::Auth)]);
    let free = Scripted::pinging("free", [Turn::After(Duration::from_millis(7), "")]);
    let all = [&quick, &silent, &locked, &free];
    let builder = all.iter().fold(world.router(), |builder, p| builder.provider(Arc::clone(p)));
    let router = builder.failure_threshold(1).build().unwrap();
    let (scope, meter) = metered();
    let (pings, _) = world.fly(router.ping(&scope)).await;
    let names: Vec<_> = pings.iter().map(|ping| ping.provider.as_str()).collect();
    assert_eq!(names, ["quick", "silent", "locked", "free"]);
    let took = |at: usize| pings[at].latency.as_ref().ok().map(Duration::as_millis);
    assert_eq!([0, 1, 2, 3].map(took), [Some(40), None, None, Some(7)]);
    let code = |at: usize| pings[at].latency.as_ref().unwrap_err().code();
    assert_eq!((code(1), code(2)), (ErrorCode::ProviderError, ErrorCode::ProviderAuthError));
    assert_eq!(quick.seen(0).max_tokens, Some(1));
    assert_eq!(free.calls(), 0);
    drop(scope);
    assert_eq!(meter.booked().len(), 3);
    assert_eq!(world.events.health(), []);
}

fn builder(world: &World, provider: &Arc<Scripted>) -> RouterBuilder {
    let builder = world.router().provider(Arc::clone(provider)).failure_threshold(1);
    builder.retries(Retries::NONE)
}

fn health(router: &Router) -> ProviderHealth {
    router.providers()[0].health_state
}

#[tokio::test]
async fn a_breaker_outlives_a_reload_when_name_and_address_stay() {
    let world = World::default();
    let first = Scripted::at("a", "https://one", [down()]);
    let old = builder(&world, &first).build().unwrap();
    old.complete(hello()).await.unwrap_err();

    let same = Scripted::at("a", "https://one", []);
    let reloaded = builder(&world, &same).inherit(&old).build().unwrap();
    assert_eq!(health(&reloaded), ProviderHealth::Unhealthy);
    for (name, address) in [("a", "https://two"), ("b", "https://one")] {
        let other = Scripted::at(name, address, []);
        let router = builder(&world, &other).inherit(&old).build().unwrap();
        assert_eq!(health(&router), ProviderHealth::Healthy);
    }
    world.clock.advance(Duration::from_secs(30));
    reloaded.complete(hello()).await.unwrap();
    assert_eq!((health(&reloaded), same.calls()), (ProviderHealth::Healthy, 1));
}

#[tokio::test]
async fn a_request_of_the_old_router_counts_for_the_new_one() {
    let world = World::default();
    let provider =
        Scripted::new("a", [Turn::FailAfter(Duration::from_secs(1), ProviderErrorKind::Network)]);
    let old = builder(&world, &provider).build().unwrap();
    let mut asked = Box::pin(old.complete(hello()));
    assert!(futures_util::poll!(asked.as_mut()).is_pending());
    let new = builder(&world, &provider).inherit(&old).build().unwrap();
    world.fly(asked).await.0.unwrap_err();
    assert_eq!(health(&new), ProviderHealth::Unhealthy);
}

#[tokio::test]
async fn of_many_requests_at_once_one_finds_out_whether_a_provider_is_back() {
    let world = World::default();
    let provider = Scripted::new("a", [down(), Turn::After(Duration::from_secs(1), "ok")]);
    let router = builder(&world, &provider).build().unwrap();
    router.complete(hello()).await.unwrap_err();
    world.clock.advance(Duration::from_secs(30));
    let all = futures_util::future::join_all((0..50).map(|_| router.complete(hello())));
    let (ended, _) = world.fly(all).await;
    let (good, bad): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), provider.calls()), (1, 2));
    assert!(
        bad.iter()
            .all(|ended| { ended.as_ref().unwrap_err().code() == ErrorCode::NoHealthyProviders })
    );
    assert_eq!(health(&router), ProviderHealth::Healthy);
}

#[tokio::test]
async fn of_many_threads_at_once_one_finds_out_whether_a_provider_is_back() {
    for _ in 0..50 {
        let world = World::default();
        let provider = Scripted::new("a", [down(), Turn::Hang, Turn::Hang]);
        let router = builder(&world, &provider).build().unwrap();
        router.complete(hello()).await.unwrap_err();
        world.clock.advance(Duration::from_secs(30));
        let start = std::sync::Barrier::new(8);
        let probes = std::thread::scope(|scope| {
            let ask = || {
                start.wait();
                let mut asked = router.complete(hello());
                let is_probe = (&mut asked).now_or_never().is_none();
                // It stays under way until everybody has asked.
                start.wait();
                is_probe
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|p| *p).count()
        });
        assert_eq!((probes, provider.calls()), (1, 2));
        assert_eq!(health(&router), ProviderHealth::HalfOpen);
    }
}

#[tokio::test]
async fn a_ping_outside_of_any_scope_is_not_counted() {
    let router = World::default().router().provider(Scripted::new("a", [])).build().unwrap();
    assert!(router.ping(&CallScope::default()).await[0].latency.is_ok());
}
