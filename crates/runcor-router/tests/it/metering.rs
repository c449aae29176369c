//! Each request to a vendor is reserved before, and booked once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use runcor_core::{
    AttemptOutcome, ErrorCode, Held, LedgerEntry, ModelRequest, ModelService, Money,
    ProviderErrorKind, ProviderHealth, ProviderReport, Retry, TokenPrice, Usage,
};
use runcor_router::{Registration, Retries, Router, StructuredOutput};

use crate::fakes::{Scripted, Turn, World, drain};
use crate::meter::{PROMPT_CEILING, Recording, metered};

use AttemptOutcome::{Answered, Cancelled, Failed};

const ASKED: i64 = 2_000;

fn price(picos: i64) -> TokenPrice {
    TokenPrice { input_picos: picos, output_picos: picos, ..TokenPrice::default() }
}

fn hello(meter: &Arc<Recording>) -> ModelRequest {
    ModelRequest::prompt("hello").with_max_tokens(100).with_scope(meter.scope())
}

fn one(world: &World, provider: &Arc<Scripted>) -> Router {
    let registration = Registration::new(Arc::<Scripted>::clone(provider));
    let router = world.router().provider(registration.with_price(price(1_000)));
    router.retries(Retries::NONE).build().unwrap()
}

fn outcomes(meter: &Recording) -> Vec<(String, AttemptOutcome)> {
    meter.outcomes()
}

fn rows(meter: &Recording) -> Vec<(AttemptOutcome, Usage)> {
    meter.booked().iter().map(|entry| (entry.outcome, entry.usage)).collect()
}

fn estimated(prompt_tokens: u64, completion_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens, estimated: true, ..Usage::default() }
}

#[tokio::test]
async fn retries_and_fallbacks_are_rows_of_their_own_under_what_they_asked_for() {
    let world = World::default();
    let busy = ProviderErrorKind::Unavailable;
    let first = Scripted::new("a", [busy, busy, busy].map(Turn::Fail));
    let builder = world
        .router()
        .provider(Registration::new(first).with_models(["m"]).with_model_price("m", price(ASKED)))
        .provider(Registration::new(Scripted::new("b", [])).with_price(price(1_000)));
    let router = builder.build().unwrap();
    let meter = Recording::new(usize::MAX, None);
    let (answer, _) = world.fly(router.complete(hello(&meter).with_model("m"))).await;
    assert_eq!(answer.unwrap().cost, Some(Money::from_nanos(5)));
    let m = Some("m".to_owned());
    let planned = |name: &str, picos| (name.to_owned(), m.clone(), Some(price(picos)));
    let first = planned("a", ASKED);
    assert_eq!(meter.plans(), [first.clone(), first.clone(), first, planned("b", 1_000)]);
    let a = || ("a".to_owned(), Failed);
    assert_eq!(outcomes(&meter), [a(), a(), a(), ("b".to_owned(), Answered)]);
    let booked = meter.booked();
    assert!(booked[..3].iter().all(|entry| entry.cost == Money::ZERO && !entry.usage.estimated));
    let LedgerEntry { model, cost, usage, .. } = &booked[3];
    assert_eq!((model.as_str(), *cost), ("vendor-model", Money::from_nanos(5)));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.estimated), (3, 2, false));
}

#[tokio::test]
async fn the_price_of_the_meter_is_the_price_of_the_answer() {
    let router = one(&World::default(), &Scripted::new("a", []));
    let meter = Recording::new(usize::MAX, Some(price(7_000)));
    let answer = router.complete(hello(&meter)).await.unwrap();
    assert_eq!(answer.cost, Some(Money::from_nanos(35)));
    assert_eq!(meter.booked()[0].cost, Money::from_nanos(35));
}

#[tokio::test]
async fn a_budget_ends_the_routing_with_its_own_error_and_nobody_else_is_asked() {
    for allowed in [0, 1] {
        let world = World::default();
        let first = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Network)]);
        let second = Scripted::new("b", []);
        let builder = world.router().provider(Arc::clone(&first)).provider(Arc::clone(&second));
        let router = builder.failure_threshold(2).build().unwrap();
        let meter = Recording::new(allowed, None);
        let (ended, _) = world.fly(router.complete(hello(&meter))).await;
        let error = ended.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BudgetExceeded);
        assert_eq!(error.message(), "the budget is spent");
        assert_eq!(error.retry(), Retry::After(Some(Duration::from_secs(7))));
        assert_eq!(error.details().unwrap()["scope"], "global");
        assert_eq!((first.calls(), second.calls()), (allowed, 0));
        let meter = Recording::new(0, None);
        assert!(router.stream(hello(&meter)).await.is_err());
        assert_eq!(world.events.health(), []);
    }
}

#[tokio::test]
async fn a_budget_that_refuses_a_probe_gives_it_back() {
    let world = World::default();
    let provider = Scripted::new("a", [Turn::Fail(ProviderErrorKind::Unavailable)]);
    let builder = world.router().provider(provider).failure_threshold(1);
    let router = builder.retries(Retries::NONE).build().unwrap();
    router.complete(ModelRequest::prompt("hello")).await.unwrap_err();
    world.clock.advance(Duration::from_secs(30));
    router.complete(hello(&Recording::new(0, None))).await.unwrap_err();
    assert_eq!(router.providers()[0].health_state, ProviderHealth::HalfOpen);
    router.complete(hello(&Recording::new(1, None))).await.unwrap();
    assert_eq!(router.providers()[0].health_state, ProviderHealth::Healthy);
}

#[tokio::test]
async fn what_nobody_knows_the_bill_of_is_booked_at_its_ceiling() {
    use ProviderErrorKind::{
        Auth, Malformed, Network, RateLimited, Rejected, Timeout, Unavailable,
    };
    for kind in [Timeout, Malformed] {
        let meter = Recording::new(usize::MAX, None);
        let router = one(&World::default(), &Scripted::new("a", [Turn::Fail(kind)]));
        router.complete(hello(&meter)).await.unwrap_err();
        assert_eq!(rows(&meter), [(Failed, estimated(PROMPT_CEILING, 100))], "{kind:?}");
        assert_eq!(meter.booked()[0].cost, Money::from_nanos(150));
    }
    for kind in [Auth, Network, RateLimited, Rejected, Unavailable] {
        let meter = Recording::new(usize::MAX, None);
        let router = one(&World::default(), &Scripted::new("a", [Turn::Fail(kind)]));
        router.complete(hello(&meter)).await.unwrap_err();
        assert_eq!(rows(&meter), [(Failed, Usage::default())], "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_given_up_is_booked_at_its_ceiling_with_the_time_it_took() {
    let world = World::default();
    let router = one(&world, &Scripted::streaming("a", [Turn::Hang, Turn::Hang]));
    let meter = Recording::new(usize::MAX, None);
    let mut asked = Box::pin(router.complete(hello(&meter)));
    assert!(asked.as_mut().now_or_never().is_none());
    world.clock.advance(Duration::from_secs(3));
    drop(asked);
    assert!(router.stream(hello(&meter)).now_or_never().is_none());
    let ceiling = (Cancelled, estimated(PROMPT_CEILING, 100));
    assert_eq!(rows(&meter), [ceiling, ceiling]);
    assert_eq!(meter.booked()[0].duration, Duration::from_secs(3));
}

#[tokio::test]
async fn a_stream_is_booked_with_its_last_chunk() {
    let router = one(&World::default(), &Scripted::streaming("a", [Turn::Say("one two three")]));
    let meter = Recording::new(usize::MAX, None);
    let mut chunks = router.stream(hello(&meter)).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    assert_eq!(meter.booked(), []);
    let (_, whole, _) = drain(chunks).await;
    let usage = Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() };
    assert_eq!(
        (whole.unwrap().cost, rows(&meter)),
        (Some(Money::from_nanos(5)), vec![(Answered, usage)])
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_is_dropped_is_booked_by_what_was_seen() {
    let network = ProviderErrorKind::Network;
    for (turn, dropped) in [
        (Turn::Break("one two", network), false),
        (Turn::Trail("one two"), false),
        (Turn::Stall("one two"), true),
    ] {
        let router = one(&World::default(), &Scripted::streaming("a", [turn]));
        let meter = Recording::new(usize::MAX, None);
        let mut chunks = router.stream(hello(&meter)).await.unwrap();
        if dropped {
            chunks.next().await.unwrap().unwrap();
            chunks.next().await.unwrap().unwrap();
            assert!(chunks.next().now_or_never().is_none());
            drop(chunks);
        } else {
            drain(chunks).await;
        }
        let outcome = if dropped { Cancelled } else { Failed };
        assert_eq!(rows(&meter), [(outcome, estimated(PROMPT_CEILING, 2))]);
    }
}

#[tokio::test]
async fn what_was_seen_is_never_booked_above_what_was_reserved() {
    let router =
        one(&World::default(), &Scripted::streaming("a", [Turn::Trail("many more words")]));
    let meter = Recording::new(usize::MAX, None);
    drain(router.stream(hello(&meter).with_max_tokens(1)).await.unwrap()).await;
    assert_eq!(rows(&meter), [(Failed, estimated(PROMPT_CEILING, 1))]);
}

#[tokio::test]
async fn a_stream_of_a_provider_that_was_asked_whole_is_booked_at_once() {
    let router = one(&World::default(), &Scripted::new("a", [Turn::Say("one")]));
    let meter = Recording::new(usize::MAX, None);
    let chunks = router.stream(hello(&meter)).await.unwrap();
    let usage = Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() };
    assert_eq!(rows(&meter), [(Answered, usage)]);
    drop(chunks);
    assert_eq!(meter.outcomes().len(), 1);
}

#[tokio::test]
async fn usage_that_a_vendor_does_not_tell_is_estimated() {
    for scope in [None, Some(metered())] {
        let router = one(
            &World::default(),
            &Scripted::streaming("a", [Turn::Mute("12345678"), Turn::Mute("12345")]),
        );
        let mut request = ModelRequest::prompt("1234");
        if let Some((scope, _)) = &scope {
            request = request.with_scope(scope.clone());
        }
        let prompt_tokens = if scope.is_some() { PROMPT_CEILING } else { 5 };
        let whole = router.complete(request.clone()).await.unwrap();
        assert_eq!(whole.usage, estimated(prompt_tokens, 2));
        let (_, streamed, _) = drain(router.stream(request).await.unwrap()).await;
        assert_eq!(streamed.unwrap().usage, estimated(prompt_tokens, 2));
    }
}

#[tokio::test]
async fn the_retry_for_a_valid_answer_is_paid_for_too() {
    let provider = Scripted::new("a", [Turn::Say("no"), Turn::Say("7")]);
    let layer = StructuredOutput::new(Arc::new(one(&World::default(), &provider)));
    let meter = Recording::new(usize::MAX, None);
    let request = hello(&meter).with_response_format(runcor_core::ResponseFormat::Json);
    layer.complete(request).await.unwrap();
    assert_eq!(meter.outcomes().len(), 2);
}

#[test]
fn what_nobody_counts_has_no_row() {
    assert_eq!(Held::uncounted().id(), None);
}
