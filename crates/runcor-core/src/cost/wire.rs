//! The ledger and the budgets in JSON, as HTTP, events and the CLI show them.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::budget::BudgetWindow;
use super::control::BudgetStatus;
use super::ledger::{AttemptOutcome, LedgerEntry, LedgerTotal};
use crate::event::{CostRequest, Event};
use crate::money::Money;

impl LedgerEntry {
    /// Returns the event that tells of the row; none where no request was made.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        if self.outcome == AttemptOutcome::Replayed {
            return None;
        }
        Some(Event::CostRequest(Box::new(CostRequest {
            id: self.id,
            provider: self.provider.clone(),
            model: self.model.clone(),
            prompt_tokens: self.usage.prompt_tokens,
            completion_tokens: self.usage.completion_tokens,
            cost: self.cost.as_dollars(),
            outcome: self.outcome,
            execution_id: self.execution_id,
            flow_name: self.flow_name.clone(),
            user_id: self.user_id.clone(),
            tenant_id: self.tenant_id.clone(),
            timestamp: self.timestamp.after(self.duration),
        })))
    }
}

/// Shows the documented keys, the cost in dollars, and then what is new.
impl Serialize for LedgerEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("LedgerEntry", 19)?;
        row.serialize_field("id", &self.id)?;
        row.serialize_field("timestamp", &self.timestamp)?;
        row.serialize_field("provider", &self.provider)?;
        row.serialize_field("model", &self.model)?;
        row.serialize_field("promptTokens", &self.usage.prompt_tokens)?;
        row.serialize_field("completionTokens", &self.usage.completion_tokens)?;
        row.serialize_field("cost", &self.cost.as_dollars())?;
        row.serialize_field("executionId", &self.execution_id)?;
        row.serialize_field("flowName", &self.flow_name)?;
        row.serialize_field("userId", &self.user_id)?;
        row.serialize_field("outcome", &self.outcome)?;
        row.serialize_field("cachedTokens", &self.usage.cached_tokens)?;
        row.serialize_field("reasoningTokens", &self.usage.reasoning_tokens)?;
        row.serialize_field("estimated", &self.usage.estimated)?;
        row.serialize_field("costNanos", &self.cost)?;
        row.serialize_field("unpriced", &self.unpriced)?;
        row.serialize_field("path", &self.path)?;
        row.serialize_field("tenantId", &self.tenant_id)?;
        let millis = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        row.serialize_field("durationMs", &millis)?;
        row.end()
    }
}

/// Shows the documented keys, the cost in dollars, and then what is new.
impl Serialize for LedgerTotal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut total = serializer.serialize_struct("LedgerTotal", 11)?;
        total.serialize_field("name", &self.name)?;
        total.serialize_field("cost", &self.cost.as_dollars())?;
        total.serialize_field("count", &self.count)?;
        total.serialize_field("costNanos", &self.cost)?;
        total.serialize_field("replayed", &self.replayed)?;
        total.serialize_field("unpriced", &self.unpriced)?;
        total.serialize_field("promptTokens", &self.prompt_tokens)?;
        total.serialize_field("completionTokens", &self.completion_tokens)?;
        total.serialize_field("cachedTokens", &self.cached_tokens)?;
        total.serialize_field("reasoningTokens", &self.reasoning_tokens)?;
        total.serialize_field("savedTokens", &self.saved_tokens)?;
        total.end()
    }
}

/// Shows whose budget it is, and its amounts in dollars and in nano-dollars.
impl Serialize for BudgetStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let key = &self.account.key;
        let mut status = serializer.serialize_struct("BudgetStatus", 20)?;
        status.serialize_field("scope", &key.scope)?;
        status.serialize_field("scopeKey", &key.to_string())?;
        status.serialize_field("subject", &key.subject)?;
        status.serialize_field("tenantId", &key.tenant)?;
        status.serialize_field("window", &self.account.window)?;
        status.serialize_field("since", &self.account.since)?;
        status.serialize_field("until", &self.until)?;
        status.serialize_field("enforcement", &self.limit.enforcement)?;
        status.serialize_field("onExceed", &self.limit.on_exceed)?;
        status.serialize_field("warned", &self.state.warned)?;
        let mut amount = |dollars, nanos, amount: Money| {
            status.serialize_field(dollars, &amount.as_dollars())?;
            status.serialize_field(nanos, &amount)
        };
        amount("limit", "limitNanos", self.limit.limit)?;
        amount("toppedUp", "toppedUpNanos", self.state.topped_up)?;
        amount("spent", "spentNanos", self.state.spent)?;
        amount("reserved", "reservedNanos", self.state.reserved)?;
        amount("left", "leftNanos", self.left())?;
        status.end()
    }
}

/// Shows the documented form: `{"type":"daily"}`, `{"type":"custom","durationMs":60000}`.
impl Serialize for BudgetWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Custom(length) = self {
            let mut window = serializer.serialize_struct("BudgetWindow", 2)?;
            window.serialize_field("type", "custom")?;
            let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
            window.serialize_field("durationMs", &millis)?;
            return window.end();
        }
        let mut window = serializer.serialize_struct("BudgetWindow", 1)?;
        window.serialize_field("type", &self.as_text())?;
        window.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::cost::{AccountId, BudgetAccount, BudgetKey, BudgetLimit, BudgetScope};
    use crate::id::{AttemptId, FlowName};
    use crate::model::Usage;
    use crate::time::Timestamp;

    fn entry() -> LedgerEntry {
        let now = Timestamp::from_millis(1_763_667_325_593);
        LedgerEntry {
            id: AttemptId::mint(now),
            timestamp: now,
            execution_id: None,
            path: None,
            flow_name: FlowName::new("hello").unwrap(),
            user_id: None,
            tenant_id: None,
            provider: "mock".to_owned(),
            model: "m".to_owned(),
            usage: Usage { prompt_tokens: 2, completion_tokens: 20, ..Usage::default() },
            cost: Money::from_nanos(1_500),
            outcome: AttemptOutcome::Answered,
            unpriced: false,
            duration: Duration::from_millis(7),
        }
    }

    #[test]
    fn a_row_has_the_documented_keys_first_and_null_for_nobody() {
        let entry = entry();
        let shown = serde_json::to_value(&entry).unwrap();
        let expected = json!({
            "id": entry.id, "timestamp": "2025-11-20T19:35:25.593Z", "provider": "mock",
            "model": "m", "promptTokens": 2, "completionTokens": 20, "cost": 0.000_001_5,
            "executionId": null, "flowName": "hello", "userId": null,
            "outcome": "answered", "cachedTokens": 0, "reasoningTokens": 0, "estimated": false,
            "costNanos": 1500, "unpriced": false, "path": null, "tenantId": null, "durationMs": 7,
        });
        assert_eq!(shown, expected);
        let keys = |value: &serde_json::Value| {
            value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(&shown), keys(&expected));
    }

    #[test]
    fn a_request_that_was_not_made_has_no_event() {
        let Some(Event::CostRequest(event)) = entry().event() else { panic!("no event") };
        assert_eq!(event.timestamp, entry().timestamp.after(Duration::from_millis(7)));
        let replayed = LedgerEntry { outcome: AttemptOutcome::Replayed, ..entry() };
        assert_eq!(replayed.event(), None);
    }

    #[test]
    fn a_budget_tells_its_amounts_in_dollars_and_in_nano_dollars() {
        let subject = "ada".to_owned();
        let key = BudgetKey { scope: BudgetScope::User, tenant: None, subject };
        let window = BudgetWindow::Custom(Duration::from_secs(60));
        let account = AccountId::at(key, window, Timestamp::from_millis(61_000));
        let status = BudgetStatus {
            until: account.until(),
            account,
            limit: BudgetLimit::hard(Money::from_dollars(1.0)).within(window),
            state: BudgetAccount { spent: Money::from_dollars(0.25), ..BudgetAccount::default() },
        };
        let shown = serde_json::to_value(&status).unwrap();
        assert_eq!(shown["scopeKey"], "user:ada");
        assert_eq!(shown["window"], json!({ "type": "custom", "durationMs": 60_000 }));
        assert_eq!((&shown["left"], &shown["leftNanos"]), (&json!(0.75), &json!(750_000_000)));
        assert_eq!(shown["until"], "1970-01-01T00:02:00.000Z");
    }
}
