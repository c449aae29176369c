//! Budgets: whose money, within which window, and how much of it a call sets aside.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::ledger::LedgerEntry;
use crate::id::{AttemptId, TenantId};
use crate::money::Money;
use crate::time::Timestamp;

/// Whose spending a budget limits, in the order in which budgets are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BudgetScope {
    /// One request's; nothing adds up.
    Request,
    /// One execution's.
    Execution,
    /// One user's.
    User,
    /// One flow's.
    Flow,
    /// One tenant's.
    Tenant,
    /// Everybody's.
    Global,
}

impl BudgetScope {
    /// Every scope.
    pub const ALL: [Self; 6] =
        [Self::Request, Self::Execution, Self::User, Self::Flow, Self::Tenant, Self::Global];

    /// Returns the scope as stores keep it and the wire shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Execution => "execution",
            Self::User => "user",
            Self::Flow => "flow",
            Self::Tenant => "tenant",
            Self::Global => "global",
        }
    }

    /// Finds the scope that `text` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// One budget's owner: a scope, and who it is in that scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetKey {
    /// The scope.
    pub scope: BudgetScope,
    /// The tenant that the owner belongs to: users of two tenants are two users.
    pub tenant: Option<TenantId>,
    /// The user, flow, tenant or execution; empty for everybody's.
    pub subject: String,
}

/// Writes the documented form: `user:alice`, `flow:brief`, `global`.
impl fmt::Display for BudgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope.as_str())?;
        if self.subject.is_empty() { Ok(()) } else { write!(f, ":{}", self.subject) }
    }
}

/// How long spending adds up before it begins again at nothing; all in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BudgetWindow {
    /// It adds up for ever.
    None,
    /// From one full hour to the next.
    Hourly,
    /// From one midnight to the next.
    Daily,
    /// A calendar month.
    Monthly,
    /// Pieces of this length, counted from the Unix epoch; at least a millisecond.
    Custom(Duration),
}

const HOUR: i64 = 3_600_000;

impl BudgetWindow {
    /// Returns the beginning of the window that `now` lies in, and its end, if it has one.
    #[must_use]
    pub fn bounds(self, now: Timestamp) -> (Timestamp, Option<Timestamp>) {
        let aligned = |length: i64| {
            let start = now.as_millis().div_euclid(length).saturating_mul(length);
            (Timestamp::from_millis(start), Some(Timestamp::from_millis(start + length)))
        };
        match self {
            Self::None => (Timestamp::from_millis(0), None),
            Self::Hourly => aligned(HOUR),
            Self::Daily => aligned(24 * HOUR),
            Self::Monthly => month(now),
            Self::Custom(length) => {
                aligned(i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1))
            }
        }
    }

    /// Returns the window as stores keep it: its name, or a length in milliseconds.
    #[must_use]
    pub fn as_text(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Hourly => "hourly".to_owned(),
            Self::Daily => "daily".to_owned(),
            Self::Monthly => "monthly".to_owned(),
            Self::Custom(length) => length.as_millis().to_string(),
        }
    }

    /// Finds the window that stores keep as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "hourly" => Some(Self::Hourly),
            "daily" => Some(Self::Daily),
            "monthly" => Some(Self::Monthly),
            length => length.parse().ok().map(Duration::from_millis).map(Self::Custom),
        }
    }
}

fn month(now: Timestamp) -> (Timestamp, Option<Timestamp>) {
    let date = DateTime::<Utc>::from_timestamp_millis(now.as_millis()).unwrap_or_default();
    let (year, month) = (date.year(), date.month());
    let first = |year, month| {
        let day = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
        Timestamp::from_millis(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    };
    let next = if month == 12 { first(year + 1, 1) } else { first(year, month + 1) };
    (first(year, month), Some(next))
}

/// The identity of an account: one owner's spending in one window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// The owner.
    pub key: BudgetKey,
    /// The kind of window.
    pub window: BudgetWindow,
    /// When the window began.
    pub since: Timestamp,
}

impl AccountId {
    /// Returns the account of the window that `now` lies in.
    #[must_use]
    pub fn at(key: BudgetKey, window: BudgetWindow, now: Timestamp) -> Self {
        Self { key, window, since: window.bounds(now).0 }
    }

    /// Returns when the window ends, if it does.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.window.bounds(self.since).1
    }
}

/// How much may be spent, and what happens to what would go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimit {
    /// How much.
    pub limit: Money,
    /// Whether calls beyond it are refused.
    pub enforcement: Enforcement,
    /// How long spending adds up.
    pub window: BudgetWindow,
    /// What a flow does whose call is refused.
    pub on_exceed: OnExceed,
}

impl BudgetLimit {
    /// Makes a hard limit for each day, beyond which flows fail.
    #[must_use]
    pub const fn hard(limit: Money) -> Self {
        Self {
            limit,
            enforcement: Enforcement::Hard,
            window: BudgetWindow::Daily,
            on_exceed: OnExceed::Fail,
        }
    }

    /// Makes a limit for each day that is announced and not enforced.
    #[must_use]
    pub const fn soft(limit: Money) -> Self {
        Self { enforcement: Enforcement::Soft, ..Self::hard(limit) }
    }

    /// Sets the window.
    #[must_use]
    pub const fn within(mut self, window: BudgetWindow) -> Self {
        self.window = window;
        self
    }

    /// Lets flows wait for more money, instead of failing.
    #[must_use]
    pub const fn pausing(mut self) -> Self {
        self.on_exceed = OnExceed::Pause;
        self
    }
}

/// Shows the limit in dollars, as the documentation does.
impl Serialize for BudgetLimit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = serde_json::json!({
            "limit": self.limit.as_dollars(),
            "enforcement": self.enforcement,
            "window": self.window,
            "onExceed": self.on_exceed,
        });
        shown.serialize(serializer)
    }
}

/// Whether calls beyond a limit are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// They are.
    #[default]
    Hard,
    /// They are announced.
    Soft,
    /// Nobody looks.
    Disabled,
}

/// What a flow does whose call is refused by a hard budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnExceed {
    /// It fails with `BUDGET_EXCEEDED`.
    #[default]
    Fail,
    /// It waits for somebody to add to the budget, or for the next window.
    Pause,
}

/// What one call sets aside in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetHold {
    /// The account.
    pub account: AccountId,
    /// How much: for a hard limit the most that the call can cost.
    pub amount: Money,
    /// The limit, top-ups aside.
    pub limit: Money,
    /// Whether the call is refused beyond the limit, instead of announced.
    pub hard: bool,
    /// The use at which a warning is due, once for each window.
    pub warn_at: Money,
}

/// Money that is set aside for one request to a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What the request is booked as if nobody ever tells what came of it:
    /// lost, at the most that it can have cost.
    pub entry: LedgerEntry,
    /// What is set aside, in the order in which the accounts are judged.
    pub holds: Vec<BudgetHold>,
    /// When the request is taken for lost.
    pub lapses: Timestamp,
}

impl Reservation {
    /// Returns the identity, which is that of the row in the ledger.
    #[must_use]
    pub fn id(&self) -> AttemptId {
        self.entry.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    fn shown(window: BudgetWindow, now: &str) -> String {
        let (since, until) = window.bounds(at(now));
        format!("{since} {}", until.map_or_else(|| "never".to_owned(), |until| until.to_string()))
    }

    #[test]
    fn windows_begin_and_end_where_the_documentation_says() {
        let now = "2026-12-31T23:59:59.999Z";
        let cases = [
            (BudgetWindow::None, "1970-01-01T00:00:00.000Z never"),
            (BudgetWindow::Hourly, "2026-12-31T23:00:00.000Z 2027-01-01T00:00:00.000Z"),
            (BudgetWindow::Daily, "2026-12-31T00:00:00.000Z 2027-01-01T00:00:00.000Z"),
            (BudgetWindow::Monthly, "2026-12-01T00:00:00.000Z 2027-01-01T00:00:00.000Z"),
        ];
        for (window, expected) in cases {
            assert_eq!(shown(window, now), expected);
        }
        let custom = BudgetWindow::Custom(Duration::from_millis(1_000));
        assert_eq!(custom.bounds(Timestamp::from_millis(2_500)).0.as_millis(), 2_000);
    }

    #[test]
    fn a_window_is_found_again_by_its_text() {
        use BudgetWindow::{Custom, Daily, Hourly, Monthly, None};
        for window in [None, Hourly, Daily, Monthly, Custom(Duration::from_millis(90_000))] {
            assert_eq!(BudgetWindow::parse(&window.as_text()), Some(window));
        }
    }
}
