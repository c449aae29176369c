//! The state machine against a second, naive one, over a million transitions.
//!
//! The naive one knows the documented table, written down as words, and counts.
//! It shares no code with the real one, and no way of thinking.

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use runcor_core::{
    Change, Event, Execution, ExecutionError, ExecutionId, ExecutionSpec, FlowName, IdempotencyKey,
    Suspension, Timestamp, WaitSignal, WorkerId,
};
use serde_json::json;

/// How many histories there are, and how many happenings each has at most:
/// together a million, since half of the most is the average.
const HISTORIES: u32 = 10_000;
const HAPPENINGS: usize = 200;

prop_state_machine! {
    #![proptest_config(Config {
        cases: HISTORIES,
        max_shrink_iters: 4_096,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn the_state_machine_does_what_a_naive_one_does(sequential 1..HAPPENINGS => Real);
}

/// What may happen; whether it is legal is for the machines to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happening {
    Claim,
    Complete,
    Fail,
    Retry,
    Continue,
    Wait,
    Resume,
    Wake,
    Release,
    Abandon,
    /// Time passes.
    Pass(i64),
    /// An ended execution is put aside, and a new one accepted.
    Anew,
}

/// The naive machine.
#[derive(Debug, Clone)]
struct Naive {
    now: i64,
    state: &'static str,
    version: u64,
    epoch: u64,
    retries: u32,
    resumes: u32,
    is_owned: bool,
    is_due: bool,
    has_wait: bool,
    /// Active time so far, and when the present period of it began.
    active: i64,
    active_since: Option<i64>,
    edges: Vec<(&'static str, &'static str)>,
}

impl Naive {
    fn accepted(now: i64) -> Self {
        Self {
            now,
            state: "queued",
            version: 1,
            epoch: 0,
            retries: 0,
            resumes: 0,
            is_owned: false,
            is_due: true,
            has_wait: false,
            active: 0,
            active_since: None,
            edges: Vec::new(),
        }
    }

    /// The table: in which states something may happen.
    fn allows(&self, happening: Happening) -> bool {
        let states: &[&str] = match happening {
            Happening::Claim => &["queued", "running", "retrying"],
            Happening::Complete | Happening::Retry | Happening::Wait => &["running"],
            Happening::Fail => &["queued", "running", "waiting", "retrying"],
            Happening::Continue => &["retrying"],
            Happening::Resume | Happening::Wake => &["waiting"],
            Happening::Release | Happening::Abandon => &["running", "retrying"],
            Happening::Anew => &["complete", "failed"],
            Happening::Pass(_) => return true,
        };
        states.contains(&self.state)
    }

    fn goes_to(&mut self, state: &'static str) {
        if self.state != state {
            self.edges.push((self.state, state));
        }
        self.state = state;
        self.version += 1;
    }

    fn rests(&mut self) {
        if let Some(since) = self.active_since.take() {
            self.active += self.now - since;
        }
    }

    fn ends(&mut self, state: &'static str) {
        self.goes_to(state);
        self.rests();
        self.is_owned = false;
        self.is_due = false;
    }

    fn happens(mut self, happening: Happening) -> Self {
        match happening {
            Happening::Pass(millis) => self.now += millis,
            Happening::Anew => return Self::accepted(self.now),
            Happening::Claim => {
                self.goes_to("running");
                self.epoch += 1;
                self.is_owned = true;
                self.is_due = false;
                // Somebody else's time does not count: its owner was gone.
                self.active_since = Some(self.now);
            }
            Happening::Complete => self.ends("complete"),
            Happening::Fail => self.ends("failed"),
            Happening::Retry => {
                self.goes_to("retrying");
                self.retries += 1;
                self.is_due = true;
            }
            Happening::Continue => {
                self.goes_to("running");
                self.is_due = false;
            }
            Happening::Wait => {
                self.goes_to("waiting");
                self.rests();
                self.is_owned = false;
                self.is_due = false;
                self.has_wait = true;
            }
            Happening::Resume | Happening::Wake => {
                self.goes_to("running");
                self.is_due = true;
                self.has_wait = false;
                self.resumes += u32::from(happening == Happening::Resume);
            }
            Happening::Release => {
                self.goes_to(self.state);
                self.rests();
                self.is_owned = false;
                self.is_due = true;
            }
            Happening::Abandon => {
                self.goes_to(self.state);
                self.rests();
                self.is_due = false;
            }
        }
        self
    }
}

impl ReferenceStateMachine for Naive {
    type State = Self;
    type Transition = Happening;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::accepted(1_000)).boxed()
    }

    fn transitions(_state: &Self) -> BoxedStrategy<Happening> {
        (0..WEIGHTS, 0_i64..5_000).prop_map(|(chance, millis)| pick(chance, millis)).boxed()
    }

    fn apply(state: Self, happening: &Happening) -> Self {
        if state.allows(*happening) { state.happens(*happening) } else { state }
    }

    fn preconditions(_state: &Self, _happening: &Happening) -> bool {
        // What is not allowed is tried as well: the real machine has to refuse it.
        true
    }
}

const WEIGHTS: u32 = 36;

/// Draws a happening: those that keep a history going more often than those that end it.
fn pick(chance: u32, millis: i64) -> Happening {
    match chance {
        0..6 => Happening::Claim,
        6 => Happening::Complete,
        7 => Happening::Fail,
        8..12 => Happening::Retry,
        12..16 => Happening::Continue,
        16..20 => Happening::Wait,
        20..23 => Happening::Resume,
        23..26 => Happening::Wake,
        26..28 => Happening::Release,
        28 => Happening::Abandon,
        29..32 => Happening::Pass(millis),
        _ => Happening::Anew,
    }
}

/// The real machine, and the naive one's view of the instant before.
struct Real {
    execution: Execution,
    before: Naive,
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Naive;

    fn init_test(naive: &Naive) -> Self {
        Self { execution: accepted(naive.now), before: naive.clone() }
    }

    fn apply(mut real: Self, naive: &Naive, happening: Happening) -> Self {
        let was_allowed = real.before.allows(happening);
        match change(happening) {
            None if happening == Happening::Anew && was_allowed => {
                real.execution = accepted(naive.now);
            }
            None => {}
            Some(change) => {
                let applied = real.execution.apply(change, Timestamp::from_millis(real.before.now));
                assert_eq!(
                    applied.is_ok(),
                    was_allowed,
                    "{happening:?} when {}",
                    real.before.state
                );
                if let Ok(applied) = applied {
                    check_events(&applied.events, &real.before, naive);
                    real.execution.status = applied.status;
                }
            }
        }
        real.before = naive.clone();
        real
    }

    fn check_invariants(real: &Self, naive: &Naive) {
        let status = &real.execution.status;
        assert_eq!(status.state.as_str(), naive.state);
        assert_eq!((status.version, status.epoch), (naive.version, naive.epoch));
        assert_eq!((status.retry_count, status.resume_count), (naive.retries, naive.resumes));
        assert_eq!(status.due.is_some(), naive.is_due, "due when {}", naive.state);
        assert_eq!(status.transitions.len(), naive.edges.len());
        let last = status.transitions.last().map(|edge| (edge.from.as_str(), edge.to.as_str()));
        assert_eq!(last, naive.edges.last().copied());
        assert_eq!(status.completed.is_some(), ["complete", "failed"].contains(&naive.state));
        let active = i64::try_from(status.active_before.as_millis()).unwrap();
        assert_eq!(active, naive.active, "active time when {}", naive.state);
        if naive.state != "failed" {
            assert_eq!(status.wait.is_some(), naive.has_wait, "wait when {}", naive.state);
        }
        if naive.is_owned {
            assert!(status.owner.is_some(), "owner when {}", naive.state);
        }
    }
}

fn accepted(now: i64) -> Execution {
    let at = Timestamp::from_millis(now);
    Execution::queued(ExecutionSpec::new(
        ExecutionId::mint(at),
        FlowName::new("f").unwrap(),
        IdempotencyKey::new("k").unwrap(),
        json!(null),
        at,
    ))
}

fn change(happening: Happening) -> Option<Change> {
    let due = Timestamp::from_millis(9_999);
    Some(match happening {
        Happening::Claim => Change::Claim { worker: WorkerId::mint(Timestamp::from_millis(1)) },
        Happening::Complete => Change::Complete { result: json!(1), expires: None },
        Happening::Fail => Change::Fail {
            error: ExecutionError {
                message: "no".to_owned(),
                retryable: false,
                retry_count: 0,
                code: None,
            },
            expires: None,
        },
        Happening::Retry => Change::Retry { due },
        Happening::Continue => Change::Continue,
        Happening::Wait => {
            let pause = Suspension::from(WaitSignal::new("?"));
            Change::Wait { pause: Box::new(pause), due: None }
        }
        Happening::Resume => Change::Resume { data: Some(json!("yes")) },
        Happening::Wake => Change::Wake,
        Happening::Release => Change::Release,
        Happening::Abandon => Change::Abandon,
        Happening::Pass(_) | Happening::Anew => return None,
    })
}

/// A change of state is told, and an end is told once more.
fn check_events(events: &[Event], before: &Naive, after: &Naive) {
    let moved = after.edges.len() > before.edges.len();
    let ended = moved && ["complete", "failed"].contains(&after.state);
    assert_eq!(events.len(), usize::from(moved) + usize::from(ended));
}
