//! Looking at budgets, and adding to them.

use runcor_core::{
    BudgetLimit, BudgetScope, BudgetWindow, Budgets, Caller, Enforcement, ErrorCode, Event, Meter,
    TopUp,
};
use runcor_cost::BudgetLimits;
use runcor_testkit::ExecutionBuilder;

use crate::bed::{Bed, caller, flow, hard, micros};

fn wish(scope: BudgetScope, subject: &str, amount: i64) -> TopUp {
    TopUp { scope, subject: subject.to_owned(), tenant: None, amount: micros(amount) }
}

fn every() -> BudgetLimits {
    BudgetLimits {
        per_request: hard(100),
        per_execution: Some(BudgetLimit::hard(micros(100)).within(BudgetWindow::None)),
        per_user: hard(100),
        per_flow: hard(100),
        per_tenant: hard(100),
        global: hard(100),
    }
}

#[tokio::test]
async fn what_is_added_may_be_spent_and_is_told() {
    let bed = Bed::new(BudgetLimits { global: hard(10), ..BudgetLimits::default() });
    bed.spend(&bed.nobody(), 10, 10).await.unwrap();
    assert!(bed.reserve(&bed.nobody(), 5).await.is_err());
    let by = Caller::default();
    let status = bed.keeper.top_up(&by, &wish(BudgetScope::Global, "", 5)).await.unwrap();
    assert_eq!((status.left(), status.state.topped_up), (micros(5), micros(5)));
    bed.spend(&bed.nobody(), 5, 5).await.unwrap();
    let told = bed.events().await;
    assert!(
        told.iter().any(
            |event| matches!(event, Event::BudgetToppedUp(event) if event.scope_key == "global")
        )
    );
}

#[tokio::test]
async fn a_top_up_ends_with_its_window() {
    let bed = Bed::new(BudgetLimits { global: hard(10), ..BudgetLimits::default() });
    bed.keeper.top_up(&Caller::default(), &wish(BudgetScope::Global, "", 5)).await.unwrap();
    bed.spend(&bed.nobody(), 15, 15).await.unwrap();
    bed.clock.advance(std::time::Duration::from_secs(86_400));
    assert!(bed.reserve(&bed.nobody(), 11).await.is_err());
}

#[tokio::test]
async fn only_budgets_that_are_configured_can_be_added_to() {
    let off = BudgetLimit { enforcement: Enforcement::Disabled, ..BudgetLimit::hard(micros(1)) };
    let bed = Bed::new(BudgetLimits { global: Some(off), ..every() });
    let by = Caller::default();
    for (wish, code) in [
        (wish(BudgetScope::Global, "", 1), ErrorCode::BudgetNotFound),
        (wish(BudgetScope::Request, "", 1), ErrorCode::BudgetNotFound),
        (wish(BudgetScope::Flow, "f", 0), ErrorCode::ValidationError),
        (wish(BudgetScope::Flow, "f", -1), ErrorCode::ValidationError),
        (wish(BudgetScope::User, "", 1), ErrorCode::ValidationError),
        (wish(BudgetScope::Execution, "no-id", 1), ErrorCode::ValidationError),
    ] {
        assert_eq!(bed.keeper.top_up(&by, &wish).await.unwrap_err().code(), code, "{wish:?}");
    }
    assert!(bed.keeper.top_up(&by, &wish(BudgetScope::Flow, "f", 1)).await.is_ok());
}

#[tokio::test]
async fn a_tenants_people_add_to_their_own_users_and_not_to_what_binds_the_tenant() {
    let bed = Bed::new(every());
    let acme = caller(None, Some("acme"));
    let refused = async |wish: &TopUp| {
        bed.keeper.top_up(&acme, wish).await.unwrap_err().code() == ErrorCode::BudgetNotFound
    };
    assert!(refused(&wish(BudgetScope::Tenant, "acme", 1)).await);
    assert!(refused(&wish(BudgetScope::Tenant, "umbrella", 1)).await);
    assert!(refused(&wish(BudgetScope::Global, "", 1)).await);
    assert!(refused(&wish(BudgetScope::Flow, "f", 1)).await);
    let other = caller(None, Some("umbrella")).tenant;
    assert!(refused(&TopUp { tenant: other, ..wish(BudgetScope::User, "ada", 1) }).await);
    let own = bed.keeper.top_up(&acme, &wish(BudgetScope::User, "ada", 1)).await.unwrap();
    assert_eq!(own.account.key.tenant, acme.tenant);
    let operator = Caller::default();
    let tenant = bed.keeper.top_up(&operator, &wish(BudgetScope::Tenant, "acme", 1)).await.unwrap();
    assert_eq!(tenant.account.key.tenant, acme.tenant);
}

#[tokio::test]
async fn the_budget_of_an_execution_is_found_by_its_id_whatever_its_tenant() {
    let bed = Bed::new(every());
    let execution = ExecutionBuilder::new("f").tenant("acme").build();
    let batch = runcor_core::Batch::new().insert(execution.clone());
    bed.store.commit(batch).await.unwrap();
    let scope = bed.within(&execution.spec, None);
    bed.spend(&scope, 100, 100).await.unwrap();
    let wish = wish(BudgetScope::Execution, &execution.id().to_string(), 7);
    let status = bed.keeper.top_up(&Caller::default(), &wish).await.unwrap();
    assert_eq!((status.left(), status.state.spent), (micros(7), micros(100)));
    let stranger = caller(None, Some("umbrella"));
    let refused = bed.keeper.top_up(&stranger, &wish).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BudgetNotFound);
}

#[tokio::test]
async fn the_list_shows_what_a_caller_may_see_with_its_present_limit() {
    let bed = Bed::new(every());
    let own = BudgetLimit::hard(micros(50)).within(BudgetWindow::Hourly);
    let mut spec = crate::bed::spec("rich");
    let by = caller(Some("ada"), Some("acme"));
    (spec.user_id, spec.tenant_id) = (by.user.clone(), by.tenant.clone());
    bed.spend(&bed.within(&spec, Some(own)), 9, 9).await.unwrap();
    let shown = bed.keeper.budgets(&Caller::default()).await.unwrap();
    let scopes: Vec<_> = shown.iter().map(|status| status.account.key.scope).collect();
    assert_eq!(scopes, BudgetScope::ALL[1..]);
    let of_flow =
        shown.iter().find(|status| status.account.key.scope == BudgetScope::Flow).unwrap();
    assert_eq!((of_flow.limit, of_flow.left()), (own, micros(41)));
    let seen = bed.keeper.budgets(&by).await.unwrap();
    let scopes: Vec<_> = seen.iter().map(|status| status.account.key.scope).collect();
    assert_eq!(scopes, [BudgetScope::Execution, BudgetScope::User, BudgetScope::Tenant]);
    let others = caller(None, Some("umbrella"));
    assert!(bed.keeper.budgets(&others).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_budget_of_a_flow_can_be_added_to_before_its_first_request() {
    let bed = Bed::new(BudgetLimits::default());
    let wish = wish(BudgetScope::Flow, "rich", 5);
    assert!(bed.keeper.top_up(&Caller::default(), &wish).await.is_err());
    let own = BudgetLimit::hard(micros(1));
    bed.keeper.set_flow_budget(&flow("rich"), Some(own));
    let status = bed.keeper.top_up(&Caller::default(), &wish).await.unwrap();
    assert_eq!(status.left(), micros(6));
    bed.keeper.set_flow_budget(&flow("rich"), None);
    assert!(bed.keeper.budgets(&Caller::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_budget_of_all_is_shown_before_anything_is_spent_and_only_to_operators() {
    let bed = Bed::new(every());
    let shown = bed.keeper.budgets(&Caller::default()).await.unwrap();
    let [global] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((global.account.key.scope, global.left()), (BudgetScope::Global, micros(100)));
    assert!(bed.keeper.budgets(&caller(None, Some("acme"))).await.unwrap().is_empty());
    assert!(
        Bed::new(BudgetLimits::default())
            .keeper
            .budgets(&Caller::default())
            .await
            .unwrap()
            .is_empty()
    );
}
