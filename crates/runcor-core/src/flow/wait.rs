//! Waits: what a pausing flow says, and the pause itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::FlowContext;
use super::error::FlowError;
use super::journal::{JournalEntry, JournalKind, Outcome};
use super::meet::Met;
use crate::id::ExecutionId;
use crate::time::Timestamp;

/// The names under which waits are journaled.
const WAIT: &str = "wait";
const SLEEP: &str = "sleep";

/// What a pausing flow says about its wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitSignal {
    /// Why it waits, for people.
    pub reason: Option<String>,
    /// When it expects to be resumed; for information only.
    pub expected_resume_by: Option<Timestamp>,
    /// What it shows to whoever resumes it.
    pub wait_data: Option<Value>,
    /// How long it waits at most, in place of the flow's wait timeout; zero is for ever.
    pub timeout: Option<Duration>,
}

impl WaitSignal {
    /// Waits for the given reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }

    /// Shows `data` to whoever resumes the flow.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.wait_data = Some(data);
        self
    }

    /// Limits the wait.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Says when a resume is expected.
    #[must_use]
    pub fn with_expected_resume_by(mut self, at: Timestamp) -> Self {
        self.expected_resume_by = Some(at);
        self
    }
}

/// What ends a wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitKind {
    /// Somebody's resume, with or without data.
    #[default]
    Signal,
    /// Somebody's approval or rejection.
    Approval,
    /// Somebody's word on whether a step has happened.
    Decision,
    /// An instant.
    Sleep,
    /// The end of a child execution.
    Call,
    /// More money in a budget, or its next window.
    Budget,
}

/// A pause of a flow: the handler is dropped, and runs again from the top afterwards.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Suspension {
    /// What ends the wait.
    pub kind: WaitKind,
    /// What the flow says about it.
    pub signal: WaitSignal,
    /// Where the answer goes in the journal; `None` for [`FlowOutcome::Wait`](crate::FlowOutcome::Wait).
    pub path: Option<String>,
    /// When the wait began, where the handler has run in between; its timeout counts from here.
    pub since: Option<Timestamp>,
    /// When the handler goes on whatever happens.
    pub wake_at: Option<Timestamp>,
    /// The child executions whose end lets the handler go on.
    pub awaits: Vec<ExecutionId>,
    /// What is to be noted in the journal together with the pause.
    pub intents: Vec<JournalEntry>,
}

impl From<WaitSignal> for Suspension {
    fn from(signal: WaitSignal) -> Self {
        Self { signal, ..Self::default() }
    }
}

impl Suspension {
    /// Joins the pauses of parallel branches: the first that somebody has to
    /// answer is what the execution waits for; sleeps and children wake it all the same.
    #[must_use]
    pub(crate) fn join(self, other: Self) -> Self {
        let wake_at = match (self.wake_at, other.wake_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let awaits = self.awaits.iter().chain(&other.awaits).copied().collect();
        let intents = self.intents.iter().chain(&other.intents).cloned().collect();
        let needs_somebody =
            |kind| !matches!(kind, WaitKind::Sleep | WaitKind::Call | WaitKind::Budget);
        let is_first = needs_somebody(self.kind) || !needs_somebody(other.kind);
        let front = if is_first { self } else { other };
        Self { wake_at, awaits, intents, ..front }
    }
}

impl FlowContext {
    /// Pauses the execution until somebody resumes it, and returns what they brought.
    ///
    /// Nothing stays in memory while it waits: the handler's future is dropped,
    /// and the handler runs again from the top once it is resumed. Waits that
    /// were answered before return their answers at once.
    ///
    /// # Errors
    /// Returns an error that pauses the flow and that the handler must pass on with `?`.
    pub async fn wait_for(&self, signal: WaitSignal) -> Result<Value, FlowError> {
        self.wait_named(WAIT, signal).await
    }

    /// As [`wait_for`](Self::wait_for), with a name of its own in the journal.
    ///
    /// Its answer belongs to the name, and not to how many waits came before.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_named(&self, name: &str, signal: WaitSignal) -> Result<Value, FlowError> {
        let met = self.meet(name, JournalKind::Wait, None).await?;
        if let Some(answer) = met.remembered()? {
            return Ok(answer);
        }
        Err(self.suspend(met.pause(WaitKind::Signal, signal)))
    }

    /// Pauses the execution for `duration`; the timer outlives the process.
    ///
    /// Like every wait it drops the handler's future and runs the handler again
    /// from the top; a year costs no more than a second.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn sleep(&self, duration: Duration) -> Result<(), FlowError> {
        self.sleep_until(SLEEP, self.now().after(duration)).await
    }

    /// Pauses the execution until an instant, under a name of its own in the journal.
    ///
    /// A sleep that has begun ends when it was going to, whatever is asked for later.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for).
    pub async fn sleep_until(&self, name: &str, until: Timestamp) -> Result<(), FlowError> {
        let met = self.meet(name, JournalKind::Sleep, None).await?;
        if met.remembered()?.is_some() {
            return Ok(());
        }
        let until = met.note_instant().unwrap_or(until);
        if until <= self.now() {
            met.conclude(Outcome::Done(Value::Null)).await?;
            return Ok(());
        }
        let signal = WaitSignal::new("sleeps").with_expected_resume_by(until);
        let met = met.with_note(json!({ "until": until.as_millis() }));
        let pause = met.pause(WaitKind::Sleep, signal);
        Err(self.suspend(Suspension { wake_at: Some(until), ..pause }))
    }

    /// Notes that the flow pauses and returns the error that makes it do so.
    ///
    /// A handler that does not pass the error on pauses all the same.
    pub(crate) fn suspend(&self, pause: Suspension) -> FlowError {
        self.note_suspension(Some(pause.clone()));
        FlowError::suspended(pause)
    }
}

impl Met {
    fn note_instant(&self) -> Option<Timestamp> {
        self.note()?.get("until")?.as_i64().map(Timestamp::from_millis)
    }
}
