//! From records to columns, on the caller's side, so that the writer only binds them.

mod journal;
mod ledger;
mod quality;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use runcor_core::{
    Batch, Event, Execution, ExecutionId, ExecutionState, ExecutionStatus, Fence, Flag, FlagStatus,
    MemorySpace, Money, Op, RateTake, StoreError, Timestamp, Transition, WorkerId,
};

use crate::compaction::Packing;
pub(crate) use journal::{DONE, EntryRow, FAILED, NOT_DONE};
pub(crate) use ledger::{AccountRow, LedgerRow, Names, ReservationRow, scope_code};
pub(crate) use quality::{EvaluationRow, MemoryRow};
pub(crate) use rows::{OriginRow, WaitRow};

/// A batch that is ready to be written.
#[derive(Debug)]
pub(crate) struct EncodedBatch {
    pub(crate) ops: Vec<EncodedOp>,
    /// The events, which no precondition stands before and which therefore come last.
    pub(crate) events: Vec<EncodedEvent>,
    /// Whether a precondition may fail after something was written.
    pub(crate) may_fail_midway: bool,
    /// How much text the batch brings.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) enum EncodedOp {
    Insert(Box<Insertion>),
    Update { id: ExecutionId, expect: Fence, status: Box<StatusRow> },
    Delete { id: ExecutionId, expect: Fence },
    Journal { id: ExecutionId, epoch: u64, entry: Box<EntryRow>, replace: bool },
    Seed { id: ExecutionId, entries: Vec<EntryRow> },
    Expect { id: ExecutionId, fence: Fence },
    NotEnded { id: ExecutionId },
    Lease { worker: WorkerId, until: Timestamp },
    Retire { worker: WorkerId, now: Timestamp },
    Sweep { now: Timestamp, limit: usize, max_bytes: Option<u64> },
    Compact(Vec<Packing>),
    Reserve(Box<ReservationRow>),
    Settle(Box<LedgerRow>),
    Lapse { now: Timestamp, limit: usize },
    TopUp { account: Box<AccountRow>, amount: Money },
    Take(Box<RateTake>),
    Remember(Box<MemoryRow>),
    ForgetAll(Box<MemorySpace>),
    AwaitEvaluation { id: ExecutionId },
    Evaluate(Box<EvaluationRow>),
    SkipEvaluation { id: ExecutionId },
    Flag { flag: Box<Flag>, expect: Option<FlagStatus> },
    Expire(Expiry),
}

/// What shall go, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    pub(crate) now: Timestamp,
    pub(crate) limit: usize,
    pub(crate) keep_ledger: Option<u64>,
    pub(crate) keep_evaluations: Option<u64>,
}

/// An event and its text.
#[derive(Debug)]
pub(crate) struct EncodedEvent {
    pub(crate) event: Event,
    pub(crate) body: String,
    /// The result of a completed execution, beside the body: values may nest as
    /// deep as a parser allows, and a wrapper would be one level too many.
    pub(crate) result: Option<Arc<str>>,
}

/// A new execution.
#[derive(Debug)]
pub(crate) struct Insertion {
    pub(crate) execution: Box<Execution>,
    pub(crate) input: String,
    pub(crate) metadata: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) status: StatusRow,
}

/// A status whose structured parts are text.
#[derive(Debug)]
pub(crate) struct StatusRow {
    pub(crate) status: Box<ExecutionStatus>,
    pub(crate) transitions: Vec<u8>,
    pub(crate) error: Option<String>,
    pub(crate) wait: Option<String>,
    pub(crate) wait_data: Option<String>,
    pub(crate) resume_data: Option<String>,
    pub(crate) result: Option<Arc<str>>,
}

/// Encodes batches; keeps the last result, since the event of it follows at once.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: usize,
    /// What the compaction of the batch shall write.
    packings: Option<Vec<Packing>>,
    last_result: Option<(Arc<Value>, Arc<str>)>,
}

impl Encoder {
    /// Takes what was packed for the batch.
    pub(crate) fn with_packings(packings: Vec<Packing>) -> Self {
        Self { packings: Some(packings), ..Self::default() }
    }

    pub(crate) fn batch(mut self, batch: Batch) -> Result<EncodedBatch, StoreError> {
        let mut ops = Vec::with_capacity(batch.ops.len());
        let mut events = Vec::new();
        for op in batch.ops {
            match op {
                Op::Emit(event) => events.push(self.event(event)?),
                op => ops.push(self.op(op)?),
            }
        }
        let may_fail_midway = ops.iter().skip(1).any(EncodedOp::has_precondition)
            || matches!(ops.first(), Some(EncodedOp::Seed { .. }));
        Ok(EncodedBatch { ops, events, may_fail_midway, bytes: self.bytes })
    }

    fn op(&mut self, op: Op) -> Result<EncodedOp, StoreError> {
        Ok(match op {
            Op::Insert(execution) => EncodedOp::Insert(Box::new(self.insertion(execution)?)),
            Op::Update { id, expect, status } => {
                EncodedOp::Update { id, expect, status: Box::new(self.status(status)?) }
            }
            Op::Delete { id, expect } => EncodedOp::Delete { id, expect },
            Op::Journal { id, epoch, entry, replace } => {
                let entry = Box::new(self.entry(*entry)?);
                EncodedOp::Journal { id, epoch, entry, replace }
            }
            Op::Seed { id, entries } => {
                let entries = entries.into_iter().map(|entry| self.entry(entry));
                EncodedOp::Seed { id, entries: entries.collect::<Result<_, _>>()? }
            }
            Op::Expect { id, fence } => EncodedOp::Expect { id, fence },
            Op::NotEnded { id } => EncodedOp::NotEnded { id },
            Op::Lease { worker, until } => EncodedOp::Lease { worker, until },
            Op::Retire { worker, now } => EncodedOp::Retire { worker, now },
            Op::Sweep { now, limit, max_bytes } => EncodedOp::Sweep { now, limit, max_bytes },
            Op::Compact { .. } => EncodedOp::Compact(self.packings.take().unwrap_or_default()),
            op => self.governance(op)?,
        })
    }

    /// Encodes an operation on money, limits, memories or quality.
    fn governance(&mut self, op: Op) -> Result<EncodedOp, StoreError> {
        Ok(match op {
            Op::Reserve(new) => EncodedOp::Reserve(Box::new(self.reservation(*new)?)),
            Op::Settle(entry) => {
                self.bytes += ROW_BYTES;
                EncodedOp::Settle(Box::new(LedgerRow::of(*entry)))
            }
            Op::Lapse { now, limit } => EncodedOp::Lapse { now, limit },
            Op::TopUp { account, amount } => {
                EncodedOp::TopUp { account: Box::new(AccountRow::of(*account)), amount }
            }
            Op::Take(wish) => EncodedOp::Take(wish),
            Op::Remember(write) => EncodedOp::Remember(Box::new(self.memory(*write)?)),
            Op::ForgetAll(space) => EncodedOp::ForgetAll(space),
            Op::AwaitEvaluation { id } => EncodedOp::AwaitEvaluation { id },
            Op::Evaluate(new) => EncodedOp::Evaluate(Box::new(self.evaluation(new)?)),
            Op::SkipEvaluation { id } => EncodedOp::SkipEvaluation { id },
            Op::Flag { flag, expect } => EncodedOp::Flag { flag, expect },
            Op::Expire { now, limit, keep_ledger, keep_evaluations } => {
                EncodedOp::Expire(Expiry { now, limit, keep_ledger, keep_evaluations })
            }
            _ => {
                let message = "the SQLite store is older than this operation".to_owned();
                return Err(StoreError::Unavailable { message });
            }
        })
    }

    fn insertion(&mut self, execution: Box<Execution>) -> Result<Insertion, StoreError> {
        Ok(Insertion {
            input: self.text(&execution.spec.input)?,
            metadata: self.optional(execution.spec.metadata.as_ref())?,
            origin: self.optional(OriginRow::of(&execution.spec).as_ref())?,
            status: self.status(Box::new(execution.status.clone()))?,
            execution,
        })
    }

    pub(crate) fn status(&mut self, status: Box<ExecutionStatus>) -> Result<StatusRow, StoreError> {
        let wait = status.wait.as_ref();
        Ok(StatusRow {
            transitions: transitions(&status.transitions),
            error: self.optional(status.error.as_ref())?,
            wait: self.optional(wait.map(WaitRow::of).as_ref())?,
            wait_data: self.optional(wait.and_then(|wait| wait.wait_data.as_ref()))?,
            resume_data: self.optional(status.resume_data.as_ref())?,
            result: status.result.as_ref().map(|result| self.result(result)).transpose()?,
            status,
        })
    }

    pub(crate) fn event(&mut self, mut event: Event) -> Result<EncodedEvent, StoreError> {
        let mut taken = None;
        if let Event::ExecutionComplete(complete) = &mut event {
            taken = complete.result.take();
        }
        let result = taken.as_ref().map(|result| self.result(result)).transpose()?;
        let body = self.text(&event)?;
        if let Event::ExecutionComplete(complete) = &mut event {
            complete.result = taken;
        }
        Ok(EncodedEvent { event, body, result })
    }

    fn result(&mut self, result: &Arc<Value>) -> Result<Arc<str>, StoreError> {
        if let Some((last, text)) = &self.last_result
            && Arc::ptr_eq(last, result)
        {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = self.text(&**result)?.into();
        self.last_result = Some((Arc::clone(result), Arc::clone(&text)));
        Ok(text)
    }

    fn optional<T: Serialize>(&mut self, value: Option<&T>) -> Result<Option<String>, StoreError> {
        value.map(|value| self.text(value)).transpose()
    }

    fn text<T: Serialize>(&mut self, value: &T) -> Result<String, StoreError> {
        let text = serde_json::to_string(value).map_err(|error| StoreError::Unstorable {
            message: format!("a value can't be written as JSON: {error}"),
        })?;
        if is_too_deep(&text) {
            let message = format!("a value is nested more than {MAX_DEPTH} levels deep");
            return Err(StoreError::Unstorable { message });
        }
        self.bytes += text.len();
        Ok(text)
    }
}

/// What a row of the ledger adds to the log, about.
const ROW_BYTES: usize = 200;

impl EncodedOp {
    /// Returns whether the operation may be refused; where it is the first of
    /// a batch it has then written nothing.
    fn has_precondition(&self) -> bool {
        match self {
            Self::Insert(_)
            | Self::Update { .. }
            | Self::Delete { .. }
            | Self::Journal { .. }
            | Self::Seed { .. }
            | Self::Expect { .. }
            | Self::NotEnded { .. }
            | Self::Reserve(_)
            | Self::Take(_)
            | Self::Remember(_)
            | Self::Flag { .. } => true,
            // Damage that these meet ends the whole transaction.
            Self::Settle(_) | Self::Lapse { .. } | Self::TopUp { .. } => false,
            Self::Lease { .. }
            | Self::Retire { .. }
            | Self::Sweep { .. }
            | Self::Compact(_)
            | Self::ForgetAll(_)
            | Self::AwaitEvaluation { .. }
            | Self::Evaluate(_)
            | Self::SkipEvaluation { .. }
            | Self::Expire(_) => false,
        }
    }
}

/// Returns from when on the execution may be claimed once no living worker
/// owns it, and the owner that stands before that.
///
/// An abandoned execution still names its owner and may not be claimed: its
/// active time has ended, which nothing else does without taking the owner away.
pub(crate) fn ready(status: &ExecutionStatus) -> Option<i64> {
    match (status.state, status.owner) {
        (ExecutionState::Waiting | ExecutionState::Complete | ExecutionState::Failed, _) => None,
        (_, None) => status.due.map(Timestamp::as_millis),
        (_, Some(_)) => {
            status.active_since.map(|_| status.due.map_or(i64::MIN, Timestamp::as_millis))
        }
    }
}

/// Returns the number that stands for a state in the database.
pub(crate) const fn state_code(state: ExecutionState) -> u8 {
    match state {
        ExecutionState::Queued => 0,
        ExecutionState::Running => 1,
        ExecutionState::Waiting => 2,
        ExecutionState::Retrying => 3,
        ExecutionState::Complete => 4,
        ExecutionState::Failed => 5,
    }
}

/// How many bytes one transition takes: both states in one, and the instant.
pub(crate) const TRANSITION_BYTES: usize = 9;

fn transitions(transitions: &[Transition]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(transitions.len() * TRANSITION_BYTES);
    for transition in transitions {
        bytes.push(state_code(transition.from) << 4 | state_code(transition.to));
        bytes.extend(transition.at.as_millis().to_le_bytes());
    }
    bytes
}

/// How deep a value may nest so that the parser reads it back.
const MAX_DEPTH: usize = 127;

fn is_too_deep(json: &str) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Returns a count as SQLite keeps it.
pub(crate) fn integer(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Returns a duration as SQLite keeps it: nanoseconds, or whole seconds below
/// zero where those do not fit (from 292 years on).
pub(crate) fn duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or_else(|_| -integer(duration.as_secs()))
}
