//! From columns to records. Whatever is damaged is an error that names the execution.

mod journal;
mod ledger;
mod quality;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;

use runcor_core::{
    Event, EventRecord, Execution, ExecutionId, ExecutionSpec, ExecutionState, ExecutionStatus,
    StoreError, Timestamp, Transition, WorkerId,
};

pub(crate) use journal::{ENTRY_COLUMNS, entry, entry_row, packed, value};
pub(crate) use ledger::{ACCOUNT_COLUMNS, LEDGER_COLUMNS, account, ledger, reserved};
pub(crate) use quality::{FLAG_COLUMNS, MEMORY_COLUMNS, evaluation, flag, memory};

use crate::encode::{OriginRow, TRANSITION_BYTES, WaitRow};
use crate::error::damaged;

/// The columns of a whole execution, in the order in which they are read.
pub(crate) const COLUMNS: &str = "id, number, flow, tenant, key, user, session, replay_of, \
     queued_at, timeout, wait_timeout, state, version, epoch, owner, due, retries, resumes, \
     started_at, completed_at, active_before, active_since, transitions, error, wait, wait_data, \
     resume_data, result, metadata, origin, CASE WHEN input IS NULL THEN \
     (SELECT body FROM inputs WHERE inputs.number = executions.number) ELSE input END";

/// A column that does not hold what it must.
struct Damage(&'static str);

type Field<T> = Result<T, Damage>;

/// Reads an execution from a row of [`COLUMNS`].
pub(crate) fn execution(row: &Row<'_>) -> Result<Execution, StoreError> {
    let mut fields = Fields { row, next: 0 };
    let id = fields.blob("id").map(ExecutionId::from_bytes).map_err(|_| {
        let number = row.get::<_, i64>(1).unwrap_or_default();
        damaged(&format!("the execution with creation number {number} has no readable id"))
    })?;
    read(&mut fields, id).map_err(|Damage(column)| damage(id, column))
}

fn read(fields: &mut Fields<'_>, id: ExecutionId) -> Field<Execution> {
    fields.int("number")?;
    let mut spec = spec(fields, id)?;
    let mut status = numbers(fields)?;
    documents(fields, &mut status)?;
    spec.metadata = fields.optional_json("metadata")?;
    let OriginRow { parent, fork } = fields.optional_json("origin")?.unwrap_or_default();
    (spec.parent, spec.fork) = (parent, fork);
    spec.input = fields.json("input")?;
    Ok(Execution { spec: Arc::new(spec), status })
}

fn spec(fields: &mut Fields<'_>, id: ExecutionId) -> Field<ExecutionSpec> {
    let flow = fields.id("flow")?;
    let tenant = match fields.text("tenant")? {
        "" => None,
        name => Some(name.try_into().map_err(|_| Damage("tenant"))?),
    };
    let key = fields.id("key")?;
    let mut spec = ExecutionSpec::new(id, flow, key, serde_json::Value::Null, Timestamp::default());
    spec.tenant_id = tenant;
    spec.user_id = fields.optional_id("user")?;
    spec.session_id = fields.optional_id("session")?;
    spec.replay_of = fields.optional_blob("replay_of")?.map(ExecutionId::from_bytes);
    spec.queued_at = fields.instant("queued_at")?;
    spec.timeout = fields.optional_int("timeout")?.map(duration);
    spec.wait_timeout = fields.optional_int("wait_timeout")?.map(duration);
    Ok(spec)
}

fn numbers(fields: &mut Fields<'_>) -> Field<ExecutionStatus> {
    let mut status = ExecutionStatus::queued(Timestamp::default());
    status.state = state(fields.int("state")?).ok_or(Damage("state"))?;
    status.version = fields.count("version")?;
    status.epoch = fields.count("epoch")?;
    status.owner = fields.optional_blob("owner")?.map(WorkerId::from_bytes);
    status.due = fields.optional_instant("due")?;
    status.retry_count = fields.count("retries")?;
    status.resume_count = fields.count("resumes")?;
    status.started = fields.optional_instant("started_at")?;
    status.completed = fields.optional_instant("completed_at")?;
    status.active_before = duration(fields.int("active_before")?);
    status.active_since = fields.optional_instant("active_since")?;
    Ok(status)
}

fn documents(fields: &mut Fields<'_>, status: &mut ExecutionStatus) -> Field<()> {
    status.transitions = fields.transitions()?;
    status.error = fields.optional_json("error")?;
    let wait: Option<WaitRow> = fields.optional_json("wait")?;
    let wait_data = fields.optional_json("wait_data")?;
    status.wait = wait.map(|wait| wait.into_context(wait_data));
    status.resume_data = fields.optional_json("resume_data")?;
    status.result = fields.optional_json("result")?.map(Arc::new);
    Ok(())
}

/// Reads an event from its number, body and result.
pub(crate) fn event(row: &Row<'_>) -> Result<EventRecord, StoreError> {
    let mut fields = Fields { row, next: 0 };
    let mut read = || -> Field<EventRecord> {
        let seq = fields.count("number")?;
        let mut event: Event = fields.json("body")?;
        let result = fields.optional_json("result")?;
        if let Event::ExecutionComplete(complete) = &mut event {
            complete.result = result.map(Arc::new);
        }
        Ok(EventRecord { seq, event })
    };
    read().map_err(|Damage(column)| {
        let seq = row.get::<_, i64>(0).unwrap_or_default();
        damaged(&format!("event {seq} has no readable {column}"))
    })
}

fn damage(id: ExecutionId, column: &str) -> StoreError {
    damaged(&format!("execution {id} has no readable {column}"))
}

fn state(code: i64) -> Option<ExecutionState> {
    usize::try_from(code).ok().and_then(|code| ExecutionState::ALL.get(code).copied())
}

fn duration(stored: i64) -> Duration {
    u64::try_from(stored)
        .map_or_else(|_| Duration::from_secs(stored.unsigned_abs()), Duration::from_nanos)
}

fn transition(bytes: &[u8]) -> Field<Transition> {
    let damage = || Damage("transitions");
    let (edge, at) = bytes.split_first().ok_or_else(damage)?;
    let at = i64::from_le_bytes(at.try_into().map_err(|_| damage())?);
    Ok(Transition {
        from: state(i64::from(edge >> 4)).ok_or_else(damage)?,
        to: state(i64::from(edge & 15)).ok_or_else(damage)?,
        at: Timestamp::from_millis(at),
    })
}

/// The columns of a row, read one after the other.
struct Fields<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Fields<'r> {
    fn value(&mut self, name: &'static str) -> Field<ValueRef<'r>> {
        let value = self.row.get_ref(self.next).map_err(|_| Damage(name));
        self.next += 1;
        value
    }

    fn optional_int(&mut self, name: &'static str) -> Field<Option<i64>> {
        match self.value(name)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(value) => Ok(Some(value)),
            ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => Err(Damage(name)),
        }
    }

    fn int(&mut self, name: &'static str) -> Field<i64> {
        self.optional_int(name)?.ok_or(Damage(name))
    }

    fn count<T: TryFrom<i64>>(&mut self, name: &'static str) -> Field<T> {
        T::try_from(self.int(name)?).map_err(|_| Damage(name))
    }

    fn truth(&mut self, name: &'static str) -> Field<bool> {
        match self.int(name)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damage(name)),
        }
    }

    fn instant(&mut self, name: &'static str) -> Field<Timestamp> {
        self.int(name).map(Timestamp::from_millis)
    }

    fn optional_instant(&mut self, name: &'static str) -> Field<Option<Timestamp>> {
        Ok(self.optional_int(name)?.map(Timestamp::from_millis))
    }

    fn optional_text(&mut self, name: &'static str) -> Field<Option<&'r str>> {
        match self.value(name)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(text) => str::from_utf8(text).map(Some).map_err(|_| Damage(name)),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => Err(Damage(name)),
        }
    }

    fn text(&mut self, name: &'static str) -> Field<&'r str> {
        self.optional_text(name)?.ok_or(Damage(name))
    }

    fn optional_id<T: TryFrom<&'r str>>(&mut self, name: &'static str) -> Field<Option<T>> {
        let text = self.optional_text(name)?;
        text.map(|text| T::try_from(text).map_err(|_| Damage(name))).transpose()
    }

    fn id<T: TryFrom<&'r str>>(&mut self, name: &'static str) -> Field<T> {
        self.optional_id(name)?.ok_or(Damage(name))
    }

    fn optional_json<T: DeserializeOwned>(&mut self, name: &'static str) -> Field<Option<T>> {
        let text = self.optional_text(name)?;
        text.map(|text| serde_json::from_str(text).map_err(|_| Damage(name))).transpose()
    }

    fn json<T: DeserializeOwned>(&mut self, name: &'static str) -> Field<T> {
        self.optional_json(name)?.ok_or(Damage(name))
    }

    fn optional_blob(&mut self, name: &'static str) -> Field<Option<[u8; 16]>> {
        match self.value(name)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => bytes.try_into().map(Some).map_err(|_| Damage(name)),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => Err(Damage(name)),
        }
    }

    fn blob(&mut self, name: &'static str) -> Field<[u8; 16]> {
        self.optional_blob(name)?.ok_or(Damage(name))
    }

    fn transitions(&mut self) -> Field<Vec<Transition>> {
        let name = "transitions";
        match self.value(name)? {
            ValueRef::Blob(bytes) => bytes.chunks(TRANSITION_BYTES).map(transition).collect(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => {
                Err(Damage(name))
            }
        }
    }
}
