//! A second request when the first is slow.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use runcor_core::{
    AttemptOutcome, ErrorCode, ModelRequest, ModelService, ProviderErrorKind, ProviderHealth,
    ProviderReport,
};
use runcor_router::{Hedge, Retries, Router, RouterBuilder};

use crate::fakes::{Scripted, Turn, World, drain};
use crate::meter::{Recording, metered};

use AttemptOutcome::{Answered, Cancelled, Failed};

const PATIENCE: Duration = Duration::from_millis(500);

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

fn hedged(world: &World, providers: &[&Arc<Scripted>]) -> RouterBuilder {
    let router = world.router().hedge(Hedge::default()).retries(Retries::NONE);
    providers.iter().fold(router, |router, provider| router.provider(Arc::clone(provider)))
}

/// Lets every provider answer often enough that their latency is known.
async fn warm(router: &Router, names: &[&str]) {
    for name in names.iter().cycle().take(10 * names.len()) {
        router.complete(hello().with_provider(*name)).await.unwrap();
    }
}

fn ends(meter: &Recording) -> Vec<(String, AttemptOutcome)> {
    meter.outcomes()
}

#[tokio::test]
async fn the_next_provider_is_asked_when_one_is_slow_and_the_loser_is_billed() {
    let world = World::default();
    let (slow, quick) = (Scripted::streaming("slow", []), Scripted::streaming("quick", []));
    let router = hedged(&world, &[&slow, &quick]).build().unwrap();
    warm(&router, &["slow", "quick"]).await;
    for streams in [false, true] {
        slow.then(Turn::Hang);
        let (scope, meter) = metered();
        let request = hello().with_scope(scope);
        let work = async {
            if streams {
                drain(router.stream(request).await.unwrap()).await.1.unwrap()
            } else {
                router.complete(request).await.unwrap()
            }
        };
        let (answer, waited) = world.fly(work).await;
        assert_eq!((answer.provider.as_str(), waited), ("quick", vec![PATIENCE]));
        assert_eq!(meter.reserved(), 2);
        let [lost, won] = ["slow", "quick"].map(str::to_owned);
        let mut ends = ends(&meter);
        ends.sort_by_key(|(_, outcome)| outcome.as_str());
        assert_eq!(ends, [(won, Answered), (lost, Cancelled)]);
        assert_eq!(slow.open_streams(), 0);
        assert_eq!(router.providers()[0].health_state, ProviderHealth::Healthy);
    }
}

#[tokio::test]
async fn a_single_provider_is_asked_again_itself() {
    let world = World::default();
    let only = Scripted::new("only", []);
    let router = hedged(&world, &[&only]).build().unwrap();
    warm(&router, &["only"]).await;
    for pin in [None, Some("only".to_owned())] {
        only.then(Turn::Hang);
        let request = ModelRequest { provider: pin, ..hello() };
        let (answer, waited) = world.fly(router.complete(request)).await;
        assert_eq!((answer.unwrap().provider.as_str(), waited.len()), ("only", 1));
    }
}

#[tokio::test]
async fn the_wait_is_the_percentile_of_what_was_measured() {
    let world = World::default();
    let late = Scripted::new("late", []);
    let router = hedged(&world, &[&late]).build().unwrap();
    for _ in 0..20 {
        late.then(Turn::After(Duration::from_secs(3), "ok"));
        world.fly(router.complete(hello())).await.0.unwrap();
    }
    late.then(Turn::Hang);
    let (_, waited) = world.fly(router.complete(hello())).await;
    assert_eq!(waited, [Duration::from_secs(3)]);
}

#[tokio::test]
async fn nothing_is_hedged_before_latencies_are_known_nor_when_the_request_declines() {
    let world = World::default();
    let (slow, quick) = (Scripted::new("slow", [Turn::Hang]), Scripted::new("quick", []));
    let router = hedged(&world, &[&slow, &quick]).build().unwrap();
    assert!(router.complete(hello()).now_or_never().is_none());
    assert_eq!(world.clock.next_wake(), None);
    warm(&router, &["slow", "quick"]).await;
    slow.then(Turn::Hang);
    assert!(router.complete(hello().with_hedge(false)).now_or_never().is_none());
    assert_eq!((world.clock.next_wake(), quick.calls()), (None, 10));
}

#[tokio::test]
async fn a_stream_that_has_begun_is_not_hedged() {
    let world = World::default();
    let (first, other) = (Scripted::streaming("a", []), Scripted::streaming("b", []));
    let router = hedged(&world, &[&first, &other]).build().unwrap();
    warm(&router, &["a", "b"]).await;
    first.then(Turn::Stall("one"));
    let chunks = router.stream(hello()).await.unwrap();
    assert!(drain(chunks).now_or_never().is_none());
    assert_eq!((world.clock.next_wake(), other.calls()), (None, 10));
}

#[tokio::test]
async fn a_budget_that_refuses_the_second_request_leaves_the_first_alone() {
    for (turn, ends_well) in [
        (Turn::After(Duration::from_secs(9), "ok"), true),
        (Turn::FailAfter(Duration::from_secs(9), ProviderErrorKind::Unavailable), false),
    ] {
        let world = World::default();
        let (slow, quick) = (Scripted::new("slow", []), Scripted::new("quick", []));
        let router = hedged(&world, &[&slow, &quick]).build().unwrap();
        warm(&router, &["slow", "quick"]).await;
        slow.then(turn);
        let meter = Recording::new(1, None);
        let asked = router.complete(hello().with_scope(meter.scope()));
        let (ended, waited) = world.fly(asked).await;
        assert_eq!(waited, [PATIENCE, Duration::from_millis(8_500)]);
        match ended {
            Ok(answer) => assert!(ends_well && answer.provider == "slow"),
            Err(error) => {
                assert!(!ends_well && error.code() == ErrorCode::BudgetExceeded, "{error}");
            }
        }
        assert_eq!((meter.booked().len(), quick.calls()), (1, 10));
    }
}

#[tokio::test]
async fn whom_a_budget_refused_beside_the_first_is_the_fallback_once_that_gave_its_money_back() {
    let world = World::default();
    let (slow, quick) = (Scripted::new("slow", []), Scripted::new("quick", []));
    let router = hedged(&world, &[&slow, &quick]).build().unwrap();
    warm(&router, &["slow", "quick"]).await;
    let down = ProviderErrorKind::Unavailable;
    slow.then(Turn::FailAfter(Duration::from_secs(9), down));
    let meter = Recording::refusing_the(2);
    let (answer, _) = world.fly(router.complete(hello().with_scope(meter.scope()))).await;
    assert_eq!(answer.unwrap().provider, "quick");

    slow.then(Turn::FailAfter(Duration::from_secs(9), down));
    quick.then(Turn::Fail(down));
    let meter = Recording::refusing_the(2);
    let (ended, _) = world.fly(router.complete(hello().with_scope(meter.scope()))).await;
    assert_eq!(
        ended.unwrap_err().code(),
        ErrorCode::AllProvidersFailed,
        "nobody is asked for ever"
    );
    assert_eq!(meter.reserved(), 2);
}

#[tokio::test]
async fn when_both_fail_the_next_is_a_fallback_as_ever() {
    let world = World::default();
    let down = ProviderErrorKind::Unavailable;
    let providers = ["a", "b", "c"].map(|name| Scripted::new(name, []));
    let router = hedged(&world, &providers.each_ref()).build().unwrap();
    warm(&router, &["a", "b", "c"]).await;
    providers[0].then(Turn::FailAfter(Duration::from_secs(2), down));
    providers[1].then(Turn::FailAfter(Duration::from_secs(1), down));
    let (scope, meter) = metered();
    let (answer, _) = world.fly(router.complete(hello().with_scope(scope))).await;
    assert_eq!(answer.unwrap().provider, "c");
    let ends: Vec<_> = ends(&meter).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(ends, [Failed, Failed, Answered]);
}

#[test]
fn a_hedge_that_makes_no_sense_is_refused() {
    let hedge = Hedge { after: 95.0, ..Hedge::default() };
    let router = World::default().router().provider(Scripted::new("a", [])).hedge(hedge);
    assert_eq!(router.build().unwrap_err().code(), ErrorCode::InvalidConfig);
}
