//! What is refused, what is announced, and what is not looked at.

use std::time::Duration;

use runcor_core::{
    BudgetLimit, BudgetScope, BudgetWindow, Enforcement, ErrorCode, ModelRequest, Money, Retry,
};
use runcor_cost::{BudgetLimits, CostConfig, Unpriced};
use serde_json::json;

use crate::bed::{Bed, caller, flow, hard, key, micros, output, soft, spec};

#[tokio::test]
async fn the_first_hard_limit_in_order_refuses_and_names_itself() {
    let spec = spec("f");
    let every = BudgetLimits {
        per_request: hard(10),
        per_execution: hard(10),
        per_user: hard(10),
        per_flow: hard(10),
        per_tenant: hard(10),
        global: hard(10),
    };
    let lift = |limits: &mut BudgetLimits, scope| match scope {
        BudgetScope::Request => limits.per_request = None,
        BudgetScope::Execution => limits.per_execution = None,
        BudgetScope::User => limits.per_user = None,
        BudgetScope::Flow => limits.per_flow = None,
        BudgetScope::Tenant => limits.per_tenant = None,
        BudgetScope::Global => limits.global = None,
    };
    let mut limits = every;
    for scope in BudgetScope::ALL {
        let bed = Bed::new(limits.clone());
        let mut spec = spec.clone();
        let by = caller(Some("ada"), Some("acme"));
        (spec.user_id, spec.tenant_id) = (by.user, by.tenant);
        let refused = bed.reserve(&bed.within(&spec, None), 11).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::BudgetExceeded);
        assert_eq!(refused.retry(), Retry::Never);
        assert_eq!(refused.details().unwrap()["scope"], json!(scope));
        lift(&mut limits, scope);
    }
    let bed = Bed::new(limits);
    assert!(bed.reserve(&bed.within(&spec, None), 11).await.is_ok());
}

#[tokio::test]
async fn a_refusal_tells_limit_spend_and_estimate_in_dollars_and_when_to_come_again() {
    let bed = Bed::new(BudgetLimits { global: hard(10), ..BudgetLimits::default() });
    bed.spend(&bed.nobody(), 6, 6).await.unwrap();
    let refused = bed.reserve(&bed.nobody(), 5).await.unwrap_err();
    let until = BudgetWindow::Daily.bounds(runcor_core::Clock::now(&bed.clock)).1.unwrap();
    let expected = json!({
        "scope": "global", "scopeKey": "global", "limit": 0.000_01, "currentSpend": 0.000_006,
        "estimatedCost": 0.000_005, "until": until, "onExceed": "fail", "mayFreeUp": false,
    });
    assert_eq!(refused.details(), Some(&expected));
    assert!(refused.message().contains("has $0.000004 of $0.00001 left"), "{refused}");
    assert_eq!(bed.global().await.spent, micros(6));
}

#[tokio::test]
async fn a_budget_that_pauses_says_so_and_one_of_a_request_never_does() {
    let pausing = Some(BudgetLimit::hard(micros(1)).pausing());
    let bed = Bed::new(BudgetLimits { per_flow: pausing, ..BudgetLimits::default() });
    let refused = bed.reserve(&bed.nobody(), 2).await.unwrap_err();
    assert_eq!(refused.details().unwrap()["onExceed"], "pause");
    let bed = Bed::new(BudgetLimits { per_request: pausing, ..BudgetLimits::default() });
    let refused = bed.reserve(&bed.nobody(), 2).await.unwrap_err();
    assert_eq!(refused.details().unwrap()["onExceed"], "fail");
    assert_eq!(refused.details().unwrap().get("until"), None);
}

#[tokio::test]
async fn a_limit_is_met_exactly() {
    let bed = Bed::new(BudgetLimits { global: hard(10), ..BudgetLimits::default() });
    let held = bed.reserve(&bed.nobody(), 10).await.unwrap();
    assert!(bed.reserve(&bed.nobody(), 1).await.is_err());
    held.failed(Duration::ZERO);
    assert_eq!(bed.global().await.reserved, micros(10), "the bill was not committed yet");
    bed.keeper.settle(runcor_core::Bill::default()).await.unwrap();
    assert_eq!(bed.global().await.reserved, Money::ZERO);
}

#[tokio::test]
async fn a_limit_of_zero_blocks_whatever_costs_anything() {
    let bed = Bed::new(BudgetLimits { global: hard(0), ..BudgetLimits::default() });
    assert!(bed.reserve(&bed.nobody(), 1).await.is_err());
    assert!(bed.reserve(&bed.nobody(), 0).await.is_ok());
}

#[tokio::test]
async fn a_soft_limit_in_overrun_leaves_the_hard_ones_after_it_in_force() {
    let limits = BudgetLimits { per_user: soft(1), global: hard(10), ..BudgetLimits::default() };
    let bed = Bed::new(limits);
    let ada = || bed.of("f", Some("ada"));
    bed.spend(&ada(), 9, 9).await.unwrap();
    let refused = bed.reserve(&ada(), 2).await.unwrap_err();
    assert_eq!(refused.details().unwrap()["scope"], "global");
    let user = bed.account(key(BudgetScope::User, "ada"), BudgetWindow::Daily).await;
    assert_eq!((user.spent, user.reserved), (micros(9), Money::ZERO));
}

#[tokio::test]
async fn nobody_looks_at_a_limit_that_is_disabled() {
    let off = BudgetLimit { enforcement: Enforcement::Disabled, ..BudgetLimit::hard(micros(1)) };
    let limits = BudgetLimits {
        per_request: Some(off),
        per_flow: Some(off),
        global: Some(off),
        ..BudgetLimits::default()
    };
    let bed = Bed::new(limits);
    bed.spend(&bed.nobody(), 9, 9).await.unwrap();
    assert_eq!(bed.global().await.spent, Money::ZERO);
    assert!(bed.sink.take().is_empty());
}

#[tokio::test]
async fn whoever_is_nobody_has_no_budget_of_a_user_or_a_tenant() {
    let limits = BudgetLimits { per_user: hard(1), per_tenant: hard(1), ..BudgetLimits::default() };
    let bed = Bed::new(limits);
    bed.spend(&bed.nobody(), 9, 9).await.unwrap();
    assert!(bed.reserve(&bed.of("f", Some("ada")), 9).await.is_err());
}

#[tokio::test]
async fn users_of_the_same_name_in_two_tenants_have_a_budget_each() {
    let bed = Bed::new(BudgetLimits { per_user: hard(5), ..BudgetLimits::default() });
    for tenant in [None, Some("acme"), Some("umbrella")] {
        let scope = bed.keeper.scope(flow("f"), caller(Some("ada"), tenant));
        bed.spend(&scope, 5, 5).await.unwrap();
        assert!(bed.reserve(&scope, 1).await.is_err());
    }
}

#[tokio::test]
async fn the_budget_of_a_flow_replaces_the_one_for_every_flow_with_or_without_others() {
    let own = BudgetLimit::hard(micros(5));
    for limits in
        [BudgetLimits::default(), BudgetLimits { per_flow: hard(1), ..BudgetLimits::default() }]
    {
        let bed = Bed::new(limits);
        let scope = bed.within(&spec("rich"), Some(own));
        bed.spend(&scope, 5, 5).await.unwrap();
        let refused = bed.reserve(&scope, 1).await.unwrap_err();
        assert_eq!(refused.details().unwrap()["scopeKey"], "flow:rich");
    }
}

#[tokio::test]
async fn the_truth_takes_the_place_of_the_estimate() {
    let limits = BudgetLimits { global: soft(1_000), ..BudgetLimits::default() };
    for used in [4, 14] {
        let bed = Bed::new(limits.clone());
        bed.spend(&bed.nobody(), 10, used).await.unwrap();
        let global = bed.global().await;
        assert_eq!((global.spent, global.reserved), (micros(used as i64), Money::ZERO));
    }
}

#[tokio::test]
async fn a_failed_request_gives_everything_back() {
    let bed = Bed::new(BudgetLimits { global: hard(10), ..BudgetLimits::default() });
    let scope = bed.nobody();
    bed.reserve(&scope, 10).await.unwrap().failed(Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    assert_eq!(bed.global().await.used(), Money::ZERO);
    bed.spend(&bed.nobody(), 10, 10).await.unwrap();
}

#[tokio::test]
async fn a_paid_answer_is_booked_though_it_cost_more_than_was_left() {
    let bed = Bed::new(BudgetLimits { global: hard(10), ..BudgetLimits::default() });
    let scope = bed.nobody();
    let held = bed.reserve(&scope, 10).await.unwrap();
    held.answered("m", output(12), Duration::ZERO);
    bed.keeper.settle(scope.take_bill()).await.unwrap();
    assert_eq!(bed.global().await.spent, micros(12));
    assert!(bed.reserve(&bed.nobody(), 1).await.is_err());
}

#[tokio::test]
async fn hard_limits_set_aside_the_most_and_soft_ones_what_is_probable() {
    let limits = BudgetLimits {
        per_flow: soft(1_000_000),
        global: hard(1_000_000),
        ..BudgetLimits::default()
    };
    let config = CostConfig { budgets: limits, default_token_estimate: 300, ..Default::default() };
    let bed = Bed::with(config);
    let scope = bed.nobody();
    let request = ModelRequest::prompt("hi");
    let plan = runcor_core::AttemptPlan {
        provider: "p",
        request: &request,
        price: Some(crate::bed::PRICE),
        now: runcor_core::Clock::now(&bed.clock),
    };
    let held = runcor_core::Meter::reserve(&*bed.keeper, &scope, plan).await.unwrap();
    let by_flow = bed.account(key(BudgetScope::Flow, "f"), BudgetWindow::Daily).await;
    assert_eq!((by_flow.reserved, bed.global().await.reserved), (micros(300), micros(1_024)));
    held.failed(Duration::ZERO);
}

#[tokio::test]
async fn an_unknown_price_is_flagged_and_refused_only_where_that_is_asked_for() {
    let limits = BudgetLimits { global: hard(1), ..BudgetLimits::default() };
    for unpriced in [Unpriced::Allow, Unpriced::Deny] {
        let config = CostConfig { budgets: limits.clone(), unpriced, ..CostConfig::default() };
        let bed = Bed::with(config);
        let scope = bed.nobody();
        let request = ModelRequest::prompt("hi").with_model("nobody-knows-me");
        let now = runcor_core::Clock::now(&bed.clock);
        let plan = runcor_core::AttemptPlan { provider: "p", request: &request, price: None, now };
        let held = runcor_core::Meter::reserve(&*bed.keeper, &scope, plan).await;
        if unpriced == Unpriced::Deny {
            let refused = held.unwrap_err();
            assert_eq!(refused.code(), ErrorCode::BudgetExceeded);
            assert_eq!(refused.details().unwrap()["unpriced"], true);
            continue;
        }
        held.unwrap().answered("nobody-knows-me", output(7), Duration::ZERO);
        bed.keeper.settle(scope.take_bill()).await.unwrap();
        let rows = bed.rows().await;
        assert!(rows[0].unpriced);
        assert_eq!((rows[0].cost, rows[0].usage.completion_tokens), (Money::ZERO, 7));
    }
}

#[tokio::test]
async fn an_unknown_price_is_no_trouble_where_no_hard_budget_applies() {
    let config = CostConfig {
        budgets: BudgetLimits { per_user: hard(1), global: soft(1), ..BudgetLimits::default() },
        unpriced: Unpriced::Deny,
        ..CostConfig::default()
    };
    let bed = Bed::with(config);
    let request = ModelRequest::prompt("hi").with_model("nobody-knows-me");
    let now = runcor_core::Clock::now(&bed.clock);
    let plan = runcor_core::AttemptPlan { provider: "p", request: &request, price: None, now };
    assert!(runcor_core::Meter::reserve(&*bed.keeper, &bed.nobody(), plan).await.is_ok());
    let ada = bed.of("f", Some("ada"));
    assert!(runcor_core::Meter::reserve(&*bed.keeper, &ada, plan).await.is_err());
}
