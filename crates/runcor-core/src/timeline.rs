//! The timeline: a journal as people and programs read it.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::execution::Execution;
use crate::flow::{JournalEntry, JournalKind, Outcome, RequestHash, Spend, StepFailure};
use crate::id::ExecutionId;
use crate::money::Money;
use crate::time::{Timestamp, millis};

/// The largest result that a timeline shows itself, in bytes of JSON.
pub const MAX_TIMELINE_VALUE_BYTES: usize = 4096;

/// Everything that an execution has done, in the order in which it began.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The execution as it stands.
    pub execution: Execution,
    /// What it has done.
    pub entries: Vec<TimelineEntry>,
    /// What its own model calls cost together; what a fork has taken over is not counted.
    pub total: TotalSpend,
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// Its number, from 1.
    pub number: usize,
    /// Its identity in the execution.
    pub path: String,
    /// What kind of thing it is.
    pub kind: JournalKind,
    /// How it stands.
    pub state: EntryState,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was last begun.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How long its last attempt took, in milliseconds.
    #[serde(rename = "durationMs", serialize_with = "duration")]
    pub duration: Option<Duration>,
    /// The hash of what was asked.
    pub request: Option<RequestHash>,
    /// The size of its result as JSON, in bytes.
    pub bytes: Option<u64>,
    /// The result, unless it is larger than [`MAX_TIMELINE_VALUE_BYTES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepFailure>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend: Option<Spend>,
    /// The child execution that it called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child: Option<ExecutionId>,
    /// Whether it was taken over from the execution that this one forks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Begun; nobody knows yet what comes of it.
    Begun,
    /// It has a result.
    Done,
    /// It failed for good.
    Failed,
    /// Somebody has decided that it did not happen.
    NotDone,
}

/// What model calls cost together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TotalSpend {
    /// How many model calls were answered.
    pub calls: u64,
    /// Their input tokens.
    pub prompt_tokens: u64,
    /// Their output tokens.
    pub completion_tokens: u64,
    /// Their cost in nano-dollars, as far as prices are known.
    #[serde(rename = "costNanos")]
    pub cost: Money,
    /// How many of the calls have no known price.
    pub unpriced: u64,
}

impl Timeline {
    /// Makes the timeline of an execution and its journal.
    #[must_use]
    pub fn of(execution: Execution, journal: Vec<JournalEntry>) -> Self {
        let mut total = TotalSpend::default();
        for entry in journal.iter().filter(|entry| !entry.reused) {
            entry.spend.iter().for_each(|spend| total.add(spend));
        }
        let entries = journal.into_iter().zip(1..);
        let entries = entries.map(|(entry, number)| TimelineEntry::of(entry, number)).collect();
        Self { execution, entries, total }
    }
}

impl TotalSpend {
    fn add(&mut self, spend: &Spend) {
        self.calls += 1;
        // A server may report whatever it likes.
        let usage = &spend.usage;
        self.prompt_tokens = self.prompt_tokens.saturating_add(usage.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(usage.completion_tokens);
        match spend.cost {
            Some(cost) => self.cost += cost,
            None => self.unpriced += 1,
        }
    }
}

impl TimelineEntry {
    fn of(entry: JournalEntry, number: usize) -> Self {
        let child = entry.note.as_ref().and_then(|note| note.get("child")?.as_str()?.parse().ok());
        let mut line = Self {
            number,
            path: entry.path,
            kind: entry.kind,
            state: EntryState::Begun,
            attempts: entry.attempts,
            begun_at: entry.begun,
            ended_at: entry.answer.as_ref().map(|answer| answer.at),
            duration: entry.answer.as_ref().map(|answer| answer.at.since(entry.begun)),
            request: entry.request,
            bytes: None,
            value: None,
            error: None,
            spend: entry.spend,
            child,
            reused: entry.reused,
        };
        if let Some(answer) = entry.answer {
            line.end(answer.outcome);
        }
        line
    }

    fn end(&mut self, outcome: Outcome) {
        self.state = match outcome {
            Outcome::Done(value) => {
                let bytes = value.to_string().len();
                self.bytes = u64::try_from(bytes).ok();
                self.value = (bytes <= MAX_TIMELINE_VALUE_BYTES).then_some(value);
                EntryState::Done
            }
            Outcome::Spilled { bytes } => {
                self.bytes = Some(bytes);
                EntryState::Done
            }
            Outcome::Failed(failure) => {
                self.error = Some(failure);
                EntryState::Failed
            }
            Outcome::NotDone => EntryState::NotDone,
        };
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
fn duration<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => millis::serialize(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usage;

    #[test]
    fn what_a_server_reports_can_not_make_the_total_overflow() {
        let usage =
            Usage { prompt_tokens: u64::MAX - 1, completion_tokens: u64::MAX, ..Usage::default() };
        let cost = Money::from_nanos(i64::MAX);
        let (provider, model) = ("p".to_owned(), "m".to_owned());
        let spend = Spend { provider, model, usage, cost: Some(cost) };
        let mut total = TotalSpend::default();
        for _ in 0..3 {
            total.add(&spend);
        }
        assert_eq!((total.calls, total.prompt_tokens, total.cost), (3, u64::MAX, cost));
        assert_eq!(total.completion_tokens, u64::MAX);
    }
}
