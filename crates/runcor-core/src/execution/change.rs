//! The state machine: one pure function from a record and a change to the next status.

use std::sync::Arc;

use serde_json::Value;

use super::record::{Execution, ExecutionError, ExecutionStatus, Transition, WaitContext};
use super::state::ExecutionState;
use crate::event::{Event, ExecutionComplete, ExecutionStateChange};
use crate::flow::Suspension;
use crate::id::WorkerId;
use crate::time::Timestamp;

/// Something that happens to an execution.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A worker takes the execution to run it. Legal for a queued or retrying
    /// one, and for a running one whose owner is gone or gave it back.
    Claim {
        /// The new owner.
        worker: WorkerId,
    },
    /// The handler ended with a result.
    Complete {
        /// The result.
        result: Value,
        /// When the record may be deleted.
        expires: Option<Timestamp>,
    },
    /// The execution fails; legal in every state that is not final.
    Fail {
        /// Why.
        error: ExecutionError,
        /// When the record may be deleted.
        expires: Option<Timestamp>,
    },
    /// The handler failed and is tried again later by the same owner.
    Retry {
        /// When the next attempt begins.
        due: Timestamp,
    },
    /// The next attempt begins under the same owner.
    Continue,
    /// The handler pauses.
    Wait {
        /// What it waits for.
        pause: Box<Suspension>,
        /// When the wait fails or the handler goes on by itself.
        due: Option<Timestamp>,
    },
    /// Somebody resumes a waiting execution; it may be claimed at once.
    Resume {
        /// What they bring.
        data: Option<Value>,
    },
    /// A waiting execution goes on without anybody's resume: a timer, a child,
    /// a decision. It may be claimed at once.
    Wake,
    /// The owner gives a running or retrying execution back, to be claimed again.
    Release,
    /// The present owner is left as it is and nobody may claim the execution any more.
    Abandon,
}

/// The outcome of a change: the next status and the events that tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The next status, one version on.
    pub status: ExecutionStatus,
    /// What to announce once the status is stored.
    pub events: Vec<Event>,
}

/// A change that the state machine does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an execution that is {from} can't {verb}")]
pub struct InvalidTransition {
    /// The state that the execution is in.
    pub from: ExecutionState,
    verb: &'static str,
}

impl Execution {
    /// Returns the status that `change` leads to, without changing anything.
    ///
    /// # Errors
    /// Returns [`InvalidTransition`] when the present state has no such edge.
    pub fn apply(&self, change: Change, now: Timestamp) -> Result<Applied, InvalidTransition> {
        let from = self.status.state;
        if !change.is_legal_in(from) {
            return Err(InvalidTransition { from, verb: change.verb() });
        }
        let mut next = self.status.clone();
        next.version += 1;
        let is_final = change.take_effect(&mut next, now);
        let mut events = Vec::with_capacity(2);
        if next.state != from {
            next.transitions.push(Transition { from, to: next.state, at: now });
            events.push(Event::ExecutionStateChange(ExecutionStateChange {
                execution_id: self.id(),
                from,
                to: next.state,
                timestamp: now,
                tenant_id: self.spec.tenant_id.clone(),
                flow_name: Some(self.spec.flow.clone()),
            }));
        }
        if is_final {
            events.push(Event::ExecutionComplete(ExecutionComplete {
                execution_id: self.id(),
                state: next.state,
                result: next.result.clone(),
                error: next.error.clone(),
                tenant_id: self.spec.tenant_id.clone(),
                flow_name: Some(self.spec.flow.clone()),
            }));
        }
        Ok(Applied { status: next, events })
    }
}

impl Change {
    /// Returns whether the change may happen to an execution in `state`.
    #[must_use]
    pub fn is_legal_in(&self, state: ExecutionState) -> bool {
        use ExecutionState::{Queued, Retrying, Running, Waiting};
        match self {
            Self::Claim { .. } => matches!(state, Queued | Running | Retrying),
            Self::Complete { .. } | Self::Retry { .. } | Self::Wait { .. } => state == Running,
            Self::Fail { .. } => !state.is_terminal(),
            Self::Continue => state == Retrying,
            Self::Resume { .. } | Self::Wake => state == Waiting,
            Self::Release | Self::Abandon => matches!(state, Running | Retrying),
        }
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "be claimed",
            Self::Complete { .. } => "complete",
            Self::Fail { .. } => "fail",
            Self::Retry { .. } => "be retried",
            Self::Continue => "begin its next attempt",
            Self::Wait { .. } => "wait",
            Self::Resume { .. } => "be resumed",
            Self::Wake => "be woken",
            Self::Release => "be released",
            Self::Abandon => "be abandoned",
        }
    }

    /// Writes the effect into `next`; returns whether the execution has ended.
    fn take_effect(self, next: &mut ExecutionStatus, now: Timestamp) -> bool {
        match self {
            Self::Claim { worker } => {
                next.state = ExecutionState::Running;
                next.owner = Some(worker);
                next.epoch += 1;
                next.due = None;
                next.started = next.started.or(Some(now));
                next.active_since = Some(now);
            }
            Self::Complete { result, expires } => {
                end(next, ExecutionState::Complete, now, expires);
                next.result = Some(Arc::new(result));
                return true;
            }
            Self::Fail { error, expires } => {
                end(next, ExecutionState::Failed, now, expires);
                next.error = Some(error);
                return true;
            }
            Self::Retry { due } => {
                next.state = ExecutionState::Retrying;
                next.retry_count += 1;
                next.due = Some(due);
            }
            Self::Continue => {
                next.state = ExecutionState::Running;
                next.due = None;
            }
            Self::Wait { pause: wait, due } => {
                pause(next, now);
                next.state = ExecutionState::Waiting;
                next.owner = None;
                next.due = due;
                next.wait = Some(WaitContext::of(*wait, now));
            }
            Self::Resume { data } => {
                wake(next, now);
                next.resume_data = data;
                next.resume_count += 1;
            }
            Self::Wake => wake(next, now),
            Self::Release => {
                pause(next, now);
                next.owner = None;
                next.due = next.due.or(Some(now));
            }
            Self::Abandon => {
                pause(next, now);
                next.due = None;
            }
        }
        false
    }
}

/// It runs again as soon as there is a slot.
fn wake(next: &mut ExecutionStatus, now: Timestamp) {
    next.state = ExecutionState::Running;
    next.due = Some(now);
    next.wait = None;
}

fn pause(next: &mut ExecutionStatus, now: Timestamp) {
    if let Some(since) = next.active_since.take() {
        next.active_before += now.since(since);
    }
}

fn end(
    next: &mut ExecutionStatus,
    state: ExecutionState,
    now: Timestamp,
    expires: Option<Timestamp>,
) {
    pause(next, now);
    next.state = state;
    next.owner = None;
    next.completed = Some(now);
    next.due = expires;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::execution::ExecutionSpec;
    use crate::id::{ExecutionId, FlowName, IdempotencyKey};

    fn fresh() -> Execution {
        let at = Timestamp::from_millis(1_000);
        Execution::queued(ExecutionSpec::new(
            ExecutionId::mint(at),
            FlowName::new("f").unwrap(),
            IdempotencyKey::new("k").unwrap(),
            json!(null),
            at,
        ))
    }

    fn worker() -> WorkerId {
        WorkerId::mint(Timestamp::from_millis(1))
    }

    fn failure() -> ExecutionError {
        ExecutionError { message: "x".to_owned(), retryable: false, retry_count: 0, code: None }
    }

    fn any_change() -> impl Strategy<Value = Change> {
        prop_oneof![
            Just(Change::Claim { worker: worker() }),
            Just(Change::Complete { result: json!(1), expires: None }),
            Just(Change::Fail { error: failure(), expires: None }),
            Just(Change::Retry { due: Timestamp::from_millis(9_999) }),
            Just(Change::Continue),
            Just(Change::Wait { pause: Box::default(), due: None }),
            Just(Change::Wake),
            Just(Change::Resume { data: Some(json!({ "ok": true })) }),
            Just(Change::Release),
            Just(Change::Abandon),
        ]
    }

    /// The reference's table of legal edges, written down once more on purpose.
    fn oracle(from: &str, to: &str) -> bool {
        matches!(
            (from, to),
            ("queued", "running" | "failed")
                | ("running", "complete" | "waiting" | "retrying" | "failed")
                | ("waiting" | "retrying", "running" | "failed")
        )
    }

    #[test]
    fn the_edges_are_exactly_those_of_the_reference() {
        for from in ExecutionState::ALL {
            for to in ExecutionState::ALL {
                assert_eq!(from.may_become(to), oracle(from.as_str(), to.as_str()), "{from} {to}");
            }
        }
    }

    #[test]
    fn a_happy_run_is_queued_then_running_then_complete() {
        let mut execution = fresh();
        let at = |ms| Timestamp::from_millis(ms);
        execution.status =
            execution.apply(Change::Claim { worker: worker() }, at(1_010)).unwrap().status;
        let done = execution
            .apply(Change::Complete { result: json!(7), expires: None }, at(1_030))
            .unwrap();
        assert_eq!(done.events.len(), 2);
        let status = done.status;
        assert_eq!(status.started, Some(at(1_010)));
        assert_eq!(status.completed, Some(at(1_030)));
        assert_eq!(status.active_before, Duration::from_millis(20));
        let edges: Vec<_> =
            status.transitions.iter().map(|t| (t.from.as_str(), t.to.as_str())).collect();
        assert_eq!(edges, [("queued", "running"), ("running", "complete")]);
    }

    #[test]
    fn waiting_does_not_use_up_active_time() {
        let mut execution = fresh();
        let at = |ms| Timestamp::from_millis(ms);
        let timeout = Duration::from_millis(200);
        for (change, when) in [
            (Change::Claim { worker: worker() }, 1_000),
            (Change::Wait { pause: Box::default(), due: None }, 1_050),
            (Change::Resume { data: None }, 9_000),
            (Change::Claim { worker: worker() }, 9_000),
        ] {
            execution.status = execution.apply(change, at(when)).unwrap().status;
        }
        assert_eq!(execution.status.deadline(timeout), Some(at(9_150)));
        assert_eq!(execution.status.deadline(Duration::ZERO), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_history_leaves_the_table_of_edges_or_a_final_state(
            changes in prop::collection::vec((any_change(), 0_i64..1_000), 1..40)
        ) {
            let mut execution = fresh();
            let mut now = 1_000;
            for (change, pause) in changes {
                now += pause;
                let before = execution.clone();
                match execution.apply(change, Timestamp::from_millis(now)) {
                    Err(_) => prop_assert_eq!(&execution, &before),
                    Ok(applied) => {
                        prop_assert!(!before.state().is_terminal());
                        let (from, to) = (before.state(), applied.status.state);
                        if from != to {
                            prop_assert!(oracle(from.as_str(), to.as_str()), "{} -> {}", from, to);
                            prop_assert_eq!(applied.status.transitions.len(), before.status.transitions.len() + 1);
                        } else {
                            prop_assert_eq!(applied.status.transitions.len(), before.status.transitions.len());
                        }
                        prop_assert_eq!(applied.status.version, before.status.version + 1);
                        prop_assert!(applied.status.epoch >= before.status.epoch);
                        prop_assert!(applied.status.active_before >= before.status.active_before);
                        prop_assert_eq!(applied.status.completed.is_some(), to.is_terminal());
                        prop_assert_eq!(applied.status.result.is_some(), to == ExecutionState::Complete);
                        prop_assert_eq!(applied.status.error.is_some(), to == ExecutionState::Failed);
                        execution.status = applied.status;
                    }
                }
            }
        }
    }
}
