//! Budgets: accounts, what is set aside in them, and the windows of rate limits.

use std::collections::HashMap;

use runcor_core::{Money, RateScope, RateWindow};
use rusqlite::Connection;

use super::report::Report;
use crate::budget::parse_holds;
use crate::decode::{self, ACCOUNT_COLUMNS};
use crate::encode::AccountRow;
use crate::error::Error;

/// What reservations hold of an account: how much, and how often.
type Held = HashMap<i64, (Money, i64)>;

pub(super) fn check(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let held = reservations(conn, report)?;
    accounts(conn, held, report)?;
    rates(conn, report)
}

/// Reservations can be read, lapse some time, and are not settled yet.
fn reservations(conn: &Connection, report: &mut Report) -> Result<Held, Error> {
    let mut statement = conn.prepare(
        "SELECT hex(id), id, lapses IS NULL, entry, holds, \
         EXISTS (SELECT 1 FROM ledger WHERE ledger.id = reservations.id) FROM reservations",
    )?;
    let mut rows = statement.query([])?;
    let mut held = Held::new();
    while let Some(row) = rows.next()? {
        report.checked.reservations += 1;
        let place = format!("reservation {}", row.get::<_, String>(0)?);
        let (id, entry): (Vec<u8>, String) = (row.get(1)?, row.get(3)?);
        let entry = decode::reserved(&entry);
        let is_its_own = entry.is_some_and(|row| row.id.as_bytes().as_slice() == id);
        let holds = parse_holds(&row.get::<_, Vec<u8>>(4)?);
        report.find_all(
            "reservations-are-whole",
            &place,
            [
                (!is_its_own, "what it is booked as can't be read, or is of another"),
                (holds.is_none(), "what it holds can't be read"),
                (row.get(2)?, "it never lapses"),
                (row.get(5)?, "it is settled and still holds"),
            ],
        );
        for (account, amount) in holds.unwrap_or_default() {
            let (sum, count) = held.entry(account).or_default();
            *sum += amount;
            *count += 1;
        }
    }
    Ok(held)
}

/// Accounts can be read, and have set aside what their reservations hold.
fn accounts(conn: &Connection, mut held: Held, report: &mut Report) -> Result<(), Error> {
    let mut statement =
        conn.prepare(&format!("SELECT {ACCOUNT_COLUMNS}, holds, until, forget FROM accounts"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.checked.accounts += 1;
        let number: i64 = row.get(0)?;
        let place = format!("account {number}");
        let (sum, count) = held.remove(&number).unwrap_or_default();
        let (id, account) = match decode::account(row) {
            Ok(found) => found,
            Err(error) => {
                report.find("accounts-can-be-read", &place, error.to_string());
                continue;
            }
        };
        let derived = AccountRow::of(id);
        let ends: (Option<i64>, Option<i64>) = (row.get("until")?, row.get("forget")?);
        report.find_all(
            "accounts-fit-reservations",
            &place,
            [
                (account.reserved != sum, "what is set aside is not what reservations hold"),
                (row.get::<_, i64>("holds")? != count, "it has another number of reservations"),
                (ends != (derived.until, derived.forget), "its window ends at another instant"),
            ],
        );
    }
    for number in held.keys() {
        let place = format!("account {number}");
        report.find("accounts-fit-reservations", &place, "a reservation holds of it and it is not");
    }
    Ok(())
}

fn rates(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare("SELECT number, scope, window FROM rates")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = format!("window {} of a rate limit", row.get::<_, i64>(0)?);
        let (scope, window): (String, Vec<u8>) = (row.get(1)?, row.get(2)?);
        let is_known = RateScope::ALL.iter().any(|known| known.as_str() == scope);
        let window = RateWindow::from_bytes(&window);
        report.find_all(
            "windows-can-be-read",
            &place,
            [(!is_known, "there is no such scope"), (window.is_none(), "it can't be read")],
        );
    }
    Ok(())
}
