//! One name for models that each vendor calls differently.

use std::sync::Arc;

use runcor_core::{ErrorCode, ModelRequest, ModelService, ProviderErrorKind, Strategy, TokenPrice};
use runcor_router::{Registration, Router, RouterBuilder};

use crate::fakes::{Scripted, Turn, World};

fn rejecting(name: &str) -> Arc<Scripted> {
    let reject = || Turn::Fail(ProviderErrorKind::Rejected);
    Scripted::new(name, [reject(), reject()])
}

fn named(model: &str) -> Vec<Option<String>> {
    vec![Some(model.to_owned())]
}

fn ask(model: &str) -> ModelRequest {
    ModelRequest::prompt("hello").with_model(model)
}

fn register(provider: &Arc<Scripted>) -> Registration {
    Registration::new(Arc::<Scripted>::clone(provider))
}

#[tokio::test]
async fn an_alias_goes_to_the_providers_it_names_each_by_its_own_name() {
    let (any, one, two) = (rejecting("any"), rejecting("one/x"), rejecting("two"));
    let router = World::default()
        .router()
        .provider(Arc::clone(&any))
        .provider(register(&one).with_models(["other"]))
        .provider(register(&two).with_priority(3))
        .alias("fast", [("two", "two-mini"), ("one", "one-haiku")])
        .build()
        .unwrap();
    let error = router.complete(ask("fast")).await.unwrap_err();
    assert_eq!(error.details().unwrap()["attempts"].as_array().unwrap().len(), 2);
    assert_eq!((one.models(), two.models()), (named("one-haiku"), named("two-mini")));
    assert_eq!(any.calls(), 0);
    assert_eq!(error.details().unwrap()["attempts"][0]["providerName"], "one/x");
}

#[tokio::test]
async fn a_pinned_provider_gets_its_own_name_of_an_alias_and_another_is_refused() {
    let (one, two) = (Scripted::new("one", []), Scripted::new("two", []));
    let builder = World::default().router().provider(Arc::clone(&one)).provider(Arc::clone(&two));
    let router = builder.alias("fast", [("one", "one-haiku")]).build().unwrap();
    router.complete(ask("fast").with_provider("one")).await.unwrap();
    assert_eq!(one.models(), named("one-haiku"));
    let error = router.complete(ask("fast").with_provider("two")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert_eq!(two.calls(), 0);
}

#[tokio::test]
async fn a_registration_may_have_its_own_name_for_a_model_that_others_list() {
    let (lists, renames, any) = (rejecting("lists"), rejecting("renames"), rejecting("any"));
    let router = World::default()
        .router()
        .provider(register(&lists).with_models(["gpt-4o"]))
        .provider(register(&renames).with_models(["gpt-4o"]).with_model_name("gpt-4o", "deploy-7"))
        .provider(Arc::clone(&any))
        .build()
        .unwrap();
    router.complete(ask("gpt-4o")).await.unwrap_err();
    router.complete(ModelRequest::prompt("hello").with_provider("renames")).await.unwrap_err();
    assert_eq!(lists.models(), named("gpt-4o"));
    assert_eq!(renames.models(), [named("deploy-7"), named("deploy-7")].concat());
    assert_eq!(any.calls(), 0);
}

#[tokio::test]
async fn a_vendor_never_gets_another_vendors_name_as_a_fallback() {
    let first = rejecting("first");
    let knowing =
        Scripted::knowing("anthropic", "claude-", [Turn::Fail(ProviderErrorKind::Rejected)]);
    let builder = World::default().router().provider(Arc::clone(&first));
    let router = builder.provider(Arc::clone(&knowing)).build().unwrap();
    router.complete(ask("gpt-4o")).await.unwrap_err();
    assert_eq!((first.models(), knowing.models()), (named("gpt-4o"), vec![None]));
    let answer = router.complete(ask("gpt-4o")).await.unwrap();
    assert!(answer.substituted);
}

#[tokio::test]
async fn a_model_that_a_provider_knows_by_its_name_goes_there_and_not_to_those_that_lack_it() {
    let lists = rejecting("openai");
    let knowing = Scripted::knowing("anthropic", "claude-", []);
    let other = Scripted::knowing("google", "gemini-", []);
    let builder = World::default().router().provider(register(&lists).with_models(["gpt-4o"]));
    let router = builder.provider(other.clone()).provider(Arc::clone(&knowing)).build().unwrap();
    let answer = router.complete(ask("claude-opus-4-5")).await.unwrap();
    assert_eq!((answer.provider.as_str(), answer.substituted), ("anthropic", false));
    assert_eq!((lists.calls(), other.calls()), (0, 0));
}

#[tokio::test]
async fn the_cheapest_is_found_by_the_price_of_the_model_that_each_would_be_asked_for() {
    let picos = |picos| TokenPrice { input_picos: picos, ..TokenPrice::default() };
    let (one, two) = (Scripted::new("one", []), Scripted::new("two", []));
    let router = World::default()
        .router()
        .provider(register(&one).with_price(picos(1)).with_model_price("big-1", picos(900)))
        .provider(register(&two).with_price(picos(2)).with_model_price("big-2", picos(800)))
        .alias("big", [("one", "big-1"), ("two", "big-2")])
        .strategy(Strategy::LowestCost)
        .build()
        .unwrap();
    let who = async |request| router.complete(request).await.unwrap().provider;
    assert_eq!(who(ask("big")).await, "two");
    assert_eq!(who(ModelRequest::prompt("hello")).await, "one");
}

fn refused(builder: RouterBuilder) -> String {
    let error = builder.build().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    error.to_string()
}

#[test]
fn an_alias_that_can_not_work_is_refused_when_the_router_is_built() {
    let two =
        || Router::builder().provider(Scripted::new("v/a", [])).provider(Scripted::new("v/b", []));
    let none: [(&str, &str); 0] = [];
    assert!(refused(two().alias("fast", none)).contains("\"fast\""));
    assert!(refused(two().alias("fast", [("x", "m")])).contains("registered are v/a, v/b"));
    assert!(refused(two().alias("fast", [("v", "m")])).contains("name one of"));
    assert!(refused(two().alias("fast", [("v/a", " ")])).contains("without a name"));
    assert!(refused(two().alias("fast", [("v/a", "m"), ("v/a", "n")])).contains("two models"));
    let twice = two().alias("fast", [("v/a", "m")]).alias("fast", [("v/b", "m")]);
    assert!(refused(twice).contains("a name of its own"));
}
