//! Money that is spent: the ledger, budgets, and the meter of model calls.

mod account;
mod budget;
mod control;
mod ledger;
mod meter;
mod report;
mod scope;
mod table;
mod wire;

pub use account::{BudgetAccount, BudgetRefusal, BudgetVerdict, VerdictKind};
pub use budget::{
    AccountId, BudgetHold, BudgetKey, BudgetLimit, BudgetScope, BudgetWindow, Enforcement,
    OnExceed, Reservation,
};
pub use control::{BudgetStatus, Budgets, TopUp};
pub use ledger::{
    AttemptOutcome, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, LedgerReads,
    LedgerTotal,
};
pub use meter::{AttemptPlan, Held, Meter, NoMeter};
pub use report::{CostShare, CostSummary};
pub use scope::{Bill, CallScope, Caller, Paying};
pub use table::{LEDGER_COLUMNS, csv_line};
