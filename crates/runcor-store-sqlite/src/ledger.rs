//! The ledger: rows written once, totals beside them, and what is read from both.

mod books;
mod pages;
mod span;
mod sums;
mod totals;

use runcor_core::ExecutionId;
use rusqlite::{Connection, params};

pub(crate) use books::Books;
pub(crate) use pages::page;
pub(crate) use span::Level;
pub(crate) use sums::{SUM_COLUMNS, Sums};
pub(crate) use totals::totals;

use crate::counters::Counters;
use crate::encode::{LedgerRow, integer};

/// Writes a row, unless the ledger has it already; returns whether it was written.
pub(crate) fn write(
    conn: &Connection,
    row: &LedgerRow,
    counters: &mut Counters,
    books: &mut Books,
) -> rusqlite::Result<bool> {
    let groups = books.groups(conn, &row.names)?;
    let number = counters.next_row;
    let [prompt, completion, cached, reasoning] = row.tokens;
    let written = conn
        .prepare_cached(
            "INSERT INTO ledger (number, id, at, grp, kind, who, execution, path, prompt, \
             completion, cached, reasoning, estimated, cost, outcome, unpriced, duration) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            number,
            row.id.as_bytes(),
            row.at,
            groups.full,
            groups.kind,
            groups.who,
            row.execution.as_ref().map(ExecutionId::as_bytes),
            row.path,
            prompt,
            completion,
            cached,
            reasoning,
            row.estimated,
            row.cost,
            row.outcome,
            row.unpriced,
            row.duration,
        ])?;
    if written == 0 {
        return Ok(false);
    }
    counters.next_row += 1;
    books.note(groups, number, row.at, Sums::of(row));
    Ok(true)
}

/// Removes the oldest rows beyond `keep`, at most `limit`; totals stay.
pub(crate) fn trim(
    conn: &Connection,
    keep: u64,
    limit: usize,
    counters: &mut Counters,
) -> rusqlite::Result<usize> {
    let sql = "SELECT coalesce(min(number), 0) FROM ledger";
    let oldest: i64 = conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    // Rows are numbered without a gap, and only the oldest are ever removed.
    let keep_from = counters.next_row.saturating_sub(integer(keep));
    let end = keep_from.min(oldest.saturating_add(integer(limit)));
    if end <= oldest {
        return Ok(0);
    }
    counters.note_trim();
    conn.prepare_cached("DELETE FROM ledger WHERE number < ?1")?.execute([end])
}
