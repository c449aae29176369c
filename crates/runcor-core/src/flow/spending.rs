//! Money as a flow sees it: what it has spent, and pauses until there is more.

use std::time::Duration;

use serde_json::Value;

use super::context::FlowContext;
use super::error::FlowError;
use super::wait::{Suspension, WaitKind, WaitSignal};
use crate::cost::{CallScope, LedgerEntry, LedgerFilter};
use crate::error::{Error, ErrorCode, Result};
use crate::money::Money;
use crate::time::Timestamp;

use super::journal::Spend;

/// How long a flow waits for money before it asks again by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// After how long a flow looks again where nothing that is set aside would be
/// enough: somebody may have added money and told nobody.
const LOOK_LATER: Duration = Duration::from_secs(300);

/// What an execution has spent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowCost {
    /// The sum of its requests to vendors, in nano-dollars.
    pub execution_total: Money,
    /// How many requests there were, the failed ones included.
    pub request_count: u64,
}

impl FlowContext {
    /// Returns what this execution has spent so far; nothing where nobody counts.
    ///
    /// # Errors
    /// `STORAGE_…` when the ledger can't be read.
    pub async fn cost(&self) -> Result<FlowCost> {
        let Some(store) = &self.governance().store else { return Ok(FlowCost::default()) };
        let execution = Some(self.execution_id());
        let filter = LedgerFilter { execution, ..LedgerFilter::default() };
        let totals = store.ledger().ledger_totals(&filter, None).await?;
        let total = totals.into_iter().next().unwrap_or_default();
        Ok(FlowCost { execution_total: total.cost, request_count: total.count })
    }

    /// Returns the scope of a model call at a place of the journal.
    pub(crate) fn call_scope(&self, path: &str) -> CallScope {
        let governance = self.governance();
        match &governance.meter {
            Some(meter) => CallScope::of(self.spec(), path, governance.budget, meter.clone()),
            None => CallScope::default(),
        }
    }

    /// Notes that a model call was answered from the journal instead of a vendor.
    pub(crate) fn note_replay(&self, path: &str, spend: Option<&Spend>) {
        let is_counting = self.governance().meter.as_ref().is_some_and(|meter| meter.is_counting());
        if let Some(spend) = spend.filter(|_| is_counting) {
            let entry = LedgerEntry::replayed(self.spec(), path, spend, self.now());
            self.journal().note(None, vec![crate::store::Op::Settle(Box::new(entry))]);
        }
    }

    /// Turns the refusal of a budget into a pause, where the budget asks for that.
    pub(crate) fn pause_if_asked(&self, error: Error) -> FlowError {
        if error.code() != ErrorCode::BudgetExceeded {
            return error.into();
        }
        let details = error.details().cloned().unwrap_or_default();
        if details.get("onExceed").and_then(Value::as_str) != Some("pause") {
            return error.into();
        }
        let may_free_up = details.get("mayFreeUp").and_then(Value::as_bool).unwrap_or(true);
        let until = details.get("until").cloned();
        let until = until.and_then(|until| serde_json::from_value::<Timestamp>(until).ok());
        let signal = WaitSignal::new(error.message())
            .with_data(serde_json::json!({ "budget": details }))
            .with_timeout(Duration::ZERO);
        let signal = match until {
            Some(until) => signal.with_expected_resume_by(until),
            None => signal,
        };
        // Money that others have set aside may come back at any moment.
        let look_again = self.now().after(if may_free_up { LOOK_AGAIN } else { LOOK_LATER });
        self.suspend(Suspension {
            kind: WaitKind::Budget,
            signal,
            since: Some(self.now()),
            wake_at: Some(until.map_or(look_again, |until| until.min(look_again))),
            ..Suspension::default()
        })
    }
}
