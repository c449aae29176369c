//! The keeper, the layer and the real router together, without an engine.

use std::sync::Arc;

use futures_util::StreamExt;
use runcor_core::{
    AttemptOutcome, ErrorCode, FinishReason, ModelRequest, ModelResponse, ModelService, Money,
    ProviderErrorKind, Usage,
};
use runcor_cost::{BudgetLimits, Metered};
use runcor_router::{Registration, Router};
use runcor_testkit::{ScriptStep, ScriptedProvider};

use crate::bed::{Bed, PRICE, flow, hard, micros};

fn answer(tokens: u64) -> ScriptStep {
    ScriptStep::Answer(ModelResponse {
        text: "yes".to_owned(),
        model: "m-1".to_owned(),
        usage: Usage { prompt_tokens: 3, completion_tokens: tokens, ..Usage::default() },
        finish_reason: Some(FinishReason::Stop),
        ..ModelResponse::default()
    })
}

fn over(bed: &Bed, providers: &[&ScriptedProvider]) -> Metered {
    let clock = Arc::new(bed.clock.clone());
    let router = providers.iter().fold(Router::builder().clock(clock), |router, provider| {
        let provider = Registration::new(Arc::new(ScriptedProvider::clone(provider)));
        router.provider(provider.with_price(PRICE))
    });
    let router = Arc::new(router.build().unwrap());
    Metered::new(router, Arc::clone(&bed.keeper), flow("chat"))
}

fn request() -> ModelRequest {
    ModelRequest::prompt("hi").with_max_tokens(10)
}

fn global(amount: i64) -> BudgetLimits {
    BudgetLimits { global: hard(amount), ..BudgetLimits::default() }
}

#[tokio::test]
async fn each_request_of_a_chain_is_a_row_and_only_the_one_that_answered_costs() {
    let bed = Bed::new(global(99));
    let first = ScriptedProvider::new("first").fails(ProviderErrorKind::Auth);
    let second = ScriptedProvider::new("second").then(answer(4));
    over(&bed, &[&first, &second]).complete(request()).await.unwrap();
    let rows = bed.rows().await;
    let told: Vec<_> =
        rows.iter().map(|row| (row.provider.as_str(), row.outcome, row.cost)).collect();
    let expected = [
        ("first", AttemptOutcome::Failed, Money::ZERO),
        ("second", AttemptOutcome::Answered, micros(4)),
    ];
    assert_eq!(told, expected);
    assert_eq!(bed.global().await.used(), micros(4));
}

#[tokio::test]
async fn no_vendor_is_asked_for_what_a_budget_refuses_and_the_refusal_keeps_its_details() {
    let bed = Bed::new(global(9));
    let vendor = ScriptedProvider::new("only").always(answer(1));
    let refused = over(&bed, &[&vendor]).complete(request()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BudgetExceeded);
    assert_eq!(refused.details().unwrap()["scope"], "global");
    assert!(vendor.requests().is_empty());
    assert!(bed.rows().await.is_empty());
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_booked_by_what_was_seen_and_within_the_budget() {
    let bed = Bed::new(global(10));
    let vendor = ScriptedProvider::new("only")
        .breaks_off(["some words ", "and more"], ProviderErrorKind::Network);
    let mut pieces = over(&bed, &[&vendor]).stream(request()).await.unwrap();
    while let Some(piece) = pieces.next().await {
        if piece.is_err() {
            break;
        }
    }
    let row = bed.rows().await.remove(0);
    assert_eq!(row.outcome, AttemptOutcome::Failed);
    assert!(row.usage.estimated);
    assert!(row.cost > Money::ZERO && row.cost <= micros(10), "{}", row.cost);
    assert_eq!(bed.global().await.used(), row.cost);
}

#[tokio::test]
async fn a_stream_that_is_dropped_gives_back_what_it_did_not_use() {
    let bed = Bed::new(global(10));
    let vendor = ScriptedProvider::new("only").streams(["some ", "more"]).then(answer(1));
    let models = over(&bed, &[&vendor]);
    let mut pieces = models.stream(request()).await.unwrap();
    pieces.next().await.unwrap().unwrap();
    drop(pieces);
    bed.keeper.settle(runcor_core::Bill::default()).await.unwrap();
    let row = bed.rows().await.remove(0);
    assert_eq!((row.outcome, row.usage.estimated), (AttemptOutcome::Cancelled, true));
    let global = bed.global().await;
    assert_eq!((global.reserved, global.spent), (Money::ZERO, row.cost));
}
