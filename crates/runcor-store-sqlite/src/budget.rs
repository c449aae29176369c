//! Budgets: accounts, and the reservations that hold money of them.

mod accounts;
mod settling;

use runcor_core::{AccountId, BudgetAccount, BudgetVerdict, Money, StoreError};
use rusqlite::{Connection, params};

pub(crate) use accounts::{account, accounts, end_of_execution, forget};
pub(crate) use settling::{lapse, parse as parse_holds, settle};

use self::accounts::{load_by_id, save};
use crate::encode::{AccountRow, ReservationRow};
use crate::error::Error;

/// How many bytes a hold takes: the number of the account, and the amount.
pub(crate) const HOLD_BYTES: usize = 16;

/// An account as it is changed.
struct Open<'a> {
    row: &'a AccountRow,
    number: Option<i64>,
    account: BudgetAccount,
    holds: i64,
}

/// Sets money aside, unless that was done or settled before.
///
/// Every hold is judged before anything is written.
pub(crate) fn reserve(
    conn: &Connection,
    new: &ReservationRow,
    verdicts: &mut Vec<BudgetVerdict>,
) -> Result<(), Error> {
    let is_known = conn
        .prepare_cached(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM reservations WHERE id = ?1) \
             OR EXISTS (SELECT 1 FROM ledger WHERE id = ?1)",
        )?
        .exists([new.id.as_bytes()])?;
    if is_known {
        return Ok(());
    }
    let (mut open, mut told) = (Vec::<Open<'_>>::new(), Vec::new());
    let mut held = Vec::with_capacity(new.holds.len());
    for (row, hold) in &new.holds {
        let place = open.iter().position(|open| open.row.id == row.id);
        let place = place.map_or_else(|| open_account(conn, row, &mut open), Ok)?;
        let Some(open) = open.get_mut(place) else { continue };
        let verdict = open.account.reserve(hold).map_err(StoreError::OverBudget)?;
        told.extend(verdict);
        open.holds += 1;
        held.push((place, hold.amount));
    }
    verdicts.extend(told);
    let numbers =
        open.iter().map(|open| write(conn, open)).collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut holds = Vec::with_capacity(held.len() * HOLD_BYTES);
    for (place, amount) in held {
        let number = numbers.get(place).copied().unwrap_or_default();
        holds.extend(number.to_le_bytes());
        holds.extend(amount.as_nanos().to_le_bytes());
    }
    conn.prepare_cached(
        "INSERT INTO reservations (id, lapses, entry, holds) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![new.id.as_bytes(), new.lapses, new.entry, holds])?;
    Ok(())
}

fn open_account<'a>(
    conn: &Connection,
    row: &'a AccountRow,
    open: &mut Vec<Open<'a>>,
) -> Result<usize, Error> {
    let found = load_by_id(conn, row)?;
    let (number, account) =
        found.map(|(number, account)| (Some(number), account)).unwrap_or_default();
    open.push(Open { row, number, account, holds: 0 });
    Ok(open.len() - 1)
}

fn write(conn: &Connection, open: &Open<'_>) -> rusqlite::Result<i64> {
    let number = match open.number {
        Some(number) => number,
        None => accounts::insert(conn, open.row)?,
    };
    save(conn, number, &open.account, open.holds)?;
    Ok(number)
}

/// Adds to the limit of a budget, within one window.
pub(crate) fn top_up(conn: &Connection, row: &AccountRow, amount: Money) -> rusqlite::Result<()> {
    let (number, mut account) = match load_by_id(conn, row)? {
        Some(found) => found,
        None => (accounts::insert(conn, row)?, BudgetAccount::default()),
    };
    account.top_up(amount);
    save(conn, number, &account, 0)
}

/// Reads what an account is called and how it stands.
pub(crate) type NamedAccount = (AccountId, BudgetAccount);
