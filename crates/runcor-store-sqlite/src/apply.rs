//! Batches inside the writer's transaction: each operation with its precondition.

use runcor_core::{
    Execution, ExecutionId, ExecutionState, Fence, Receipt, StoreError, Timestamp, WorkerId,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use crate::counters::Counters;
use crate::decode::{self, COLUMNS};
use crate::encode::{
    EncodedBatch, EncodedOp, Insertion, StatusRow, duration, integer, ready, state_code,
};
use crate::error::Error;
use crate::ledger::Books;
use crate::{budget, compaction, expiry, journal, memory, quality, rate, retention};

/// An input above this size stands apart from its record.
const INLINE_INPUT_BYTES: usize = 2048;

const INSERT: &str = "INSERT INTO executions (state, version, epoch, owner, due, ready, retries, \
     resumes, started_at, completed_at, active_before, active_since, transitions, error, wait, \
     wait_data, resume_data, result, number, id, flow, tenant, key, user, session, replay_of, \
     queued_at, timeout, wait_timeout, metadata, input, parent, origin) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
     ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33)";

const UPDATE: &str = "UPDATE executions SET state = ?1, version = ?2, epoch = ?3, owner = ?4, \
     due = ?5, ready = ?6, retries = ?7, resumes = ?8, started_at = ?9, completed_at = ?10, \
     active_before = ?11, active_since = ?12, transitions = ?13, error = ?14, wait = ?15, \
     wait_data = ?16, resume_data = ?17, result = ?18, unpacked = CASE WHEN ?1 > 3 AND EXISTS \
     (SELECT 1 FROM journal WHERE journal.number = executions.number) THEN ?10 END \
     WHERE id = ?19 AND version = ?20 AND epoch = ?21";

/// Applies the operations of a batch, in order.
pub(crate) fn batch(
    conn: &Connection,
    batch: &EncodedBatch,
    counters: &mut Counters,
    books: &mut Books,
) -> Result<Receipt, Error> {
    let mut receipt = Receipt::default();
    for op in &batch.ops {
        match op {
            EncodedOp::Insert(insertion) => insert(conn, insertion, receipt.turn, counters)?,
            EncodedOp::Update { id, expect, status } => update(conn, *id, *expect, status)?,
            EncodedOp::Delete { id, expect } => delete(conn, *id, *expect, counters)?,
            EncodedOp::Journal { id, epoch, entry, replace } => {
                journal::write(conn, *id, *epoch, entry, *replace)?;
            }
            EncodedOp::Seed { id, entries } => journal::seed(conn, *id, entries)?,
            EncodedOp::Expect { id, fence } => expect(conn, *id, *fence)?,
            EncodedOp::NotEnded { id } => not_ended(conn, *id)?,
            EncodedOp::Lease { worker, until } => lease(conn, *worker, *until)?,
            EncodedOp::Retire { worker, now } => retire(conn, *worker, *now)?,
            EncodedOp::Compact(packings) => {
                receipt.compacted += compaction::apply(conn, packings)?;
            }
            EncodedOp::Sweep { now, limit, max_bytes } => {
                receipt.swept += retention::sweep(conn, *now, *limit, *max_bytes, counters)?;
            }
            op => governance(conn, op, counters, books, &mut receipt)?,
        }
    }
    Ok(receipt)
}

/// Applies an operation on money, limits, memories or quality.
fn governance(
    conn: &Connection,
    op: &EncodedOp,
    counters: &mut Counters,
    books: &mut Books,
    receipt: &mut Receipt,
) -> Result<(), Error> {
    match op {
        EncodedOp::Reserve(new) => budget::reserve(conn, new, &mut receipt.verdicts)?,
        EncodedOp::Settle(row) => budget::settle(conn, row, counters, books)?,
        EncodedOp::Lapse { now, limit } => {
            receipt.lapsed += budget::lapse(conn, *now, *limit, counters, books)?;
        }
        EncodedOp::TopUp { account, amount } => budget::top_up(conn, account, *amount)?,
        EncodedOp::Take(wish) => {
            let turn = Some(rate::take(conn, wish)?).filter(|turn| *turn > wish.now);
            receipt.turn = receipt.turn.max(turn);
        }
        EncodedOp::Remember(write) => memory::remember(conn, write, counters)?,
        EncodedOp::ForgetAll(space) => memory::forget_all(conn, space)?,
        EncodedOp::AwaitEvaluation { id } => quality::wait(conn, *id)?,
        EncodedOp::Evaluate(new) => quality::evaluate(conn, new, counters)?,
        EncodedOp::SkipEvaluation { id } => quality::skip(conn, *id)?,
        EncodedOp::Flag { flag, expect } => quality::flag(conn, flag, *expect, counters)?,
        EncodedOp::Expire(expiry) => receipt.expired += expiry::expire(conn, *expiry, counters)?,
        // The others are applied above.
        _ => {}
    }
    Ok(())
}

/// Adds an execution; one that is queued is due no earlier than its turn.
fn insert(
    conn: &Connection,
    new: &Insertion,
    turn: Option<Timestamp>,
    counters: &mut Counters,
) -> Result<(), Error> {
    let number = counters.next_number;
    let is_large = new.input.len() > INLINE_INPUT_BYTES;
    let turn = turn.filter(|_| new.status.status.state == ExecutionState::Queued);
    match write(conn, new, number, (!is_large).then_some(&new.input), turn) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            return Err(refusal(conn, &new.execution)?.unwrap_or(Error::Sqlite(error)));
        }
        outcome => outcome?,
    }
    counters.next_number += 1;
    if is_large {
        conn.prepare_cached("INSERT INTO inputs (number, body) VALUES (?1, ?2)")?
            .execute(params![number, new.input])?;
    }
    Ok(())
}

fn write(
    conn: &Connection,
    new: &Insertion,
    number: i64,
    input: Option<&String>,
    turn: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let (spec, row) = (&new.execution.spec, &new.status);
    let status = &row.status;
    let turn = turn.map(Timestamp::as_millis);
    let due = status.due.map(Timestamp::as_millis).max(turn);
    conn.prepare_cached(INSERT)?.execute(params![
        state_code(status.state),
        integer(status.version),
        integer(status.epoch),
        status.owner.as_ref().map(WorkerId::as_bytes),
        due,
        ready(status).max(turn),
        status.retry_count,
        status.resume_count,
        status.started.map(Timestamp::as_millis),
        status.completed.map(Timestamp::as_millis),
        duration(status.active_before),
        status.active_since.map(Timestamp::as_millis),
        row.transitions,
        row.error,
        row.wait,
        row.wait_data,
        row.resume_data,
        row.result,
        number,
        spec.id.as_bytes(),
        spec.flow.as_str(),
        spec.tenant_id.as_ref().map_or("", |tenant| tenant.as_str()),
        spec.idempotency_key.as_str(),
        spec.user_id.as_ref().map(|user| user.as_str()),
        spec.session_id.as_ref().map(|session| session.as_str()),
        spec.replay_of.as_ref().map(ExecutionId::as_bytes),
        spec.queued_at.as_millis(),
        spec.timeout.map(duration),
        spec.wait_timeout.map(duration),
        new.metadata,
        input,
        spec.parent.as_ref().map(|parent| parent.id.as_bytes()),
        new.origin,
    ])?;
    Ok(())
}

/// Says which uniqueness stood in the way of an insertion.
fn refusal(conn: &Connection, new: &Execution) -> Result<Option<Error>, Error> {
    let spec = &new.spec;
    let tenant = spec.tenant_id.as_ref().map_or("", |tenant| tenant.as_str());
    let existing = by_key(conn, tenant, spec.flow.as_str(), spec.idempotency_key.as_str())?;
    if let Some(existing) = existing {
        return Ok(Some(StoreError::Duplicate { existing: Box::new(existing) }.into()));
    }
    let current = fence(conn, spec.id)?;
    Ok(current.map(|current| StoreError::Conflict { id: spec.id, current: Some(current) }.into()))
}

/// Finds the execution that a key stands for.
pub(crate) fn by_key(
    conn: &Connection,
    tenant: &str,
    flow: &str,
    key: &str,
) -> Result<Option<Execution>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM executions WHERE key = ?1 AND flow = ?2 AND tenant = ?3");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([key, flow, tenant])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(decode::execution(row)?))
}

/// Writes a status over the one that its author last saw.
pub(crate) fn update(
    conn: &Connection,
    id: ExecutionId,
    expect: Fence,
    row: &StatusRow,
) -> Result<(), Error> {
    let status = &row.status;
    if Some(status.version) != expect.version.checked_add(1) {
        return Err(conflict(conn, id));
    }
    let changed = conn.prepare_cached(UPDATE)?.execute(params![
        state_code(status.state),
        integer(status.version),
        integer(status.epoch),
        status.owner.as_ref().map(WorkerId::as_bytes),
        status.due.map(Timestamp::as_millis),
        ready(status),
        status.retry_count,
        status.resume_count,
        status.started.map(Timestamp::as_millis),
        status.completed.map(Timestamp::as_millis),
        duration(status.active_before),
        status.active_since.map(Timestamp::as_millis),
        row.transitions,
        row.error,
        row.wait,
        row.wait_data,
        row.resume_data,
        row.result,
        id.as_bytes(),
        integer(expect.version),
        integer(expect.epoch),
    ])?;
    if changed == 0 { Err(conflict(conn, id)) } else { Ok(()) }
}

fn delete(
    conn: &Connection,
    id: ExecutionId,
    expect: Fence,
    counters: &mut Counters,
) -> Result<(), Error> {
    let number = conn
        .prepare_cached(
            "SELECT number FROM executions WHERE id = ?1 AND version = ?2 AND epoch = ?3",
        )?
        .query_row(params![id.as_bytes(), integer(expect.version), integer(expect.epoch)], |row| {
            row.get(0)
        })
        .optional()?;
    match number {
        Some(number) => retention::remove(conn, number, counters).map_err(Error::from),
        None => Err(conflict(conn, id)),
    }
}

fn expect(conn: &Connection, id: ExecutionId, expected: Fence) -> Result<(), Error> {
    let current = fence(conn, id)?;
    if current == Some(expected) { Ok(()) } else { Err(refused(id, current)) }
}

fn not_ended(conn: &Connection, id: ExecutionId) -> Result<(), Error> {
    let lives = conn
        .prepare_cached("SELECT 1 FROM executions WHERE id = ?1 AND state < 4")?
        .exists([id.as_bytes()])?;
    if lives { Ok(()) } else { Err(conflict(conn, id)) }
}

fn lease(conn: &Connection, worker: WorkerId, until: Timestamp) -> Result<(), Error> {
    conn.prepare_cached("INSERT OR REPLACE INTO leases (worker, until) VALUES (?1, ?2)")?
        .execute(params![worker.as_bytes(), until.as_millis()])?;
    Ok(())
}

fn retire(conn: &Connection, worker: WorkerId, now: Timestamp) -> Result<(), Error> {
    conn.prepare_cached("UPDATE leases SET until = min(until, ?2) WHERE worker = ?1")?
        .execute(params![worker.as_bytes(), now.as_millis()])?;
    Ok(())
}

/// Says that a precondition of an execution does not hold.
pub(crate) fn conflict(conn: &Connection, id: ExecutionId) -> Error {
    fence(conn, id).map_or_else(Error::from, |current| refused(id, current))
}

fn refused(id: ExecutionId, current: Option<Fence>) -> Error {
    StoreError::Conflict { id, current }.into()
}

fn fence(conn: &Connection, id: ExecutionId) -> rusqlite::Result<Option<Fence>> {
    conn.prepare_cached("SELECT version, epoch FROM executions WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| {
            let (version, epoch): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Fence { version: version.unsigned_abs(), epoch: epoch.unsigned_abs() })
        })
        .optional()
}
