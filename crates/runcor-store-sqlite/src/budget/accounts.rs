//! Accounts as rows.

use runcor_core::{AccountId, BudgetAccount, BudgetScope, ExecutionId, Money, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::NamedAccount;
use crate::decode::{self, ACCOUNT_COLUMNS};
use crate::encode::{AccountRow, integer, scope_code};
use crate::error::Error;

/// The order is that of the index by which accounts are found.
const BY_ID: &str = "scope = ?1 AND tenant = ?2 AND subject = ?3 AND window = ?4 AND since = ?5";

/// Reads an account's number and how it stands.
pub(super) fn load_by_id(
    conn: &Connection,
    row: &AccountRow,
) -> rusqlite::Result<Option<(i64, BudgetAccount)>> {
    let sql =
        format!("SELECT spent, reserved, topped_up, warned, number FROM accounts WHERE {BY_ID}");
    let AccountId { key, since, .. } = &row.id;
    let id = params![row.scope, row.tenant(), key.subject, row.window, since.as_millis()];
    conn.prepare_cached(&sql)?.query_row(id, |row| Ok((row.get(4)?, state(row)?))).optional()
}

/// Reads how the account with a number stands.
pub(super) fn load(conn: &Connection, number: i64) -> rusqlite::Result<Option<BudgetAccount>> {
    conn.prepare_cached(
        "SELECT spent, reserved, topped_up, warned FROM accounts WHERE number = ?1",
    )?
    .query_row([number], state)
    .optional()
}

fn state(row: &Row<'_>) -> rusqlite::Result<BudgetAccount> {
    let money = |column| row.get(column).map(Money::from_nanos);
    Ok(BudgetAccount {
        spent: money(0)?,
        reserved: money(1)?,
        topped_up: money(2)?,
        warned: row.get(3)?,
    })
}

/// Opens an account that is not there; returns its number.
pub(super) fn insert(conn: &Connection, row: &AccountRow) -> rusqlite::Result<i64> {
    let AccountId { key, since, .. } = &row.id;
    conn.prepare_cached(
        "INSERT INTO accounts (scope, tenant, subject, window, since, until, forget, spent, \
         reserved, topped_up, warned, holds) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0, 0)",
    )?
    .execute(params![
        row.scope,
        row.tenant(),
        key.subject,
        row.window,
        since.as_millis(),
        row.until,
        row.forget,
    ])?;
    Ok(conn.last_insert_rowid())
}

/// Writes how an account stands, and how many reservations more it has.
pub(super) fn save(
    conn: &Connection,
    number: i64,
    account: &BudgetAccount,
    holds: i64,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE accounts SET spent = ?2, reserved = ?3, topped_up = ?4, warned = ?5, \
         holds = holds + ?6 WHERE number = ?1",
    )?
    .execute(params![
        number,
        account.spent.as_nanos(),
        account.reserved.as_nanos(),
        account.topped_up.as_nanos(),
        account.warned,
        holds,
    ])?;
    Ok(())
}

/// Reads one account.
pub(crate) fn account(conn: &Connection, row: &AccountRow) -> Result<Option<BudgetAccount>, Error> {
    Ok(load_by_id(conn, row)?.map(|(_, account)| account))
}

/// Reads accounts whose window has not ended, in order of their identity.
pub(crate) fn accounts(
    conn: &Connection,
    scope: Option<BudgetScope>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<NamedAccount>, Error> {
    let scope = scope.map(scope_code);
    let (first, last) = (scope.unwrap_or(i64::MIN), scope.unwrap_or(i64::MAX));
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {ACCOUNT_COLUMNS} FROM accounts INDEXED BY accounts_id \
         WHERE scope BETWEEN ?1 AND ?2 AND (until IS NULL OR until > ?3) \
         ORDER BY scope, tenant, subject, window, since LIMIT ?4"
    ))?;
    let mut rows = statement.query(params![first, last, now.as_millis(), integer(limit)])?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        accounts.push(decode::account(row)?);
    }
    Ok(accounts)
}

/// Removes accounts that ended as long ago as they lasted and hold nothing.
pub(crate) fn forget(conn: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM accounts WHERE number IN (SELECT number FROM accounts \
         INDEXED BY accounts_forget WHERE forget <= ?1 AND holds = 0 ORDER BY forget LIMIT ?2)",
    )?
    .execute(params![now.as_millis(), integer(limit)])
}

/// Removes the accounts of an execution's own budget that hold nothing.
pub(crate) fn end_of_execution(
    conn: &Connection,
    id: ExecutionId,
    tenant: &str,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM accounts WHERE scope = ?1 AND tenant = ?2 AND subject = ?3 AND holds = 0",
    )?
    .execute(params![scope_code(BudgetScope::Execution), tenant, id.to_string()])?;
    Ok(())
}
