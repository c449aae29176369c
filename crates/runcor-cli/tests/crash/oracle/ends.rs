//! States and ends: what events, answers and the final list say of an execution.

use serde_json::Value;
use uuid::Uuid;

use super::{Cancel, Known, Oracle, State};
use crate::flows::{Asks, CHILD, Fate, Work};

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    pub(crate) state: State,
    /// The receipt in its result.
    pub(crate) receipt: Option<u64>,
    /// The code of its error.
    pub(crate) code: Option<String>,
}

impl End {
    /// Reads an end from an event or from an execution; none where it has not ended.
    pub(crate) fn read(from: &Value) -> Option<Self> {
        let state = State::named(from["state"].as_str()?)?;
        let code = from["error"]["code"].as_str().map(str::to_owned);
        // The result of an approval is what was decided, with its note.
        let receipt =
            receipt(&from["result"]["receipt"]).or_else(|| receipt(&from["result"]["note"]));
        state.is_final().then_some(Self { state, receipt, code })
    }

    /// Returns whether this is the end that the seed has in store.
    fn is(&self, fate: Fate) -> bool {
        match fate {
            Fate::Complete(_) => self.state == State::Complete,
            Fate::Fails(code) => self.state == State::Failed && self.code.as_deref() == Some(code),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.state == State::Failed && self.code.as_deref() == Some("CANCELLED")
    }
}

/// Reads a receipt, which is a number, or a text where only texts are taken.
pub(crate) fn receipt(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Returns whether the documented state machine has this edge.
fn is_legal(from: State, to: State) -> bool {
    use State::{Complete, Failed, Queued, Retrying, Running, Waiting};
    match from {
        Queued | Waiting | Retrying => matches!(to, Running | Failed),
        Running => matches!(to, Complete | Waiting | Retrying | Failed),
        Complete | Failed => false,
    }
}

impl Oracle {
    /// Takes an event; each has the number after the one before.
    pub(crate) fn event(&self, number: u64, event: &Value) {
        let known = &mut *self.known();
        known.counts.events += 1;
        if number != known.last_event + 1 {
            let what = format!("event {number} came after {}", known.last_event);
            known.broken("R9", None, what);
        }
        known.last_event = number;
        let Some(id) = event["executionId"].as_str().and_then(|id| id.parse().ok()) else {
            return;
        };
        match event["type"].as_str() {
            Some("execution:state_change") => known.changes(id, event),
            Some("execution:complete") => known.ends(id, event),
            _ => {}
        }
    }

    /// Returns whether an execution is known to have ended.
    pub(crate) fn has_ended(&self, id: Uuid) -> bool {
        self.known().executions.get(&id).is_some_and(|known| known.end.is_some())
    }

    /// Compares an execution, as an answer shows it, with what is known.
    ///
    /// `had_ended` is whether its end was known when the question was asked:
    /// an answer may be older than an event that came before it.
    pub(crate) fn shown(&self, execution: &Value, had_ended: bool) -> Option<Uuid> {
        let known = &mut *self.known();
        let Some(id) = execution["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()) else {
            known.broken("R1", None, format!("an execution without an id: {execution}"));
            return None;
        };
        let n = execution["input"]["n"].as_u64();
        let flow = execution["flowName"].as_str();
        match n.and_then(|n| Work::of(self.seed, n, flow?)) {
            Some(work) => known.does(id, work),
            None => {
                known.broken("R5", Some(id), format!("nobody asked for it: {execution}"));
                return None;
            }
        };
        let (end, now) = (known.execution(id).end.clone(), End::read(execution));
        match end {
            Some((end, _)) if now.as_ref() != Some(&end) && (had_ended || now.is_some()) => {
                known.broken("R7", Some(id), format!("it had ended as {end:?} and is {now:?}"));
            }
            _ => {}
        }
        if let Some(what) = illegal_history(execution) {
            known.broken("R7", Some(id), what);
        }
        Some(id)
    }
}

/// Looks for an edge that the state machine does not have.
fn illegal_history(execution: &Value) -> Option<String> {
    let mut state = State::Queued;
    for edge in execution["timestamps"]["transitions"].as_array().into_iter().flatten() {
        let end = |key: &str| edge[key].as_str().and_then(State::named);
        match (end("from"), end("to")) {
            (Some(from), Some(to)) if from == state && is_legal(from, to) => state = to,
            _ => return Some(format!("its history has {edge} in state {state:?}")),
        }
    }
    let is = execution["state"].as_str().and_then(State::named);
    (is != Some(state)).then(|| format!("its history ends in {state:?} and it is {is:?}"))
}

impl Known {
    fn changes(&mut self, id: Uuid, event: &Value) {
        let state = |key: &str| event[key].as_str().and_then(State::named);
        let known = self.execution(id);
        let was = known.state;
        match (state("from"), state("to")) {
            (Some(from), Some(to)) if from == was && is_legal(from, to) => {
                known.state = to;
                if to == State::Waiting {
                    self.waiting.insert(id);
                } else if from == State::Waiting {
                    self.waiting.remove(&id);
                }
            }
            _ => self.broken("R7", Some(id), format!("it was {was:?} and is told {event}")),
        }
    }

    fn ends(&mut self, id: Uuid, event: &Value) {
        let cycle = self.cycle;
        let known = self.execution(id);
        let (was, before) = (known.state, known.end.is_some());
        let Some(end) = End::read(event).filter(|end| end.state == was && !before) else {
            return self.broken("R7", Some(id), format!("it was {was:?} and is told {event}"));
        };
        known.end = Some((end, cycle));
        self.unfinished = self.unfinished.saturating_sub(1);
        self.judge(id);
    }

    /// Checks an end against what had to come; nothing is known yet of one that has called nobody.
    pub(crate) fn judge(&mut self, id: Uuid) {
        let known = self.execution(id);
        let (Some(work), Some((end, _))) = (known.work, known.end.clone()) else { return };
        let is_right = match known.cancel {
            Cancel::Done => end.is_cancelled(),
            Cancel::Asked => end.is_cancelled() || end.is(work.fate),
            // Whoever cancels the caller cancels it too.
            Cancel::No => end.is(work.fate) || (work.flow.name == CHILD && end.is_cancelled()),
        };
        if !is_right {
            let (fate, cancel) = (work.fate, known.cancel);
            let what = format!("it ended as {end:?}; its fate was {fate:?}, cancelled: {cancel:?}");
            return self.broken("R1", Some(id), what);
        }
        let Fate::Complete(last) = work.fate else { return };
        if end.state != State::Complete {
            return;
        }
        let steps = work.flow.steps.iter().zip(&self.execution(id).steps).enumerate();
        let wrong = steps.filter(|(place, (step, known))| {
            (known.effects.is_empty() == (*place <= last)) && step.asks != Asks::Flow
        });
        let wrong: Vec<_> = wrong.map(|(_, (step, _))| step.name).collect();
        if !wrong.is_empty() {
            let what =
                format!("it is complete; these did not run and had to, or had not to: {wrong:?}");
            return self.broken("R3", Some(id), what);
        }
        match end.receipt {
            Some(receipt) => self.uses(id, Some(last), receipt),
            None => self.broken("R3", Some(id), "its result names no receipt".to_owned()),
        }
    }
}
