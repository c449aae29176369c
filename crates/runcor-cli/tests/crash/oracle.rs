//! The oracle: what was promised so far, and every rule that the promises make.

mod answers;
mod effects;
mod ends;
mod timelines;
mod triggers;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use self::ends::End;
use crate::evidence::Evidence;
use crate::flows::Work;

pub(crate) use self::answers::Waiting;
pub(crate) use self::effects::Call;
pub(crate) use self::ends::receipt;

/// A promise that was not kept.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    /// The number of the promise, as in `docs/guarantees.md`.
    pub(crate) promise: &'static str,
    pub(crate) execution: Option<Uuid>,
    pub(crate) cycle: u64,
    pub(crate) what: String,
}

/// Knows what was accepted, called, announced and answered in the whole campaign.
pub(crate) struct Oracle {
    pub(crate) seed: u64,
    evidence: Evidence,
    known: Mutex<Known>,
}

/// What is known.
#[derive(Default)]
pub(crate) struct Known {
    /// Which life of the process this is; each kill ends one.
    pub(crate) cycle: u64,
    /// How many processes may believe that the work is theirs.
    pub(crate) owners: usize,
    pub(crate) executions: HashMap<Uuid, Execution>,
    /// The triggers by their number.
    pub(crate) triggers: HashMap<u64, triggers::Trigger>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) counts: Counts,
    /// The number of the last event.
    pub(crate) last_event: u64,
    /// Those that wait.
    pub(crate) waiting: BTreeSet<Uuid>,
    /// Calls that are being answered right now: webhooks, and of models.
    pub(crate) held: [usize; 2],
    /// How many are accepted and have not ended.
    pub(crate) unfinished: usize,
}

/// What is counted for the summary.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) webhooks: u64,
    pub(crate) model_calls: u64,
    /// Calls that took effect.
    pub(crate) effects: u64,
    /// Of these, repetitions of an earlier effect of the same step.
    pub(crate) repeated: u64,
    /// The most effects of one step.
    pub(crate) most: u64,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) repeated_keys: u64,
    pub(crate) refused: u64,
    pub(crate) cancels: u64,
    pub(crate) replays: u64,
    pub(crate) resumes: u64,
    pub(crate) lagged: u64,
}

/// What is known of one execution.
pub(crate) struct Execution {
    /// What it does, once a call or an answer has told.
    pub(crate) work: Option<Work>,
    /// Whether a 2xx has named it.
    pub(crate) accepted: bool,
    /// How many replays of it were asked for.
    pub(crate) replays: u64,
    pub(crate) cancel: Cancel,
    /// The state of which the last event told.
    pub(crate) state: State,
    /// How it ended, and in which cycle that was seen.
    pub(crate) end: Option<(End, u64)>,
    /// The steps of its flow that call somebody.
    pub(crate) steps: Vec<effects::Step>,
}

/// How far a cancel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancel {
    No,
    /// It was asked for; whether it took effect is not known.
    Asked,
    /// It was answered with 200.
    Done,
}

/// A state as events tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Queued,
    Running,
    Waiting,
    Retrying,
    Complete,
    Failed,
}

impl State {
    /// Reads a state.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "waiting" => Self::Waiting,
            "retrying" => Self::Retrying,
            "complete" => Self::Complete,
            "failed" => Self::Failed,
            _ => return None,
        })
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }
}

impl Oracle {
    pub(crate) fn new(seed: u64, evidence: Evidence) -> Self {
        Self { seed, evidence, known: Mutex::default() }
    }

    /// Locks what is known.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        // What a panic has left half-done can't hide a violation that was found.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins another life of the process.
    pub(crate) fn begin(&self, cycle: u64) {
        let known = &mut *self.known();
        (known.cycle, known.owners) = (cycle, 1);
        self.evidence.note("cycle", &cycle);
    }

    /// Writes down a violation.
    pub(crate) fn broken(&self, promise: &'static str, execution: Option<Uuid>, what: String) {
        self.known().broken(promise, execution, what);
    }

    /// Writes a line of evidence.
    pub(crate) fn note(&self, kind: &str, what: &dyn std::fmt::Display) {
        self.evidence.note(kind, what);
    }

    /// Sees to it that all evidence is in its file.
    pub(crate) fn flush(&self) {
        self.evidence.flush();
    }

    /// Notes that a call is being answered, or no longer.
    pub(crate) fn holds(&self, is_model: bool, begins: bool) {
        let held = &mut self.known().held[usize::from(is_model)];
        *held = if begins { *held + 1 } else { held.saturating_sub(1) };
    }
}

impl Known {
    pub(crate) fn broken(&mut self, promise: &'static str, execution: Option<Uuid>, what: String) {
        let cycle = self.cycle;
        self.violations.push(Violation { promise, execution, cycle, what });
    }

    /// Returns an execution, which may be news: events and calls can come before
    /// the answer to its trigger.
    pub(crate) fn execution(&mut self, id: Uuid) -> &mut Execution {
        let unfinished = &mut self.unfinished;
        self.executions.entry(id).or_insert_with(|| {
            *unfinished += 1;
            Execution {
                work: None,
                accepted: false,
                replays: 0,
                cancel: Cancel::No,
                state: State::Queued,
                end: None,
                steps: Vec::new(),
            }
        })
    }

    /// Notes what an execution does, which never changes.
    pub(crate) fn does(&mut self, id: Uuid, work: Work) -> &mut Execution {
        let known = self.execution(id);
        let steps = work.flow.steps.len();
        let is = known.work.get_or_insert(work);
        let problem = (is.n != work.n || is.flow.name != work.flow.name).then(|| {
            let (is, was) = (work, *is);
            format!(
                "it did work {} of {} and does {} of {}",
                was.n, was.flow.name, is.n, is.flow.name
            )
        });
        known.steps.resize_with(steps.max(known.steps.len()), effects::Step::default);
        if let Some(what) = problem {
            self.broken("R5", Some(id), what);
        }
        self.execution(id)
    }
}
