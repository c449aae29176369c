//! Triggers: a key stands for one execution, and an answer is a promise.

use serde_json::Value;
use uuid::Uuid;

use super::{Cancel, Oracle};
use crate::flows::Work;

/// What is known of the key of one piece of work.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Trigger {
    /// The execution that it stands for, once an answer has named it.
    pub(crate) execution: Option<Uuid>,
    /// Whether it was sent and nobody knows what became of it.
    pub(crate) is_open: bool,
}

/// What was known when a trigger was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// Whether an answer had named the execution of the key.
    was_known: bool,
    /// Whether that execution had ended.
    had_ended: bool,
}

impl Oracle {
    /// Notes that a trigger is sent.
    pub(crate) fn triggers(&self, work: Work) -> Sent {
        let known = &mut *self.known();
        let trigger = known.triggers.entry(work.n).or_default();
        let stands_for = trigger.execution;
        trigger.is_open = stands_for.is_none();
        known.counts.repeated_keys += u64::from(stands_for.is_some());
        let execution = stands_for.and_then(|id| known.executions.get(&id));
        let had_ended = execution.is_some_and(|known| known.end.is_some());
        Sent { was_known: stands_for.is_some(), had_ended }
    }

    /// Takes the answer to a trigger.
    pub(crate) fn accepted(&self, work: Work, sent: &Sent, is_replayed: bool, answer: &Value) {
        let execution = &answer["execution"];
        let Some(id) = self.shown(execution, sent.had_ended) else { return };
        self.note("answer", &format_args!("{:?} is {id}", work.key()));
        let known = &mut *self.known();
        known.counts.answered += 1;
        known.execution(id).accepted = true;
        let trigger = known.triggers.entry(work.n).or_default();
        trigger.is_open = false;
        let before = *trigger.execution.get_or_insert(id);
        if before != id {
            let what = format!("key {:?} stood for {before} and stands for {id} now", work.key());
            known.broken("R5", Some(id), what);
        }
        if sent.was_known && !is_replayed {
            let what = format!("key {:?} was known and counts as new", work.key());
            known.broken("R5", Some(id), what);
        }
        if execution["idempotencyKey"] != work.key() || execution["input"]["n"] != work.n {
            let what = format!("the answer to key {:?} is {execution}", work.key());
            known.broken("R5", Some(id), what);
        }
    }

    /// Notes that a trigger got no answer; it will be sent again.
    pub(crate) fn unanswered(&self) {
        self.known().counts.unanswered += 1;
    }

    /// Notes that a request was refused in good order.
    pub(crate) fn refused(&self) {
        self.known().counts.refused += 1;
    }

    /// Returns the numbers of the work whose triggers nobody has answered yet.
    pub(crate) fn open_triggers(&self) -> Vec<u64> {
        let known = self.known();
        let open = known.triggers.iter().filter(|(_, trigger)| trigger.is_open);
        let mut open: Vec<_> = open.map(|(n, _)| *n).collect();
        open.sort_unstable();
        open
    }

    /// Notes that a cancel is sent.
    pub(crate) fn cancels(&self, id: Uuid) {
        let known = &mut *self.known();
        let execution = known.execution(id);
        if execution.cancel == Cancel::No && execution.end.is_none() {
            execution.cancel = Cancel::Asked;
        }
        known.counts.cancels += 1;
    }

    /// Takes the 200 of a cancel: it has ended so, and will always have.
    pub(crate) fn cancelled(&self, id: Uuid, answer: &Value) {
        self.shown(&answer["execution"], false);
        let known = &mut *self.known();
        known.execution(id).cancel = Cancel::Done;
        if answer["execution"]["error"]["code"] != "CANCELLED" {
            known.broken("R7", Some(id), format!("a cancel was answered with {answer}"));
        }
        known.judge(id);
    }

    /// Notes that a replay is sent.
    pub(crate) fn replays(&self, id: Uuid) {
        let known = &mut *self.known();
        known.execution(id).replays += 1;
        known.counts.replays += 1;
    }

    /// Takes the 201 of a replay.
    pub(crate) fn replayed(&self, of: Uuid, answer: &Value) {
        let Some(id) = self.shown(&answer["execution"], false) else { return };
        let known = &mut *self.known();
        known.execution(id).accepted = true;
        let original = answer["execution"]["replayOf"].as_str().and_then(|id| id.parse().ok());
        if original != Some(of) {
            known.broken("R5", Some(id), format!("a replay of {of} says it is of {original:?}"));
        }
    }
}
