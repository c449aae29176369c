//! Which providers get a request for a model, and under which name.

use std::sync::Arc;

use runcor_core::{ModelRequest, ModelService, ProviderErrorKind};
use runcor_router::{Registration, Router};

use crate::fakes::{Scripted, Turn, World};

fn rejecting(name: &str) -> Arc<Scripted> {
    Scripted::new(name, [Turn::Fail(ProviderErrorKind::Rejected)])
}

fn router<'a>(given: impl IntoIterator<Item = (&'a Arc<Scripted>, &'a [&'a str])>) -> Router {
    let registered =
        given.into_iter().fold(World::default().router(), |builder, (provider, models)| {
            let registration = Registration::new(Arc::<Scripted>::clone(provider));
            builder.provider(registration.with_models(models.iter().copied()))
        });
    registered.build().unwrap()
}

fn ask(model: &str) -> ModelRequest {
    ModelRequest::prompt("hello").with_model(model)
}

fn named(model: &str) -> Vec<Option<String>> {
    vec![Some(model.to_owned())]
}

#[tokio::test]
async fn a_listed_model_goes_only_where_it_is_listed_or_anything_goes() {
    let (other, lists, any) = (rejecting("other"), rejecting("lists"), rejecting("any"));
    let router = router([(&other, &["x"] as &[_]), (&lists, &["y", "m"]), (&any, &[])]);
    router.complete(ask("m")).await.unwrap_err();
    assert_eq!((lists.models(), any.models()), (named("m"), named("m")));
    assert_eq!(other.calls(), 0);
}

#[tokio::test]
async fn a_model_that_nobody_lists_goes_to_the_first_and_fallbacks_use_their_own() {
    let (first, own, any) = (rejecting("first"), rejecting("own"), rejecting("any"));
    let router = router([(&first, &["x"] as &[_]), (&own, &["y", "z"]), (&any, &[])]);
    router.complete(ask("new")).await.unwrap_err();
    assert_eq!(first.models(), named("new"));
    assert_eq!(own.models(), named("y"));
    assert_eq!(any.models(), named("new"));
}

#[tokio::test]
async fn a_request_without_model_gets_the_first_that_is_listed() {
    let (lists, any) = (rejecting("lists"), rejecting("any"));
    let router = router([(&lists, &["m", "n"] as &[_]), (&any, &[])]);
    router.complete(ModelRequest::prompt("hello")).await.unwrap_err();
    assert_eq!(lists.models(), named("m"));
    assert_eq!(any.models(), [None]);
}

#[tokio::test]
async fn a_pinned_provider_gets_the_model_that_is_named() {
    let (a, b) = (Scripted::new("a", []), Scripted::new("b", []));
    let router = router([(&a, &["x"] as &[_]), (&b, &["y"])]);
    router.complete(ask("y").with_provider("a")).await.unwrap();
    router.complete(ModelRequest::prompt("hello").with_provider("b")).await.unwrap();
    assert_eq!((a.models(), b.models()), (named("y"), named("y")));
}
