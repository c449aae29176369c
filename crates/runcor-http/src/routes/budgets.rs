//! Budgets: how they stand, and adding to them.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use runcor_core::{BudgetScope, BudgetStatus, Budgets, Money, TenantId, TopUp};
use serde::Serialize;
use serde_json::Value;

use crate::access::Access;
use crate::body::{Fields, read_fields};
use crate::reply::{Failure, json};

/// What the body of a top-up may have.
const FIELDS: [&str; 4] = ["scope", "subject", "tenant", "amount"];
/// The most that is added at once, in dollars: more is a slip of the hand.
const MAX_DOLLARS: f64 = 1_000_000_000.0;

#[derive(Serialize)]
struct Listed {
    budgets: Vec<BudgetStatus>,
}

#[derive(Serialize)]
struct ToppedUp {
    budget: BudgetStatus,
    /// How many executions that waited for money go on.
    woken: usize,
}

/// `GET /v1/budgets`.
pub(super) async fn list(access: Access) -> Result<Response, Failure> {
    let budgets = on(&access)?;
    access.judge_read(None).await?;
    let budgets = budgets.budgets(access.caller()).await?;
    Ok(json(StatusCode::OK, &Listed { budgets }))
}

/// `POST /v1/budgets/top-up`: adds to a limit, and lets go on who waits for it.
pub(super) async fn top_up(access: Access, request: Request) -> Result<Response, Failure> {
    let budgets = on(&access)?;
    access.must_be_operator()?;
    let (parts, body) = request.into_parts();
    let wish = wish_of(read_fields(&access.app, &parts.headers, body).await?)?;
    let budget = budgets.top_up(access.caller(), &wish).await?;
    tracing::info!(
        by = access.identity.name(),
        budget = %budget.account.key,
        amount = %wish.amount,
        "a budget was topped up"
    );
    let woken = access.runtime().wake_budget_waits().await?;
    Ok(json(StatusCode::OK, &ToppedUp { budget, woken }))
}

fn on(access: &Access) -> Result<&Arc<dyn Budgets>, Failure> {
    let budgets = access.app.parts.budgets.as_ref();
    budgets.ok_or_else(|| Failure::off("budgets exist once runcor.yaml has costs.budgets"))
}

/// A field that is not known is refused: a misspelt subject would give money to somebody else.
fn wish_of(mut fields: Fields) -> Result<TopUp, Failure> {
    fields.refuse_others(&FIELDS)?;
    let scope = fields.take_string("scope")?;
    let scope = scope.as_deref().and_then(BudgetScope::parse);
    let scope = scope.filter(|scope| has_account(*scope)).ok_or_else(|| {
        let known = BudgetScope::ALL.into_iter().filter(|scope| has_account(*scope));
        let known: Vec<_> = known.map(BudgetScope::as_str).collect();
        Failure::field("scope", &format!("must be one of {}", known.join(", ")))
    })?;
    let subject = fields.take_string("subject")?.unwrap_or_default();
    match (scope, subject.is_empty()) {
        (BudgetScope::Global, false) => {
            return Err(Failure::field("subject", "must be absent: the budget is everybody's"));
        }
        (BudgetScope::Global, true) | (_, false) => {}
        (_, true) => return Err(Failure::field("subject", "must name whose budget it is")),
    }
    let tenant = fields.take_string("tenant")?.map(TenantId::new).transpose();
    let tenant = tenant.map_err(|error| Failure::field("tenant", &error.to_string()))?;
    Ok(TopUp { scope, subject, tenant, amount: amount_of(fields.take("amount").as_ref())? })
}

/// Returns whether money can be added: a limit of single requests fills up with nothing.
fn has_account(scope: BudgetScope) -> bool {
    scope != BudgetScope::Request
}

fn amount_of(amount: Option<&Value>) -> Result<Money, Failure> {
    let dollars = amount.and_then(Value::as_f64).unwrap_or_default();
    let amount = Money::from_dollars(dollars);
    if amount > Money::ZERO && dollars <= MAX_DOLLARS {
        return Ok(amount);
    }
    Err(Failure::field("amount", "must be a number of dollars above zero, a billion at most"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_amount_is_a_number_of_dollars_above_zero() {
        assert_eq!(amount_of(Some(&json!(2.5))).unwrap(), Money::from_nanos(2_500_000_000));
        assert_eq!(amount_of(Some(&json!(1))).unwrap(), Money::from_nanos(1_000_000_000));
        for bad in [json!(0), json!(-1), json!(1e-12), json!(1e10), json!("5"), json!(null)] {
            assert!(amount_of(Some(&bad)).is_err(), "{bad}");
        }
        assert!(amount_of(None).is_err());
    }
}
