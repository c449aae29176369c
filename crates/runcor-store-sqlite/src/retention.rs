//! Retention: what goes by age, what goes by size, and how it goes.

use runcor_core::{ExecutionId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::counters::Counters;
use crate::encode::integer;
use crate::{budget, memory, quality};

/// What people still have to look at stays.
const UNFLAGGED: &str = "NOT EXISTS (SELECT 1 FROM flags \
     WHERE flags.id = executions.id AND flags.status <> 'resolved')";

/// Removes ended executions that are due, and then the oldest ones while the file is too large.
pub(crate) fn sweep(
    conn: &Connection,
    now: Timestamp,
    limit: usize,
    max_bytes: Option<u64>,
    counters: &mut Counters,
) -> rusqlite::Result<usize> {
    let due = due(conn, now, limit)?;
    for number in &due {
        remove(conn, *number, counters)?;
    }
    let left = limit - due.len().min(limit);
    let oversize = match max_bytes {
        Some(max_bytes) => shrink(conn, max_bytes, left, counters)?,
        None => 0,
    };
    Ok(due.len() + oversize)
}

/// Finds what is due in two states, each along the index, so that nothing but
/// what is removed is looked at.
fn due(conn: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let sql = format!(
        "SELECT number FROM (
         SELECT * FROM (SELECT number, due FROM executions INDEXED BY executions_due
           WHERE state = 4 AND due <= ?1 AND {UNFLAGGED} ORDER BY due, number LIMIT ?2)
         UNION ALL
         SELECT * FROM (SELECT number, due FROM executions INDEXED BY executions_due
           WHERE state = 5 AND due <= ?1 AND {UNFLAGGED} ORDER BY due, number LIMIT ?2))
       ORDER BY due, number LIMIT ?2"
    );
    conn.prepare_cached(&sql)?
        .query_map(params![now.as_millis(), integer(limit)], |row| row.get(0))?
        .collect()
}

/// Removes ended executions, oldest end first, until the file holds no more than `max_bytes`.
fn shrink(
    conn: &Connection,
    max_bytes: u64,
    limit: usize,
    counters: &mut Counters,
) -> rusqlite::Result<usize> {
    let mut removed = 0;
    while removed < limit && used_bytes(conn)? > max_bytes {
        let mut oldest = conn.prepare_cached(&format!(
            "SELECT number FROM executions INDEXED BY executions_ended \
             WHERE completed_at IS NOT NULL AND {UNFLAGGED} ORDER BY completed_at, number LIMIT 1",
        ))?;
        let mut rows = oldest.query([])?;
        let Some(row) = rows.next()? else { break };
        let number = row.get(0)?;
        drop(rows);
        remove(conn, number, counters)?;
        removed += 1;
    }
    Ok(removed)
}

/// Returns the size of what the file holds; free pages in it don't count.
fn used_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| -> rusqlite::Result<u64> {
        conn.prepare_cached(&format!("PRAGMA {name}"))?
            .query_row([], |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    };
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    Ok(pages.saturating_mul(pragma("page_size")?))
}

/// Removes an execution and everything that belongs to it.
pub(crate) fn remove(
    conn: &Connection,
    number: i64,
    counters: &mut Counters,
) -> rusqlite::Result<()> {
    let found: Option<(Vec<u8>, String)> = conn
        .prepare_cached("SELECT id, tenant FROM executions WHERE number = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, tenant) = found.unzip();
    // What is damaged goes as well.
    if let Some(id) = id.and_then(|id| id.try_into().ok()).map(ExecutionId::from_bytes) {
        let tenant = tenant.unwrap_or_default();
        budget::end_of_execution(conn, id, &tenant)?;
        memory::end_session(conn, id)?;
        quality::remove(conn, id)?;
    }
    for sql in [
        "DELETE FROM executions WHERE number = ?1",
        "DELETE FROM inputs WHERE number = ?1",
        "DELETE FROM journal WHERE number = ?1",
        "DELETE FROM packs WHERE number = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([number])?;
    }
    counters.note_removal();
    Ok(())
}
