//! Strategies and fallback.

use std::sync::Arc;

use proptest::prelude::{Just, any, proptest};

use runcor_core::{
    ErrorCode, ModelRequest, ModelService, ProviderErrorKind, ProviderReport, Strategy, TokenPrice,
};
use runcor_router::{Registration, Router};

use crate::fakes::{Scripted, Turn, World};

async fn who(router: &Router, request: ModelRequest) -> String {
    router.complete(request).await.unwrap().provider
}

fn hello() -> ModelRequest {
    ModelRequest::prompt("hello")
}

#[tokio::test]
async fn the_lowest_priority_is_asked_first_and_ties_follow_registration() {
    let world = World::default();
    let reject = || [Turn::Fail(ProviderErrorKind::Rejected)];
    let router = world
        .router()
        .provider(Registration::new(Scripted::new("second", [])).with_priority(2))
        .provider(Registration::new(Scripted::new("first", reject())).with_priority(1))
        .provider(Registration::new(Scripted::new("tie", reject())).with_priority(1))
        .build()
        .unwrap();
    assert_eq!(who(&router, hello()).await, "second");
    assert_eq!(who(&router, hello()).await, "first");
}

#[tokio::test]
async fn round_robin_gives_each_provider_its_share() {
    let world = World::default();
    let providers: Vec<_> = ["a", "b", "c"].map(|name| Scripted::new(name, [])).to_vec();
    let builder = providers.iter().fold(world.router(), |b, p| b.provider(Arc::clone(p)));
    let router = builder.strategy(Strategy::RoundRobin).build().unwrap();
    for _ in 0..12 {
        router.complete(hello()).await.unwrap();
    }
    assert_eq!(providers.iter().map(|p| p.calls()).collect::<Vec<_>>(), [4, 4, 4]);
}

#[tokio::test]
async fn round_robin_asked_for_by_request_also_goes_on() {
    let world = World::default();
    let builder = world.router().provider(Scripted::new("a", [])).provider(Scripted::new("b", []));
    let router = builder.build().unwrap();
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(who(&router, hello().with_strategy(Strategy::RoundRobin)).await);
    }
    assert_eq!(names, ["a", "b", "a", "b"]);
    assert_eq!(who(&router, hello()).await, "a");
}

#[tokio::test]
async fn round_robin_shares_evenly_among_those_that_are_available() {
    let world = World::default();
    let down = Scripted::new("b", [Turn::Fail(ProviderErrorKind::Auth)]);
    let others = [Scripted::new("a", []), Scripted::new("c", []), Scripted::new("d", [])];
    let router = world
        .router()
        .provider(Arc::clone(&others[0]))
        .provider(Arc::clone(&down))
        .provider(Arc::clone(&others[1]))
        .provider(Arc::clone(&others[2]))
        .failure_threshold(1)
        .strategy(Strategy::RoundRobin)
        .build()
        .unwrap();
    router.complete(hello().with_provider("b")).await.unwrap_err();
    for _ in 0..9 {
        router.complete(hello()).await.unwrap();
    }
    assert_eq!(others.each_ref().map(|p| p.calls()), [3, 3, 3]);
    assert_eq!(down.calls(), 1);
}

#[tokio::test]
async fn the_cheapest_sum_is_asked_first_and_the_unpriced_last() {
    let world = World::default();
    let price = |input, output| TokenPrice::per_token(input, output);
    let reject = || [Turn::Fail(ProviderErrorKind::Rejected)];
    let router = world
        .router()
        .provider(Scripted::new("unpriced", []))
        .provider(Registration::new(Scripted::new("dear", [])).with_price(price(0.003, 0.015)))
        .provider(
            Registration::new(Scripted::new("cheap", reject())).with_price(price(0.005, 0.005)),
        )
        .strategy(Strategy::LowestCost)
        .build()
        .unwrap();
    assert_eq!(who(&router, hello()).await, "dear");
    assert_eq!(who(&router, hello()).await, "cheap");
    assert_eq!(who(&router, hello().with_strategy(Strategy::Priority)).await, "unpriced");
}

#[tokio::test]
async fn the_number_of_fallbacks_is_limited() {
    let world = World::default();
    let providers = ["a", "b", "c"]
        .map(|name| Scripted::new(name, vec![Turn::Fail(ProviderErrorKind::Rejected); 2]));
    let build = |most| {
        let builder = providers.iter().fold(world.router(), |b, p| b.provider(Arc::clone(p)));
        builder.max_fallback_attempts(most).build().unwrap()
    };
    let error = build(0).complete(hello()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AllProvidersFailed);
    assert_eq!(providers.each_ref().map(|p| p.calls()), [1, 0, 0]);
    build(1).complete(hello()).await.unwrap_err();
    assert_eq!(providers.each_ref().map(|p| p.calls()), [2, 1, 0]);
}

#[tokio::test]
async fn when_all_fail_every_attempt_is_told() {
    let world = World::default();
    let router = world
        .router()
        .provider(Scripted::new("a", [Turn::Fail(ProviderErrorKind::Auth)]))
        .provider(Scripted::new("b", [Turn::Fail(ProviderErrorKind::Rejected)]))
        .build()
        .unwrap();
    let error = router.complete(hello()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AllProvidersFailed);
    assert!(error.message().contains("a: a said no; b: b said no"), "{error}");
    let details = serde_json::json!({ "attempts": [
        { "providerName": "a", "error": "a said no", "timestamp": "2026-01-01T00:00:00.000Z" },
        { "providerName": "b", "error": "b said no", "timestamp": "2026-01-01T00:00:00.000Z" },
    ]});
    assert_eq!(error.details(), Some(&details));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_custom_strategy_sees_the_available_ones_and_decides() {
    let world = World::default();
    let skipped = Scripted::new("skipped", []);
    let router = world
        .router()
        .provider(Scripted::new("a", [Turn::Fail(ProviderErrorKind::Rejected)]))
        .provider(Arc::clone(&skipped))
        .provider(Registration::new(Scripted::new("c", [])).with_priority(7))
        .custom_strategy(|candidates, request| {
            assert_eq!(request.prompt.as_deref(), Some("hello"));
            assert_eq!(candidates.len(), 3);
            assert_eq!((candidates[2].name, candidates[2].priority), ("c", 7));
            vec![0, 99, 0, 2]
        })
        .build()
        .unwrap();
    assert_eq!(who(&router, hello()).await, "c");
    assert_eq!(skipped.calls(), 0);
}

#[tokio::test]
async fn a_custom_strategy_may_choose_nobody() {
    let world = World::default();
    let builder = world.router().provider(Scripted::new("a", []));
    let router = builder.custom_strategy(|_, _| Vec::new()).build().unwrap();
    let error = router.complete(hello()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoHealthyProviders);
    assert!(!error.is_retryable());
}

#[test]
fn the_report_follows_the_order_of_registration() {
    let price = TokenPrice::per_token(0.1, 0.2);
    let router = World::default()
        .router()
        .provider(Registration::new(Scripted::new("b", [])).with_priority(3).with_price(price))
        .provider(Scripted::new("a", []))
        .build()
        .unwrap();
    let report = router.providers();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json,
        serde_json::json!([
            { "name": "b", "healthState": "healthy", "priority": 3 },
            { "name": "a", "healthState": "healthy", "priority": 1 },
        ])
    );
    assert_eq!((report[0].price, report[1].price), (Some(price), None));
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    proptest::prop_oneof![
        Just(Strategy::Priority),
        Just(Strategy::RoundRobin),
        Just(Strategy::LowestCost),
    ]
}

proptest! {
    #[test]
    fn every_provider_is_asked_once_until_one_answers(
        strategy in strategies(),
        given in proptest::collection::vec((any::<bool>(), 1..4_u32, any::<Option<u8>>()), 1..8),
        most in 0..9_usize,
        skip in 0..5_usize,
    ) {
        let world = World::default();
        let mut builder = world.router().strategy(strategy).max_fallback_attempts(most);
        let mut providers = Vec::new();
        for (index, (works, priority, price)) in given.iter().enumerate() {
            let script = (!works).then_some(Turn::Fail(ProviderErrorKind::Rejected));
            let script = std::iter::repeat_n(script, 9).flatten();
            let provider = Scripted::new(&format!("p{index}"), script);
            providers.push(Arc::clone(&provider));
            let price = price.map(|cents| TokenPrice::per_token(f64::from(cents), 0.0));
            builder = builder.provider(Registration { price, ..Registration::new(provider) }.with_priority(*priority));
        }
        let router = builder.build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..skip {
            let _ = runtime.block_on(router.complete(hello()));
        }
        let before: Vec<_> = providers.iter().map(|p| p.calls()).collect();
        let answer = runtime.block_on(router.complete(hello()));
        let asked: Vec<_> = providers.iter().zip(before).map(|(p, n)| p.calls() - n).collect();
        assert!(asked.iter().all(|calls| *calls <= 1));
        assert!(asked.iter().sum::<usize>() <= most + 1);
        let failed = given.iter().zip(&asked).filter(|((works, ..), calls)| !works && **calls == 1);
        let failed = failed.count();
        match answer {
            Ok(_) => assert_eq!(asked.iter().sum::<usize>(), failed + 1),
            Err(_) => assert_eq!(failed, given.len().min(most + 1)),
        }
    }
}
