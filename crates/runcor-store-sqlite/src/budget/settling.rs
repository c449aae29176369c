//! Settling: what a request has cost takes the place of what was set aside for it.

use runcor_core::{Money, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::HOLD_BYTES;
use super::accounts::{load, save};
use crate::counters::Counters;
use crate::decode;
use crate::encode::LedgerRow;
use crate::error::aborts;
use crate::ledger::{self, Books};

/// Writes a row of the ledger and books it in the accounts of its reservation.
///
/// Where the reservation is damaged, the transaction must be taken back.
pub(crate) fn settle(
    conn: &Connection,
    row: &LedgerRow,
    counters: &mut Counters,
    books: &mut Books,
) -> rusqlite::Result<()> {
    if !ledger::write(conn, row, counters, books)? {
        return Ok(());
    }
    let holds: Option<Vec<u8>> = conn
        .prepare_cached("DELETE FROM reservations WHERE id = ?1 RETURNING holds")?
        .query_row([row.id.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(holds) = holds else { return Ok(()) };
    let damage = || aborts(format!("the reservation {} is damaged", row.id));
    for (number, amount) in parse(&holds).ok_or_else(damage)? {
        let mut account = load(conn, number)?.ok_or_else(damage)?;
        account.settle(amount, Money::from_nanos(row.cost));
        save(conn, number, &account, -1)?;
    }
    Ok(())
}

/// Reads the holds of a reservation: numbers of accounts, and amounts.
pub(crate) fn parse(holds: &[u8]) -> Option<Vec<(i64, Money)>> {
    let (holds, rest) = holds.as_chunks::<HOLD_BYTES>();
    let hold = |hold: &[u8; HOLD_BYTES]| {
        let number = i64::from_le_bytes(*hold.first_chunk()?);
        Some((number, Money::from_nanos(i64::from_le_bytes(*hold.last_chunk()?))))
    };
    rest.is_empty().then(|| holds.iter().map(hold).collect()).flatten()
}

/// Settles reservations that have lapsed with the rows that they bring, the earliest first.
pub(crate) fn lapse(
    conn: &Connection,
    now: Timestamp,
    limit: usize,
    counters: &mut Counters,
    books: &mut Books,
) -> rusqlite::Result<usize> {
    let mut settled = 0;
    while settled < limit
        && let Some((id, entry, holds)) = next(conn, now)?
    {
        match decode::reserved(&entry).filter(|row| row.id.as_bytes().as_slice() == id) {
            Some(row) if is_whole(conn, &holds)? => {
                settle(conn, &row, counters, books)?;
                settled += 1;
            }
            _ => set_aside(conn, &id)?,
        }
    }
    Ok(settled)
}

type Lapsed = (Vec<u8>, String, Vec<u8>);

fn next(conn: &Connection, now: Timestamp) -> rusqlite::Result<Option<Lapsed>> {
    conn.prepare_cached(
        "SELECT id, entry, holds FROM reservations INDEXED BY reservations_lapse \
         WHERE lapses <= ?1 ORDER BY lapses, id LIMIT 1",
    )?
    .query_row([now.as_millis()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    .optional()
}

fn is_whole(conn: &Connection, holds: &[u8]) -> rusqlite::Result<bool> {
    let Some(holds) = parse(holds) else { return Ok(false) };
    for (number, _) in holds {
        if load(conn, number)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Keeps a damaged reservation from standing in the way of the others.
fn set_aside(conn: &Connection, id: &[u8]) -> rusqlite::Result<()> {
    tracing::error!("a damaged reservation is not settled; verify the database");
    conn.prepare_cached("UPDATE reservations SET lapses = NULL WHERE id = ?1")?
        .execute(params![id])
        .map(drop)
}
