//! What is told of budgets: events, and the error of a request that is refused.

use serde_json::{Map, Value, json};

use runcor_core::{
    AccountId, BudgetExceeded, BudgetKey, BudgetLimit, BudgetRefusal, BudgetScope, BudgetVerdict,
    BudgetWarning, BudgetWindow, CallScope, Enforcement, Error, ErrorCode, Event, Money, OnExceed,
    Result, Timestamp, VerdictKind,
};

use super::CostKeeper;
use super::quote::Quote;

impl CostKeeper {
    /// Holds a request against the limit of a single one; a soft one only has something to tell.
    pub(super) fn judge_request(
        &self,
        quote: &Quote,
        scope: &CallScope,
    ) -> Result<Option<BudgetVerdict>> {
        let Some(limit) = self.limits.of_scope(BudgetScope::Request, scope) else {
            return Ok(None);
        };
        let hard = limit.enforcement == Enforcement::Hard;
        let amount = if hard { quote.most } else { quote.estimated };
        if amount <= limit.limit {
            return Ok(None);
        }
        let tenant = scope.caller().and_then(|caller| caller.tenant.clone());
        let key = BudgetKey { scope: BudgetScope::Request, tenant, subject: String::new() };
        let now = quote.entry.timestamp;
        let account = AccountId::at(key, BudgetWindow::None, now);
        if !hard {
            let kind = VerdictKind::Exceeded;
            return Ok(Some(BudgetVerdict { account, limit: limit.limit, used: amount, kind }));
        }
        let refusal = BudgetRefusal {
            account,
            limit: limit.limit,
            spent: Money::ZERO,
            reserved: Money::ZERO,
            amount,
            until: None,
        };
        // Waiting makes no request cheaper.
        let limit = BudgetLimit { on_exceed: OnExceed::Fail, ..limit };
        Err(self.refused(&refusal, Some(limit), scope, now))
    }

    /// Tells of budgets that a request has brought near their limit or beyond.
    pub(super) fn announce(&self, verdicts: impl IntoIterator<Item = BudgetVerdict>) {
        for verdict in verdicts {
            let now = self.clock.now();
            self.events.emit(match verdict.kind {
                VerdictKind::Warning => self.warning(verdict, now),
                VerdictKind::Exceeded => soft(verdict, now),
            });
        }
    }

    fn warning(&self, verdict: BudgetVerdict, now: Timestamp) -> Event {
        let (used, limit) = (verdict.used.as_dollars(), verdict.limit.as_dollars());
        Event::BudgetWarning(BudgetWarning {
            scope: verdict.account.key.scope,
            scope_key: verdict.account.key.to_string(),
            current_spend: used,
            limit,
            warning_threshold: self.config.warning_threshold,
            utilization_percent: if limit > 0.0 { used / limit } else { 1.0 },
            tenant_id: verdict.account.key.tenant,
            timestamp: now,
        })
    }

    /// Tells of a request that a hard budget refuses, and makes its error.
    ///
    /// A tenant learns nothing of what others have spent from a budget that they share.
    pub(super) fn refused(
        &self,
        refusal: &BudgetRefusal,
        limit: Option<BudgetLimit>,
        scope: &CallScope,
        now: Timestamp,
    ) -> Error {
        let key = &refusal.account.key;
        let used = refusal.spent + refusal.reserved;
        self.events.emit(Event::BudgetExceeded(BudgetExceeded {
            scope: key.scope,
            scope_key: key.to_string(),
            current_spend: used.as_dollars(),
            limit: refusal.limit.as_dollars(),
            enforcement: "hard".to_owned(),
            blocked: true,
            tenant_id: key.tenant.clone(),
            timestamp: now,
        }));
        let on_exceed = limit.map_or(OnExceed::Fail, |limit| limit.on_exceed);
        let mut details = Map::new();
        let mut detail = |name: &str, value: Value| details.insert(name.to_owned(), value);
        detail("scope", json!(key.scope));
        detail("scopeKey", json!(key.to_string()));
        detail("limit", json!(refusal.limit.as_dollars()));
        let is_shared = is_shared(refusal, scope);
        if !is_shared {
            detail("currentSpend", json!(used.as_dollars()));
        }
        detail("estimatedCost", json!(refusal.amount.as_dollars()));
        if let Some(until) = refusal.until.filter(|_| may_ever_fit(refusal)) {
            detail("until", json!(until));
        }
        detail("onExceed", json!(on_exceed));
        // Whether it would fit if others gave back what they have set aside.
        detail("mayFreeUp", json!(refusal.spent + refusal.amount <= refusal.limit));
        Error::new(ErrorCode::BudgetExceeded, message(refusal, is_shared))
            .with_details(details.into())
    }
}

fn soft(verdict: BudgetVerdict, now: Timestamp) -> Event {
    Event::BudgetExceeded(BudgetExceeded {
        scope: verdict.account.key.scope,
        scope_key: verdict.account.key.to_string(),
        current_spend: verdict.used.as_dollars(),
        limit: verdict.limit.as_dollars(),
        enforcement: "soft".to_owned(),
        blocked: false,
        tenant_id: verdict.account.key.tenant,
        timestamp: now,
    })
}

/// Returns whether the budget is one that a tenant who asks shares with others.
fn is_shared(refusal: &BudgetRefusal, scope: &CallScope) -> bool {
    let is_of_a_tenant = scope.caller().is_some_and(|caller| caller.tenant.is_some());
    is_of_a_tenant && refusal.account.key.tenant.is_none()
}

/// Returns whether the request fits into the budget while nothing is spent of it.
fn may_ever_fit(refusal: &BudgetRefusal) -> bool {
    refusal.amount <= refusal.limit
}

fn message(refusal: &BudgetRefusal, is_shared: bool) -> String {
    let BudgetRefusal { account, limit, amount, .. } = refusal;
    if account.key.scope == BudgetScope::Request {
        return format!(
            "the request may cost {amount} and a request may cost {limit}; lower its max_tokens, \
             shorten it, or raise costs.budgets.perRequest"
        );
    }
    if !may_ever_fit(refusal) {
        return format!(
            "the request may cost {amount}, which is more than all of the budget {}, {limit}; \
             lower its max_tokens, shorten it, or raise the budget",
            account.key
        );
    }
    let left = (*limit - refusal.spent - refusal.reserved).max(Money::ZERO);
    let wait = match refusal.until {
        Some(until) => format!(", or wait until {until}"),
        None => String::new(),
    };
    let left = if is_shared { "less".to_owned() } else { format!("{left} of {limit}") };
    format!(
        "the request may cost {amount} and the budget {} has {left} left; top it up, raise it{wait}",
        account.key
    )
}

/// Makes the error of a request whose price nobody knows, where that is not allowed.
pub(super) fn unpriced(provider: &str, model: &str) -> Error {
    let model = if model.is_empty() { "its default model" } else { model };
    let message = format!(
        "nobody knows what {model} of {provider} costs, and a hard budget allows no request \
         without a price; give one under costs.prices"
    );
    let details =
        json!({ "provider": provider, "model": model, "unpriced": true, "onExceed": "fail" });
    Error::new(ErrorCode::BudgetExceeded, message).with_details(details)
}
