//! Quality: what waits to be evaluated, evaluations, and flags.

use runcor_core::{
    Cursor, Evaluation, EvaluationQuery, ExecutionId, Flag, FlagQuery, FlagSource, FlagStatus,
    Order, Page, StoreError, TenantId, Timestamp,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::counters::Counters;
use crate::decode::{self, FLAG_COLUMNS};
use crate::encode::{EvaluationRow, integer};
use crate::error::Error;

/// Notes that an execution is to be evaluated.
pub(crate) fn wait(conn: &Connection, id: ExecutionId) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO unevaluated (id) VALUES (?1) ON CONFLICT (id) DO NOTHING")?
        .execute([id.as_bytes()])
        .map(drop)
}

/// Takes an execution from those that wait to be evaluated.
pub(crate) fn skip(conn: &Connection, id: ExecutionId) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM unevaluated WHERE id = ?1")?.execute([id.as_bytes()]).map(drop)
}

/// Keeps an evaluation in place of what was kept of the execution.
pub(crate) fn evaluate(
    conn: &Connection,
    new: &EvaluationRow,
    counters: &mut Counters,
) -> rusqlite::Result<()> {
    let evaluation = &new.evaluation;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO evaluations (number, id, flow, tenant, at, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        counters.writing(),
        evaluation.execution_id.as_bytes(),
        evaluation.flow_name.as_str(),
        evaluation.tenant_id.as_ref().map_or("", TenantId::as_str),
        evaluation.timestamp.as_millis(),
        new.body,
    ])?;
    skip(conn, evaluation.execution_id)
}

/// Puts a flag on an execution, or changes it where it stands.
pub(crate) fn flag(
    conn: &Connection,
    flag: &Flag,
    expect: Option<FlagStatus>,
    counters: &mut Counters,
) -> Result<(), Error> {
    let found: Option<(i64, String)> = conn
        .prepare_cached("SELECT number, status FROM flags WHERE id = ?1")?
        .query_row([flag.execution_id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let stands = found.as_ref().map(|(_, status)| status.as_str());
    if stands != expect.map(FlagStatus::as_str) {
        let what = format!("the flag of execution {}", flag.execution_id);
        return Err(StoreError::Stale { what }.into());
    }
    conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO flags (number, {FLAG_COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    ))?
    .execute(params![
        found.map_or_else(|| counters.writing(), |(number, _)| number),
        flag.execution_id.as_bytes(),
        flag.flow_name.as_str(),
        flag.tenant_id.as_ref().map_or("", TenantId::as_str),
        flag.status.as_str(),
        flag.reason,
        source(flag.source),
        flag.created_at.as_millis(),
        flag.updated_at.as_millis(),
    ])?;
    Ok(())
}

/// Returns the source of a flag as the database keeps it.
pub(crate) const fn source(source: FlagSource) -> &'static str {
    match source {
        FlagSource::Auto => "auto",
        FlagSource::Manual => "manual",
    }
}

/// Removes the evaluation and the flag of an execution.
pub(crate) fn remove(conn: &Connection, id: ExecutionId) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM unevaluated WHERE id = ?1",
        "DELETE FROM evaluations WHERE id = ?1",
        "DELETE FROM flags WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([id.as_bytes()])?;
    }
    Ok(())
}

/// Removes the oldest evaluations beyond `keep`, at most `limit`.
pub(crate) fn trim(conn: &Connection, keep: u64, limit: usize) -> rusqlite::Result<usize> {
    let newest_to_go: Option<i64> = conn
        .prepare_cached("SELECT number FROM evaluations ORDER BY number DESC LIMIT 1 OFFSET ?1")?
        .query_row([integer(keep)], |row| row.get(0))
        .optional()?;
    let Some(newest_to_go) = newest_to_go else { return Ok(0) };
    conn.prepare_cached(
        "DELETE FROM evaluations WHERE number IN (SELECT number FROM evaluations NOT INDEXED \
         WHERE number <= ?1 ORDER BY number LIMIT ?2)",
    )?
    .execute([newest_to_go, integer(limit)])
}

/// Reads an execution's evaluation.
pub(crate) fn evaluation(conn: &Connection, id: ExecutionId) -> Result<Option<Evaluation>, Error> {
    one(conn, "SELECT number, body FROM evaluations WHERE id = ?1", id, decode::evaluation)
}

/// Reads an execution's flag.
pub(crate) fn flag_of(conn: &Connection, id: ExecutionId) -> Result<Option<Flag>, Error> {
    let sql = format!("SELECT number, {FLAG_COLUMNS} FROM flags WHERE id = ?1");
    one(conn, &sql, id, decode::flag)
}

fn one<T>(
    conn: &Connection,
    sql: &str,
    id: ExecutionId,
    decode: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(decode(row)?))
}

/// Reads executions that wait to be evaluated, oldest first.
pub(crate) fn unevaluated(conn: &Connection, limit: usize) -> Result<Vec<ExecutionId>, Error> {
    let mut statement =
        conn.prepare_cached("SELECT id FROM unevaluated ORDER BY number LIMIT ?1")?;
    let ids =
        statement.query_map([integer(limit)], |row| row.get(0).map(ExecutionId::from_bytes))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Reads a page of evaluations in order of writing.
pub(crate) fn evaluations(
    conn: &Connection,
    query: &EvaluationQuery,
) -> Result<Page<Evaluation>, Error> {
    let mut search = Search::default();
    let tenant = query.tenant.as_ref().map(|tenant| tenant.as_str());
    search.filter("tenant <> '' AND tenant = ?", tenant.map(text));
    search.filter("flow = ?", query.flow.as_ref().map(|flow| text(flow.as_str())));
    if let Some(since) = query.since.map(Timestamp::as_millis) {
        search.filter("at >= ?", Some(Value::Integer(since)));
        let first = "number >= (SELECT min(number) FROM evaluations INDEXED BY evaluations_at \
                     WHERE at >= ?)";
        search.filter(first, Some(Value::Integer(since)));
    }
    search.page(
        conn,
        "number, body FROM evaluations",
        query.order,
        query.after,
        query.limit,
        decode::evaluation,
    )
}

/// Reads a page of flags, oldest first.
pub(crate) fn flags(conn: &Connection, query: &FlagQuery) -> Result<Page<Flag>, Error> {
    let mut search = Search::default();
    let tenant = query.tenant.as_ref().map(|tenant| tenant.as_str());
    search.filter("tenant <> '' AND tenant = ?", tenant.map(text));
    search.filter("flow = ?", query.flow.as_ref().map(|flow| text(flow.as_str())));
    search.filter("status = ?", query.status.map(|status| text(status.as_str())));
    let source = format!("number, {FLAG_COLUMNS} FROM flags");
    search.page(conn, &source, Order::Oldest, query.after, query.limit, decode::flag)
}

/// A search for rows in order of their numbers.
#[derive(Default)]
struct Search {
    filters: Vec<&'static str>,
    arguments: Vec<Value>,
}

impl Search {
    fn filter(&mut self, sql: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.filters.push(sql);
            self.arguments.push(value);
        }
    }

    fn page<T>(
        mut self,
        conn: &Connection,
        source: &str,
        order: Order,
        after: Option<Cursor>,
        limit: usize,
        decode: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Page<T>, Error> {
        let (comparison, direction) = match order {
            Order::Oldest => ("number > ?", "ASC"),
            Order::Newest => ("number < ?", "DESC"),
        };
        self.filter(comparison, after.map(|after| Value::Integer(integer(after.number()))));
        let filters =
            if self.filters.is_empty() { "TRUE".to_owned() } else { self.filters.join(" AND ") };
        self.arguments.push(Value::Integer(integer(limit.saturating_add(1))));
        let sql = format!("SELECT {source} WHERE {filters} ORDER BY number {direction} LIMIT ?");
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(self.arguments))?;
        let (mut items, mut last, mut next) = (Vec::new(), 0_i64, None);
        while let Some(row) = rows.next()? {
            if items.len() == limit {
                next = Some(Cursor::new(last.unsigned_abs()));
                break;
            }
            last = row.get(0)?;
            items.push(decode(row)?);
        }
        Ok(Page { items, next })
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
