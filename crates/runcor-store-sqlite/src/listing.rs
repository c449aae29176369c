//! Reads of executions: by identity and page by page.

use runcor_core::{Cursor, Execution, ExecutionId, ExecutionQuery, ExecutionState, Order, Page};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::decode::{self, COLUMNS};
use crate::encode::{integer, state_code};
use crate::error::Error;

/// Reads an execution.
pub(crate) fn by_id(conn: &Connection, id: ExecutionId) -> Result<Option<Execution>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM executions WHERE id = ?1");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(decode::execution(row)?))
}

/// Reads a page of executions in order of creation.
pub(crate) fn page(conn: &Connection, query: &ExecutionQuery) -> Result<Page<Execution>, Error> {
    let mut numbers = numbers(conn, query)?;
    let has_more = numbers.len() > query.limit;
    numbers.truncate(query.limit);
    let next = numbers.last().filter(|_| has_more).map(|last| Cursor::new(last.unsigned_abs()));
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM executions WHERE number = ?1"))?;
    let mut items = Vec::with_capacity(numbers.len());
    for number in numbers {
        let mut rows = statement.query([number])?;
        // It may have been deleted since its number was read.
        if let Some(row) = rows.next()? {
            items.push(decode::execution(row)?);
        }
    }
    Ok(Page { items, next })
}

/// Reads the creation numbers of a page, and one more where there is one.
fn numbers(conn: &Connection, query: &ExecutionQuery) -> Result<Vec<i64>, Error> {
    let (sql, arguments) = Search::new(query).finish(query);
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(arguments), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A search for creation numbers, along one index.
///
/// The indexes of callers, flows, users and tenants have the state second. Where no
/// state is asked for, SQLite merges the six sorted lists of that index, so
/// that a page never costs more than itself. Further filters are applied on
/// the way: they look at no more than one caller's, user's, tenant's or flow's executions.
struct Search {
    index: &'static str,
    filters: Vec<&'static str>,
    arguments: Vec<Value>,
}

impl Search {
    fn new(query: &ExecutionQuery) -> Self {
        let mut search = Self { index: "", filters: Vec::new(), arguments: Vec::new() };
        let parent = query.parent.map(|parent| Value::Blob(parent.as_bytes().to_vec()));
        search.filter("executions_parent", "parent = ?", parent);
        let user = query.user.as_ref().map(|user| text(user.as_str()));
        search.filter("executions_user", "user = ?", user);
        let tenant = query.tenant.as_ref().map(|tenant| text(tenant.as_str()));
        search.filter("executions_tenant", "tenant <> '' AND tenant = ?", tenant);
        let flow = query.flow.as_ref().map(|flow| text(flow.as_str()));
        search.filter("executions_flow", "flow = ?", flow);
        search
    }

    /// Adds a filter; the first one decides the index.
    fn filter(&mut self, index: &'static str, sql: &'static str, value: Option<Value>) {
        let Some(value) = value else { return };
        if self.filters.is_empty() {
            self.index = index;
        }
        self.filters.push(sql);
        self.arguments.push(value);
    }

    fn finish(mut self, query: &ExecutionQuery) -> (String, Vec<Value>) {
        let (comparison, direction) = match query.order {
            Order::Oldest => ("number > ?", "ASC"),
            Order::Newest => ("number < ?", "DESC"),
        };
        if let Some(after) = query.after {
            self.filters.push(comparison);
            self.arguments.push(Value::Integer(integer(after.number())));
        }
        let states: &[ExecutionState] = match &query.state {
            Some(state) => std::slice::from_ref(state),
            None if self.index.is_empty() => &[],
            None => &ExecutionState::ALL,
        };
        let (sql, mut arguments) = self.lists(states);
        let limit = query.limit.saturating_add(1);
        arguments.extend([integer(limit), integer(query.offset)].map(Value::Integer));
        (format!("{sql} ORDER BY number {direction} LIMIT ? OFFSET ?"), arguments)
    }

    /// Returns one sorted list for each state, joined.
    fn lists(self, states: &[ExecutionState]) -> (String, Vec<Value>) {
        if states.is_empty() {
            return (self.list(None), self.arguments);
        }
        let lists: Vec<_> = states.iter().map(|state| self.list(Some(*state))).collect();
        let arguments = states.iter().flat_map(|_| self.arguments.clone()).collect();
        (lists.join(" UNION ALL "), arguments)
    }

    fn list(&self, state: Option<ExecutionState>) -> String {
        let index = match (self.index, state) {
            ("", None) => "NOT INDEXED".to_owned(),
            ("", Some(_)) => "INDEXED BY executions_state".to_owned(),
            (index, _) => format!("INDEXED BY {index}"),
        };
        let state = state.map(|state| format!("state = {}", state_code(state)));
        let filters = self.filters.iter().map(|filter| (*filter).to_owned());
        let filters: Vec<_> = filters.chain(state).collect();
        let whole = if filters.is_empty() { "TRUE".to_owned() } else { filters.join(" AND ") };
        format!("SELECT number FROM executions {index} WHERE {whole}")
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
