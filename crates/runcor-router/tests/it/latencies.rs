//! Routing by weight and by latency.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{ModelRequest, ModelService, Strategy};
use runcor_router::{Registration, Router};

use crate::fakes::{Scripted, Turn, World, drain};

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

async fn who(world: &World, router: &Router, request: ModelRequest) -> String {
    world.fly(router.complete(request)).await.0.unwrap().provider
}

fn after(millis: u64) -> Turn {
    Turn::After(Duration::from_millis(millis), "ok")
}

#[tokio::test]
async fn those_not_yet_measured_come_first_and_then_the_quickest() {
    let world = World::default();
    let slow = Scripted::new("slow", [after(900)]);
    let quick = Scripted::new("quick", [after(100)]);
    let builder = world.router().provider(slow).provider(quick);
    let router = builder.strategy(Strategy::LeastLatency).build().unwrap();
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(who(&world, &router, hello()).await);
    }
    assert_eq!(names, ["slow", "quick", "quick", "quick"]);
}

#[tokio::test]
async fn a_provider_that_was_slow_once_is_tried_again_by_one_request() {
    let world = World::default();
    let slow = Scripted::new("slow", [after(800), after(800)]);
    let builder =
        world.router().provider(Arc::clone(&slow)).provider(Scripted::new("quick", [after(100)]));
    let router = builder.strategy(Strategy::LeastLatency).build().unwrap();
    for _ in 0..2 {
        who(&world, &router, hello()).await;
    }
    let quick = Scripted::new("x", []);
    drop(quick);
    // Eight times slower is forgotten after three half-lives of what is not measured.
    let keep_warm = async |seconds| {
        world.clock.advance(Duration::from_secs(seconds));
        let request = hello().with_provider("quick");
        who(&world, &router, request).await;
    };
    keep_warm(100).await;
    assert_eq!(who(&world, &router, hello()).await, "quick");
    world.clock.advance(Duration::from_secs(600));
    let request = hello().with_provider("quick");
    who(&world, &router, request).await;
    let first = router.complete(hello());
    let mut first = Box::pin(first);
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    assert_eq!(who(&world, &router, hello()).await, "quick");
    assert_eq!(world.fly(first).await.0.unwrap().provider, "slow");
}

#[tokio::test]
async fn a_stream_is_measured_by_its_first_piece() {
    let world = World::default();
    let stalls = Scripted::streaming("stalls", [Turn::Say("one two")]);
    let quick = Scripted::new("quick", [after(50)]);
    let builder = world.router().provider(stalls).provider(quick);
    let router = builder.strategy(Strategy::LeastLatency).build().unwrap();
    let chunks = router.stream(hello()).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    drain(chunks).await;
    assert_eq!(who(&world, &router, hello()).await, "quick");
    assert_eq!(who(&world, &router, hello()).await, "stalls");
}

#[tokio::test]
async fn a_request_may_ask_for_the_quickest_where_nobody_measured_before() {
    let world = World::default();
    let builder = world.router().provider(Scripted::new("slow", [after(0), after(900)]));
    let router = builder.provider(Scripted::new("quick", [after(10)])).build().unwrap();
    who(&world, &router, hello()).await;
    let ask = || hello().with_strategy(Strategy::LeastLatency);
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(who(&world, &router, ask()).await);
    }
    assert_eq!(names, ["slow", "quick", "quick"]);
}

#[tokio::test]
async fn weights_share_requests_out_and_a_weight_of_nothing_is_a_fallback() {
    let world = World::default();
    let providers = ["a", "b", "c"].map(|name| Scripted::new(name, []));
    let weighted =
        providers.iter().zip([3, 1, 0]).fold(world.router(), |router, (provider, weight)| {
            router.provider(Registration::new(Arc::<Scripted>::clone(provider)).with_weight(weight))
        });
    let router = weighted.strategy(Strategy::Weighted).build().unwrap();
    for _ in 0..40 {
        router.complete(hello()).await.unwrap();
    }
    assert_eq!(providers.each_ref().map(|provider| provider.calls()), [30, 10, 0]);
    let reject = runcor_core::ProviderErrorKind::Rejected;
    providers[0].then(Turn::Fail(reject));
    providers[1].then(Turn::Fail(reject));
    assert_eq!(who(&world, &router, hello()).await, "c");
}
