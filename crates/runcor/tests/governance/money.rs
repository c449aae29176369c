//! Money: every request is a row, no token is paid twice, and hard budgets hold.

use std::time::Duration;

use futures_util::StreamExt;
use runcor::cost::{BudgetLimits, CostConfig};
use runcor::execution::ExecutionState;
use runcor::flow::{FlowName, FlowOutcome, WaitKind, WaitSignal};
use runcor::governance::{
    AttemptOutcome, BudgetLimit, BudgetScope, BudgetWindow, Budgets, Caller, LedgerEntry, TopUp,
};
use runcor::model::{ModelChunk, ModelRequest, Money, ProviderErrorKind};
use runcor::testkit::ScriptedProvider;
use runcor::{Flow, FlowContext, FlowError, Runtime, Trigger};
use serde_json::json;

use crate::bed::{Bed, Kind, answer, budgets, on_every_store, priced};

on_every_store![
    every_request_to_a_vendor_is_a_row_that_says_who_where_and_what_it_cost,
    a_retried_handler_pays_nothing_twice_and_its_ledger_says_what_was_saved,
    a_failed_request_costs_nothing_and_the_fallback_is_paid_at_its_own_price,
    a_hard_budget_fails_the_flow_and_the_model_is_not_asked,
    a_pausing_budget_waits_for_a_top_up_and_then_goes_on,
    a_pausing_budget_goes_on_with_the_next_window,
    a_stream_is_paid_by_its_last_piece_and_a_cut_one_by_what_was_seen,
    a_cancelled_execution_pays_for_what_it_had_asked,
    a_flow_sees_what_it_has_spent,
    a_flow_may_have_a_budget_of_its_own,
];

const CENT: Money = Money::from_nanos(10_000_000);

fn flow(name: &str, handler: impl runcor::flow::FlowHandler + 'static) -> Flow {
    Flow::new(FlowName::new(name).unwrap(), handler)
}

/// A flow that asks once and gives the answer.
fn asks() -> Flow {
    flow("asks", async |ctx: FlowContext| {
        let request = ModelRequest::prompt("hello").with_max_tokens(100);
        let answer = ctx.model().complete(request).await?;
        Ok(FlowOutcome::Complete(json!(answer.text)))
    })
}

fn facts(entry: &LedgerEntry) -> (&str, AttemptOutcome, i64) {
    (&entry.provider, entry.outcome, entry.cost.as_nanos())
}

async fn every_request_to_a_vendor_is_a_row_that_says_who_where_and_what_it_cost(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("hi"));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor
        .register(flow("nested", async |ctx: FlowContext| {
            let inner = ctx.clone();
            let text: String = ctx
                .step("outer", async move {
                    let request = ModelRequest::prompt("hello");
                    Ok(inner.model().named("greet").complete(request).await?.text)
                })
                .await?;
            Ok(FlowOutcome::Complete(json!(text)))
        }))
        .unwrap();
    let trigger = Trigger::new("k", json!(null)).with_user("ada").with_tenant("acme");
    let id = bed.trigger_with("nested", trigger).await;
    bed.ended(id).await;
    let ledger = bed.ledger().await;
    let [row] = &ledger[..] else { panic!("{ledger:?}") };
    assert_eq!(facts(row), ("p", AttemptOutcome::Answered, 15_000));
    assert_eq!(row.execution_id, Some(id));
    assert_eq!(row.path.as_deref(), Some("outer#1/greet#1"));
    assert_eq!(row.flow_name.as_str(), "nested");
    assert_eq!(row.user_id.as_ref().map(AsRef::as_ref), Some("ada"));
    assert_eq!(row.tenant_id.as_ref().map(AsRef::as_ref), Some("acme"));
    assert_eq!((row.model.as_str(), row.unpriced), ("scripted-1", false));
}

async fn a_retried_handler_pays_nothing_twice_and_its_ledger_says_what_was_saved(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("hi"));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor
        .register(flow("twice", async |ctx: FlowContext| {
            ctx.model().complete(ModelRequest::prompt("hello")).await?;
            if ctx.retry_count() == 0 {
                return Err(FlowError::retryable("once more"));
            }
            Ok(FlowOutcome::Complete(json!(1)))
        }))
        .unwrap();
    let id = bed.trigger("twice", "k").await;
    bed.until(id, ExecutionState::Retrying).await;
    bed.advance(Duration::from_secs(2)).await;
    bed.ended(id).await;
    let ledger = bed.ledger().await;
    let rows: Vec<_> = ledger.iter().map(facts).collect();
    let expected = [("p", AttemptOutcome::Answered, 15_000), ("p", AttemptOutcome::Replayed, 0)];
    assert_eq!(rows, expected);
    assert_eq!(model.requests().len(), 1);
}

async fn a_failed_request_costs_nothing_and_the_fallback_is_paid_at_its_own_price(kind: Kind) {
    let first = ScriptedProvider::new("first").fails(ProviderErrorKind::Rejected);
    let second = ScriptedProvider::new("second").then(answer("hi"));
    let bed = Bed::new(kind, |b| {
        let second = priced(&second).with_priority(2);
        b.registration(priced(&first)).registration(second).costs(CostConfig::default())
    })
    .await;
    bed.runcor.register(asks()).unwrap();
    let id = bed.trigger("asks", "k").await;
    bed.ended(id).await;
    let ledger = bed.ledger().await;
    let rows: Vec<_> = ledger.iter().map(facts).collect();
    let expected =
        [("first", AttemptOutcome::Failed, 0), ("second", AttemptOutcome::Answered, 15_000)];
    assert_eq!(rows, expected);
}

async fn a_hard_budget_fails_the_flow_and_the_model_is_not_asked(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("hi"));
    let global = Some(BudgetLimit::hard(Money::from_nanos(100_000)));
    let config = budgets(BudgetLimits { global, ..BudgetLimits::default() });
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(config)).await;
    bed.runcor.register(asks()).unwrap();
    let id = bed.trigger("asks", "k").await;
    let error = bed.ended(id).await.status.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("BUDGET_EXCEEDED"));
    assert!(model.requests().is_empty());
    assert!(bed.ledger().await.is_empty());
    let exceeded = crate::bed::eventually(async || {
        let events = bed.runcor.events(0, 1_000).await.unwrap();
        events.into_iter().find_map(|record| match record.event {
            runcor::event::Event::BudgetExceeded(event) => Some(event),
            _ => None,
        })
    })
    .await;
    assert!(exceeded.blocked);
    assert_eq!(exceeded.scope_key, "global");
}

async fn a_pausing_budget_waits_for_a_top_up_and_then_goes_on(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("hi"));
    let global = BudgetLimit::hard(Money::from_nanos(100_000)).within(BudgetWindow::None);
    let config =
        budgets(BudgetLimits { global: Some(global.pausing()), ..BudgetLimits::default() });
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(config)).await;
    bed.runcor.register(asks()).unwrap();
    let id = bed.trigger("asks", "k").await;
    let waiting = bed.until(id, ExecutionState::Waiting).await;
    assert_eq!(waiting.status.wait.unwrap().kind, WaitKind::Budget);
    assert!(model.requests().is_empty());
    let wish =
        TopUp { scope: BudgetScope::Global, subject: String::new(), tenant: None, amount: CENT };
    bed.runcor.costs().unwrap().top_up(&Caller::default(), &wish).await.unwrap();
    assert_eq!(bed.runcor.wake_budget_waits().await.unwrap(), 1);
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!("hi")));
    assert_eq!(model.requests().len(), 1);
}

async fn a_pausing_budget_goes_on_with_the_next_window(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("one")).then(answer("two"));
    // Enough for the ceiling of one request, and not for a second one beside what the first cost.
    let flow_budget = BudgetLimit::hard(Money::from_nanos(210_000)).within(BudgetWindow::Hourly);
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    // The clock leaps while it runs; that is not what this is about.
    let patient = asks().with_timeout(Duration::ZERO).with_budget(flow_budget.pausing());
    bed.runcor.register(patient).unwrap();
    let first = bed.trigger("asks", "1").await;
    bed.ended(first).await;
    let second = bed.trigger("asks", "2").await;
    bed.until(second, ExecutionState::Waiting).await;
    for _ in 0..10 {
        bed.advance(Duration::from_secs(30)).await;
        bed.until(second, ExecutionState::Waiting).await;
    }
    bed.advance(Duration::from_secs(3_600)).await;
    assert_eq!(bed.ended(second).await.status.result.as_deref(), Some(&json!("two")));
}

async fn a_stream_is_paid_by_its_last_piece_and_a_cut_one_by_what_was_seen(kind: Kind) {
    let model = ScriptedProvider::new("p")
        .streams(["one ", "two"])
        .breaks_off(["twelve chars"], ProviderErrorKind::Network);
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor
        .register(
            flow("streams", async |ctx: FlowContext| {
                let request = ModelRequest::prompt("hello").with_max_tokens(100);
                let mut pieces = ctx.model().stream(request).await?;
                let mut text = String::new();
                while let Some(piece) = pieces.next().await {
                    if let ModelChunk::TextDelta { text: more } = piece? {
                        text.push_str(&more);
                    }
                }
                Ok(FlowOutcome::Complete(json!(text)))
            })
            .with_max_retries(0),
        )
        .unwrap();
    let whole = bed.trigger("streams", "whole").await;
    bed.ended(whole).await;
    let cut = bed.trigger("streams", "cut").await;
    assert_eq!(bed.ended(cut).await.state(), ExecutionState::Failed);
    let ledger = crate::bed::eventually(async || {
        let ledger = bed.ledger().await;
        (ledger.len() == 2).then_some(ledger)
    })
    .await;
    assert_eq!(ledger[0].outcome, AttemptOutcome::Answered);
    assert_eq!(ledger[1].outcome, AttemptOutcome::Failed);
    let seen = ledger[1].usage;
    assert!(seen.estimated && seen.completion_tokens >= 3 && seen.completion_tokens < 100);
    assert!(ledger[1].cost > Money::ZERO);
}

async fn a_cancelled_execution_pays_for_what_it_had_asked(kind: Kind) {
    let model = ScriptedProvider::new("p").hangs();
    let global = Some(BudgetLimit::hard(CENT));
    let config = budgets(BudgetLimits { global, ..BudgetLimits::default() });
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(config)).await;
    bed.runcor.register(asks()).unwrap();
    let id = bed.trigger("asks", "k").await;
    crate::bed::eventually(async || (!model.requests().is_empty()).then_some(())).await;
    bed.runcor.cancel(id, None).await.unwrap();
    let ledger = crate::bed::eventually(async || {
        let ledger = bed.ledger().await;
        (!ledger.is_empty()).then_some(ledger)
    })
    .await;
    assert_eq!(ledger[0].outcome, AttemptOutcome::Cancelled);
    let status = &bed.runcor.costs().unwrap().budgets(&Caller::default()).await.unwrap()[0];
    assert_eq!((status.state.spent, status.state.reserved), (ledger[0].cost, Money::ZERO));
    assert!(ledger[0].usage.estimated && ledger[0].cost > Money::ZERO);
}

async fn a_flow_sees_what_it_has_spent(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("one")).then(answer("two"));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    bed.runcor
        .register(flow("counts", async |ctx: FlowContext| {
            ctx.model().complete(ModelRequest::prompt("a")).await?;
            ctx.model().complete(ModelRequest::prompt("b")).await?;
            let cost = ctx.cost().await?;
            let seen = json!([cost.execution_total.as_nanos(), cost.request_count]);
            ctx.wait_for(WaitSignal::new("so that it runs again")).await?;
            Ok(FlowOutcome::Complete(seen))
        }))
        .unwrap();
    let id = bed.trigger("counts", "k").await;
    bed.until(id, ExecutionState::Waiting).await;
    bed.runcor.resume(id, None).await.unwrap();
    assert_eq!(bed.ended(id).await.status.result.as_deref(), Some(&json!([30_000, 2])));
}

async fn a_flow_may_have_a_budget_of_its_own(kind: Kind) {
    let model = ScriptedProvider::new("p").then(answer("hi"));
    let bed = Bed::new(kind, |b| b.registration(priced(&model)).costs(CostConfig::default())).await;
    let tight = BudgetLimit::hard(Money::from_nanos(10_000));
    bed.runcor.register(asks().with_budget(tight)).unwrap();
    let id = bed.trigger("asks", "k").await;
    let error = bed.ended(id).await.status.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("BUDGET_EXCEEDED"));
}
