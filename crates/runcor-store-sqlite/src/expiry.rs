//! Expiry: what counts no more, and what is beyond the number that is kept.

use rusqlite::Connection;

use crate::counters::Counters;
use crate::encode::Expiry;
use crate::{budget, ledger, memory, quality, rate};

/// Removes what has expired or become too old; returns how much it was.
pub(crate) fn expire(
    conn: &Connection,
    expiry: Expiry,
    counters: &mut Counters,
) -> rusqlite::Result<usize> {
    let Expiry { now, limit, keep_ledger, keep_evaluations } = expiry;
    let mut removed = memory::expire(conn, now, limit)?;
    removed += rate::forget(conn, now, limit)?;
    removed += budget::forget(conn, now, limit)?;
    if let Some(keep) = keep_ledger {
        removed += ledger::trim(conn, keep, limit, counters)?;
    }
    if let Some(keep) = keep_evaluations {
        removed += quality::trim(conn, keep, limit)?;
    }
    Ok(removed)
}
