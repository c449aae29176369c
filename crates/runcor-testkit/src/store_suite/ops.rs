//! Entries and operations, as scenarios write them.

use serde_json::{Value, json};

use runcor_core::{Execution, JournalEntry, JournalKind, Op};

use super::subject::{at, sample};

/// A step whose result tells its path.
pub(super) fn entry(path: &str) -> JournalEntry {
    JournalEntry::done(path, JournalKind::Step, json!({ "of": path }), at(1))
}

/// An intent of a step.
pub(super) fn intent(path: &str) -> JournalEntry {
    JournalEntry::intent(path, JournalKind::Step, at(1))
}

/// A step that has this result.
pub(super) fn done(path: &str, value: Value) -> JournalEntry {
    JournalEntry::done(path, JournalKind::Step, value, at(2))
}

/// A text of about a megabyte, which a store may keep apart.
pub(super) fn big(letter: char) -> Value {
    Value::String(letter.to_string().repeat(1_000_000))
}

/// A journal operation of a running execution.
pub(super) fn journal_op(execution: &Execution, entry: JournalEntry) -> Op {
    let epoch = execution.status.epoch;
    Op::Journal { id: execution.id(), epoch, entry: Box::new(entry), replace: false }
}

/// A journal operation that may write over an answer.
pub(super) fn replace_op(execution: &Execution, entry: JournalEntry) -> Op {
    let epoch = execution.status.epoch;
    Op::Journal { id: execution.id(), epoch, entry: Box::new(entry), replace: true }
}

/// The beginning of a fork's journal.
pub(super) fn seed_op(execution: &Execution, entries: &[JournalEntry]) -> Op {
    Op::Seed { id: execution.id(), entries: entries.to_vec() }
}

/// A delete that expects the execution as it is here.
pub(super) fn delete_op(execution: &Execution) -> Op {
    Op::Delete { id: execution.id(), expect: execution.fence() }
}

/// An operation that every store must refuse.
pub(super) fn impossible() -> Op {
    delete_op(&sample().build())
}

/// What an operation is called in the message of a failure.
pub(super) fn name_of(op: &Op) -> &'static str {
    match op {
        Op::Insert(_) => "insert",
        Op::Update { .. } => "update",
        Op::Delete { .. } => "delete",
        Op::Journal { .. } => "journal",
        Op::Seed { .. } => "seed",
        Op::Expect { .. } => "expect",
        Op::NotEnded { .. } => "not ended",
        Op::Emit(_) => "emit",
        Op::Lease { .. } => "lease",
        Op::Retire { .. } => "retire",
        Op::Sweep { .. } => "sweep",
        Op::Compact { .. } => "compact",
        Op::Reserve(_) => "reserve",
        Op::Settle(_) => "settle",
        Op::Lapse { .. } => "lapse",
        Op::TopUp { .. } => "top up",
        Op::Take(_) => "take",
        Op::Remember(_) => "remember",
        Op::ForgetAll(_) => "forget all",
        Op::AwaitEvaluation { .. } => "await evaluation",
        Op::Evaluate(_) => "evaluate",
        Op::SkipEvaluation { .. } => "skip evaluation",
        Op::Flag { .. } => "flag",
        Op::Expire { .. } => "expire",
        _ => "another operation",
    }
}
