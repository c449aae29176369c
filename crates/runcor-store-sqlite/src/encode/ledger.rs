//! Ledger entries, reservations and accounts as rows.

use runcor_core::{
    AccountId, AttemptId, AttemptOutcome, BudgetHold, BudgetScope, ExecutionId, LedgerEntry,
    Reservation, StoreError, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Encoder, duration, integer};

/// A row of the ledger; the short names are those of reservations, which keep one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerRow {
    #[serde(rename = "i")]
    pub(crate) id: AttemptId,
    #[serde(rename = "t")]
    pub(crate) at: i64,
    #[serde(flatten)]
    pub(crate) names: Names,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) execution: Option<ExecutionId>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Input, output, cached and reasoning tokens.
    #[serde(rename = "k")]
    pub(crate) tokens: [i64; 4],
    #[serde(rename = "e", default)]
    pub(crate) estimated: bool,
    #[serde(rename = "c")]
    pub(crate) cost: i64,
    #[serde(rename = "o")]
    pub(crate) outcome: i64,
    #[serde(rename = "n", default)]
    pub(crate) unpriced: bool,
    #[serde(rename = "d")]
    pub(crate) duration: i64,
}

/// The names by which totals are kept; no user and no tenant are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Names {
    #[serde(rename = "u", default, skip_serializing_if = "String::is_empty")]
    pub(crate) user: String,
    #[serde(rename = "w", default, skip_serializing_if = "String::is_empty")]
    pub(crate) tenant: String,
    #[serde(rename = "f")]
    pub(crate) flow: String,
    #[serde(rename = "p")]
    pub(crate) provider: String,
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    pub(crate) model: String,
}

/// The identity of an account as columns, and the instants that follow from it.
#[derive(Debug)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    pub(crate) scope: i64,
    pub(crate) window: String,
    pub(crate) until: Option<i64>,
    /// From when on it may be forgotten: it has ended for as long as it lasted.
    pub(crate) forget: Option<i64>,
}

/// A reservation whose entry is text.
#[derive(Debug)]
pub(crate) struct ReservationRow {
    pub(crate) id: AttemptId,
    pub(crate) lapses: i64,
    pub(crate) entry: String,
    pub(crate) holds: Vec<(AccountRow, BudgetHold)>,
}

impl Encoder {
    pub(super) fn reservation(&mut self, new: Reservation) -> Result<ReservationRow, StoreError> {
        Ok(ReservationRow {
            id: new.id(),
            lapses: new.lapses.as_millis(),
            entry: self.text(&LedgerRow::of(new.entry))?,
            holds: new
                .holds
                .into_iter()
                .map(|hold| (AccountRow::of(hold.account.clone()), hold))
                .collect(),
        })
    }
}

impl LedgerRow {
    pub(crate) fn of(entry: LedgerEntry) -> Self {
        let usage = &entry.usage;
        let tokens = [
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
            usage.reasoning_tokens,
        ];
        Self {
            id: entry.id,
            at: entry.timestamp.as_millis(),
            names: Names {
                user: entry.user_id.map(String::from).unwrap_or_default(),
                tenant: entry.tenant_id.map(String::from).unwrap_or_default(),
                flow: entry.flow_name.into(),
                provider: entry.provider,
                model: entry.model,
            },
            execution: entry.execution_id,
            path: entry.path,
            tokens: tokens.map(integer),
            estimated: usage.estimated,
            cost: entry.cost.as_nanos(),
            outcome: outcome_code(entry.outcome),
            unpriced: entry.unpriced,
            duration: duration(entry.duration),
        }
    }
}

impl AccountRow {
    pub(crate) fn of(id: AccountId) -> Self {
        let until = id.until();
        let forget = until.map(|until| until.after(until.since(id.since)));
        Self {
            scope: scope_code(id.key.scope),
            window: id.window.as_text(),
            until: until.map(Timestamp::as_millis),
            forget: forget.map(Timestamp::as_millis),
            id,
        }
    }

    pub(crate) fn tenant(&self) -> &str {
        self.id.key.tenant.as_ref().map_or("", |tenant| tenant.as_str())
    }
}

/// Returns the number that stands for an outcome in the database.
fn outcome_code(outcome: AttemptOutcome) -> i64 {
    place(&AttemptOutcome::ALL, &outcome)
}

/// Returns the number that stands for the scope of a budget in the database.
pub(crate) fn scope_code(scope: BudgetScope) -> i64 {
    place(&BudgetScope::ALL, &scope)
}

fn place<T: PartialEq>(all: &[T], one: &T) -> i64 {
    // Each knows all of its kind.
    all.iter().position(|other| other == one).map_or(-1, integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_stand_in_databases_do_not_change() {
        let outcomes = ["answered", "failed", "cancelled", "lost", "replayed"];
        let outcomes = outcomes.map(|text| AttemptOutcome::parse(text).map(outcome_code));
        assert_eq!(outcomes, [0, 1, 2, 3, 4].map(Some));
        let scopes = ["request", "execution", "user", "flow", "tenant", "global"];
        let scopes = scopes.map(|text| BudgetScope::parse(text).map(scope_code));
        assert_eq!(scopes, [0, 1, 2, 3, 4, 5].map(Some));
    }
}
