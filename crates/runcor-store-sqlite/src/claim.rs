//! Claims: the oldest runnable executions go to a worker.

use std::collections::HashSet;

use runcor_core::{Change, Claim, ClaimRequest, ExecutionState, StoreError, Timestamp};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::apply;
use crate::decode::{self, COLUMNS};
use crate::encode::{EncodedEvent, Encoder, integer};
use crate::error::Error;

/// What a claim gave, and the events that tell of it.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) claims: Vec<Claim>,
    pub(crate) events: Vec<EncodedEvent>,
}

/// Something that may be claimed: since when, and its creation number.
type Candidate = (i64, i64);

/// Gives runnable executions to a worker, oldest due first.
pub(crate) fn claim(conn: &Connection, request: &ClaimRequest) -> Result<Claimed, Error> {
    let mut candidates = candidates(conn, request)?;
    candidates.sort_unstable();
    let mut claimed = Claimed::default();
    for (_, number) in candidates.into_iter().take(request.limit) {
        match take(conn, number, request, &mut claimed) {
            Err(Error::Store(error)) => set_aside(conn, number, &error)?,
            outcome => outcome?,
        }
    }
    Ok(claimed)
}

/// Collects what may be claimed, flow by flow: a backlog of flows that nobody
/// asks for is stepped over in one step a flow.
fn candidates(conn: &Connection, request: &ClaimRequest) -> Result<Vec<Candidate>, Error> {
    let wanted: HashSet<&str> = request.flows.iter().map(|flow| flow.as_str()).collect();
    let mut found = Vec::new();
    let mut owners = gone_owners(conn, request.now)?;
    owners.push((None, i64::MIN));
    for (owner, gone) in owners {
        let mut after = String::new();
        while let Some(flow) = next_flow(conn, owner, &after)? {
            if wanted.contains(flow.as_str()) {
                lane(conn, owner, &flow, gone, request, &mut found)?;
            }
            after = flow;
        }
    }
    Ok(found)
}

type Owner = Option<[u8; 16]>;

/// Returns the owners whose lease has ended, and when it has.
fn gone_owners(conn: &Connection, now: Timestamp) -> Result<Vec<(Owner, i64)>, Error> {
    let next = "SELECT owner FROM executions INDEXED BY executions_ready \
                WHERE ready IS NOT NULL AND owner > ?1 ORDER BY owner LIMIT 1";
    let lease = "SELECT until FROM leases WHERE worker = ?1";
    let mut gone = Vec::new();
    let mut after: Vec<u8> = Vec::new();
    while let Some(owner) = first::<Vec<u8>>(conn, next, [&after])? {
        let until = first::<i64>(conn, lease, [&owner])?;
        // A damaged owner is nobody, and what it owned can't be read anyway.
        if let Ok(bytes) = owner.as_slice().try_into()
            && until.is_none_or(|until| until <= now.as_millis())
        {
            gone.push((Some(bytes), until.unwrap_or(i64::MIN)));
        }
        after = owner;
    }
    Ok(gone)
}

fn next_flow(conn: &Connection, owner: Owner, after: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT flow FROM executions INDEXED BY executions_ready \
               WHERE ready IS NOT NULL AND owner IS ?1 AND flow > ?2 ORDER BY flow LIMIT 1";
    first(conn, sql, params![owner, after])
}

fn lane(
    conn: &Connection,
    owner: Owner,
    flow: &str,
    gone: i64,
    request: &ClaimRequest,
    found: &mut Vec<Candidate>,
) -> Result<(), Error> {
    let mut statement = conn.prepare_cached(
        "SELECT ready, number FROM executions INDEXED BY executions_ready \
         WHERE owner IS ?1 AND flow = ?2 AND ready <= ?3 ORDER BY ready, number LIMIT ?4",
    )?;
    let now = request.now.as_millis();
    let rows = statement.query_map(params![owner, flow, now, integer(request.limit)], |row| {
        Ok((row.get::<_, i64>(0)?.max(gone), row.get(1)?))
    })?;
    for row in rows {
        found.push(row?);
    }
    Ok(())
}

fn take(
    conn: &Connection,
    number: i64,
    request: &ClaimRequest,
    claimed: &mut Claimed,
) -> Result<(), Error> {
    let Some(mut execution) = by_number(conn, number)? else { return Ok(()) };
    let change = Change::Claim { worker: request.worker };
    let Ok(applied) = execution.apply(change, request.now) else {
        let id = execution.id();
        let message = format!("execution {id} is marked as runnable and is not");
        return Err(StoreError::Corrupt { message }.into());
    };
    let interrupted =
        execution.state() == ExecutionState::Running && execution.status.owner.is_some();
    let mut encoder = Encoder::default();
    let row = encoder.status(Box::new(applied.status))?;
    apply::update(conn, execution.id(), execution.fence(), &row)?;
    for event in applied.events {
        claimed.events.push(encoder.event(event)?);
    }
    execution.status = *row.status;
    claimed.claims.push(Claim { execution, interrupted });
    Ok(())
}

fn by_number(conn: &Connection, number: i64) -> Result<Option<runcor_core::Execution>, Error> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM executions WHERE number = ?1"))?;
    let mut rows = statement.query([number])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(decode::execution(row)?))
}

/// Keeps a damaged execution from standing in the way of the others.
fn set_aside(conn: &Connection, number: i64, error: &StoreError) -> Result<(), Error> {
    tracing::error!(%error, "a damaged execution is not run");
    conn.prepare_cached("UPDATE executions SET ready = NULL WHERE number = ?1")?
        .execute([number])?;
    Ok(())
}

fn first<T: FromSql>(conn: &Connection, sql: &str, args: impl Params) -> Result<Option<T>, Error> {
    let found = conn.prepare_cached(sql)?.query_row(args, |row| row.get(0)).optional()?;
    Ok(found)
}
