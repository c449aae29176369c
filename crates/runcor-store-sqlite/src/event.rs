//! The event log: appended to with each batch, pruned a little at a time, read by number.

use runcor_core::EventRecord;
use rusqlite::{Connection, params};

use crate::counters::Counters;
use crate::decode;
use crate::encode::{EncodedEvent, integer};
use crate::error::Error;

/// The most events that one transaction prunes.
const PRUNED_AT_ONCE: i64 = 1024;
/// How far the log may exceed its retention before anything is pruned, at most.
const SLACK: i64 = 256;

/// Appends events; returns the number of the first.
pub(crate) fn append(
    conn: &Connection,
    events: &[EncodedEvent],
    counters: &mut Counters,
) -> rusqlite::Result<i64> {
    let first = counters.next_event;
    if events.is_empty() {
        return Ok(first);
    }
    let mut statement =
        conn.prepare_cached("INSERT INTO events (seq, body, result) VALUES (?1, ?2, ?3)")?;
    for event in events {
        statement.execute(params![counters.next_event, event.body, event.result])?;
        counters.next_event += 1;
    }
    Ok(first)
}

/// Removes some of the events that exceed `retention`; the newest always stays.
pub(crate) fn prune(
    conn: &Connection,
    retention: usize,
    counters: &mut Counters,
) -> rusqlite::Result<()> {
    let retention = integer(retention.max(1));
    let keep_from = counters.next_event.saturating_sub(retention);
    let excess = keep_from.saturating_sub(counters.oldest_event);
    if excess < (retention / 64).clamp(1, SLACK) {
        return Ok(());
    }
    let keep_from = keep_from.min(counters.oldest_event + PRUNED_AT_ONCE);
    conn.prepare_cached("DELETE FROM events WHERE seq < ?1")?.execute([keep_from])?;
    counters.oldest_event = keep_from;
    Ok(())
}

/// Reads events with a number above `after`, oldest first.
pub(crate) fn after(
    conn: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<EventRecord>, Error> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, body, result FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query([integer(after), integer(limit)])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(decode::event(row)?);
    }
    Ok(events)
}

/// Reads the number of the newest event.
pub(crate) fn last(conn: &Connection) -> Result<u64, Error> {
    let last: Option<i64> =
        conn.prepare_cached("SELECT max(seq) FROM events")?.query_row([], |row| row.get(0))?;
    Ok(last.map_or(0, i64::unsigned_abs))
}
