//! Executions: each record by itself, then its key, its journal and its family.

use runcor_core::{Execution, ExecutionState, ExecutionStatus};
use rusqlite::{Connection, Row, params};

use super::report::Report;
use super::{journals, links};
use crate::decode::{self, COLUMNS};
use crate::encode::ready;
use crate::error::Error;

/// What stands beside a record and follows from it.
struct Derived {
    number: i64,
    ready: Option<i64>,
    parent: Option<Vec<u8>>,
    unpacked: Option<i64>,
    has_two_inputs: bool,
}

pub(super) fn check(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(&format!(
        "SELECT {COLUMNS}, ready, parent, unpacked, input IS NOT NULL AND EXISTS \
         (SELECT 1 FROM inputs WHERE inputs.number = executions.number) AS two_inputs \
         FROM executions ORDER BY number"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.checked.executions += 1;
        let derived = Derived::read(row)?;
        match decode::execution(row) {
            Ok(execution) => record(conn, &execution, &derived, report)?,
            Err(error) => {
                let place = format!("creation number {}", derived.number);
                report.find("records-can-be-read", &place, error.to_string());
            }
        }
    }
    Ok(())
}

impl Derived {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            ready: row.get("ready")?,
            parent: row.get("parent")?,
            unpacked: row.get("unpacked")?,
            has_two_inputs: row.get("two_inputs")?,
        })
    }
}

fn record(
    conn: &Connection,
    execution: &Execution,
    derived: &Derived,
    report: &mut Report,
) -> Result<(), Error> {
    transitions(execution, report);
    ends(execution, report);
    counts(execution, report);
    waits(execution, report);
    columns(execution, derived, report);
    key(conn, execution, derived.number, report)?;
    let journal = journals::check(conn, execution, derived.number, report)?;
    links::check(conn, execution, &journal, report)
}

/// The states were entered one after the other along legal edges, and the last is the present one.
fn transitions(execution: &Execution, report: &mut Report) {
    let status = &execution.status;
    let mut at = ExecutionState::Queued;
    for transition in &status.transitions {
        let (from, to) = (transition.from, transition.to);
        if from != at || !from.may_become(to) {
            let message = format!("it went from {from} to {to} when it was {at}");
            report.find("states-follow-the-edges", &execution.id(), message);
        }
        at = to;
    }
    if at != status.state {
        let message = format!("its transitions lead to {at}, and it is {}", status.state);
        report.find("states-follow-the-edges", &execution.id(), message);
    }
}

/// What has ended says when and how, and nobody has it any more; what lives does not.
fn ends(execution: &Execution, report: &mut Report) {
    let status = &execution.status;
    let has_ended = status.state.is_terminal();
    let is = |state| status.state == state;
    report.find_all(
        "ends-are-final",
        &execution.id(),
        [
            (has_ended != status.completed.is_some(), "its end has no time, or it has not ended"),
            (has_ended && status.owner.is_some(), "it has ended and still has an owner"),
            (has_ended && status.active_since.is_some(), "it has ended and is still active"),
            (
                is(ExecutionState::Complete) != status.result.is_some(),
                "a result and its state differ",
            ),
            (is(ExecutionState::Failed) != status.error.is_some(), "an error and its state differ"),
        ],
    );
}

/// Versions, epochs and counts are not below what the transitions tell.
fn counts(execution: &Execution, report: &mut Report) {
    let status = &execution.status;
    let edges = |from, to| {
        let edges = status.transitions.iter().filter(|edge| edge.from == from && edge.to == to);
        edges.count() as u64
    };
    let changes = status.transitions.len() as u64;
    let resumes = edges(ExecutionState::Waiting, ExecutionState::Running);
    let retries = edges(ExecutionState::Running, ExecutionState::Retrying);
    let began = edges(ExecutionState::Queued, ExecutionState::Running) > 0;
    report.find_all(
        "counts-are-sane",
        &execution.id(),
        [
            (status.version <= changes, "its version is below its changes of state"),
            (status.epoch >= status.version, "its epoch is not below its version"),
            (began != (status.epoch > 0), "its epoch does not tell whether it ever began"),
            (began != status.started.is_some(), "its beginning has no time, or it never began"),
            (u64::from(status.retry_count) != retries, "its retries are not those of its states"),
            (u64::from(status.resume_count) > resumes, "it was resumed more often than it waited"),
        ],
    );
}

/// What waits knows what for and until when, and nobody has it; what does not wait does not.
fn waits(execution: &Execution, report: &mut Report) {
    let status = &execution.status;
    let waits = status.state == ExecutionState::Waiting;
    let wakes_late = |status: &ExecutionStatus| {
        let wake_at = status.wait.as_ref().and_then(|wait| wait.wake_at);
        wake_at.is_some_and(|wake_at| status.due.is_none_or(|due| due > wake_at))
    };
    let may_have_wait = waits || status.state == ExecutionState::Failed;
    report.find_all(
        "waits-are-whole",
        &execution.id(),
        [
            (waits && status.wait.is_none(), "it waits and does not say what for"),
            (waits && status.owner.is_some(), "it waits and has an owner"),
            (waits && wakes_late(status), "it is due after the instant at which it wakes"),
            (!may_have_wait && status.wait.is_some(), "it does not wait and says what for"),
        ],
    );
}

/// The columns by which it is found say the same as the record.
fn columns(execution: &Execution, derived: &Derived, report: &mut Report) {
    let parent = execution.spec.parent.as_ref().map(|parent| parent.id.as_bytes().to_vec());
    let completed = execution.status.completed.map(runcor_core::Timestamp::as_millis);
    report.find_all(
        "columns-agree",
        &execution.id(),
        [
            (derived.ready != ready(&execution.status), "it may be claimed at another time"),
            (derived.parent != parent, "it is listed under another caller"),
            (
                derived.unpacked.is_some() && derived.unpacked != completed,
                "it is packed in another order",
            ),
            (derived.has_two_inputs, "it has two inputs"),
        ],
    );
}

/// The idempotency key leads to this execution and to no other.
fn key(
    conn: &Connection,
    execution: &Execution,
    number: i64,
    report: &mut Report,
) -> Result<(), Error> {
    let spec = &execution.spec;
    let tenant = spec.tenant_id.as_ref().map_or("", |tenant| tenant.as_str());
    let mut statement = conn.prepare_cached(
        "SELECT number FROM executions INDEXED BY executions_key \
         WHERE key = ?1 AND flow = ?2 AND tenant = ?3",
    )?;
    let (key, flow) = (spec.idempotency_key.as_str(), spec.flow.as_str());
    let found = statement.query_map(params![key, flow, tenant], |row| row.get(0))?;
    let found: Vec<i64> = found.collect::<rusqlite::Result<_>>()?;
    if found != [number] {
        let message = format!("its idempotency key leads to {} executions", found.len());
        report.find("keys-are-unique", &execution.id(), message);
    }
    Ok(())
}
