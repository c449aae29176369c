//! Events: what was paid, what comes near a limit, what goes beyond.

use std::time::Duration;

use runcor_core::{
    AttemptOutcome, BudgetLimit, BudgetScope, BudgetWindow, Event, LedgerEntry, ModelResponse, Op,
    Spend,
};
use runcor_cost::BudgetLimits;

use crate::bed::{Bed, hard, output, soft, spec};

#[tokio::test]
async fn each_booked_request_is_told_with_the_commit_that_books_it() {
    let bed = Bed::new(BudgetLimits::default());
    let scope = bed.of("f", Some("ada"));
    bed.reserve(&scope, 9).await.unwrap().failed(Duration::ZERO);
    bed.reserve(&scope, 9).await.unwrap().answered("m-1", output(3), Duration::ZERO);
    assert!(bed.events().await.is_empty(), "nothing is durable yet");
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    let (told, rows) = (bed.events().await, bed.rows().await);
    assert_eq!(told.len(), 2);
    for (event, row) in told.iter().zip(&rows) {
        let Event::CostRequest(event) = event else { panic!("{event:?}") };
        assert_eq!((event.id, event.outcome), (row.id, row.outcome));
        assert_eq!(event.user_id.as_ref().unwrap().as_str(), "ada");
    }
    let Event::CostRequest(answered) = &told[1] else { panic!() };
    assert_eq!((answered.provider.as_str(), answered.model.as_str()), ("p", "m-1"));
    assert!((answered.cost - 0.000_003).abs() < 1e-15);
}

#[tokio::test]
async fn an_answer_from_a_journal_is_a_row_and_no_event() {
    let bed = Bed::new(BudgetLimits::default());
    let spend = Spend::of(&ModelResponse::default());
    let now = runcor_core::Clock::now(&bed.clock);
    let entry = LedgerEntry::replayed(&spec("f"), "model", &spend, now);
    let bill = runcor_core::Bill { entries: vec![entry] };
    assert!(matches!(bill.clone().into_ops().as_slice(), [Op::Settle(_)]));
    bed.keeper.settle(bill).await.unwrap();
    assert_eq!(bed.rows().await[0].outcome, AttemptOutcome::Replayed);
    assert!(bed.events().await.is_empty());
}

#[tokio::test]
async fn a_hard_limit_tells_that_it_blocked() {
    let bed = Bed::new(BudgetLimits { global: hard(5), ..BudgetLimits::default() });
    bed.reserve(&bed.nobody(), 6).await.unwrap_err();
    let told = bed.sink.take();
    let [Event::BudgetExceeded(event)] = told.as_slice() else { panic!("{told:?}") };
    assert!(event.blocked);
    assert_eq!((event.enforcement.as_str(), event.scope), ("hard", BudgetScope::Global));
    assert!((event.limit - 0.000_005).abs() < 1e-15);
}

#[tokio::test]
async fn a_soft_limit_tells_that_it_did_not_block() {
    let limits = BudgetLimits { per_request: soft(5), per_flow: soft(5), ..Default::default() };
    let bed = Bed::new(limits);
    bed.spend(&bed.nobody(), 6, 6).await.unwrap();
    let told = bed.sink.take();
    let scopes: Vec<_> = told
        .iter()
        .map(|event| {
            let Event::BudgetExceeded(event) = event else { panic!("{event:?}") };
            assert!(!event.blocked);
            assert_eq!(event.enforcement, "soft");
            (event.scope, event.scope_key.as_str())
        })
        .collect();
    assert_eq!(scopes, [(BudgetScope::Request, "request"), (BudgetScope::Flow, "flow:f")]);
}

#[tokio::test]
async fn a_refused_request_tells_of_the_limit_that_refused_and_of_no_other() {
    let limits = BudgetLimits { per_request: soft(1), global: hard(5), ..Default::default() };
    let bed = Bed::new(limits);
    bed.reserve(&bed.nobody(), 6).await.unwrap_err();
    assert_eq!(bed.sink.take().len(), 1);
    assert_eq!(bed.store.last_event().await.unwrap(), 0);
}

#[tokio::test]
async fn a_tenant_learns_nothing_of_what_others_spent_from_a_budget_of_all() {
    let bed = Bed::new(BudgetLimits { global: hard(9), ..BudgetLimits::default() });
    bed.spend(&bed.nobody(), 7, 7).await.unwrap();
    let of = |tenant: Option<&str>| {
        let tenant = tenant.map(|tenant| runcor_core::TenantId::new(tenant).unwrap());
        bed.within(&runcor_core::ExecutionSpec { tenant_id: tenant, ..spec("f") }, None)
    };
    let refused = bed.reserve(&of(Some("acme")), 3).await.unwrap_err();
    assert_eq!(refused.details().unwrap().get("currentSpend"), None);
    assert!(refused.message().contains("global has less left"), "{refused}");
    let refused = bed.reserve(&of(None), 3).await.unwrap_err();
    assert_eq!(refused.details().unwrap()["currentSpend"], 0.000_007);
    assert!(refused.message().contains("$0.000002 of $0.000009 left"), "{refused}");
}

#[tokio::test]
async fn a_request_that_never_fits_is_not_told_to_wait() {
    let limit = BudgetLimit { window: BudgetWindow::Daily, ..hard(5).unwrap() };
    let bed = Bed::new(BudgetLimits { global: Some(limit), ..BudgetLimits::default() });
    let refused = bed.reserve(&bed.nobody(), 6).await.unwrap_err();
    assert!(refused.message().contains("more than all of the budget global"), "{refused}");
    assert_eq!(refused.details().unwrap().get("until"), None);
    bed.spend(&bed.nobody(), 4, 4).await.unwrap();
    let refused = bed.reserve(&bed.nobody(), 4).await.unwrap_err();
    assert!(refused.details().unwrap().get("until").is_some(), "tomorrow it fits");
}
