//! What is told while a campaign runs, and at its end.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::finale::{ended, plain};
use crate::options::Options;
use crate::oracle::{Known, Oracle, State};

/// The figures of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Report {
    seed: u64,
    pub(crate) cycles: u64,
    pub(crate) kills: Kills,
    /// How often the process was stopped for a while, and how often for longer than its lease.
    pub(crate) halts: u64,
    pub(crate) long_halts: u64,
    /// How often another process took over from one that was stopped.
    pub(crate) takeovers: u64,
    /// How often a second process was refused.
    pub(crate) refusals: u64,
    /// How long each start took until the first 2xx.
    pub(crate) recoveries: Vec<Duration>,
    /// How often `runcor verify` has checked the file.
    pub(crate) verified: u64,
    /// How many timelines were looked at.
    pub(crate) timelines: u64,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    executions: Value,
    flows: Value,
}

/// What kills have interrupted; one can interrupt several things.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    /// Before the first answer.
    pub(crate) starting: u64,
    stopping: u64,
    requests: u64,
    webhooks: u64,
    model_calls: u64,
    /// While nothing of these was under way.
    quiet: u64,
    /// How many executions were unfinished at the kills.
    unfinished: usize,
}

impl Kills {
    /// Counts the kill that comes now.
    pub(crate) fn at(&mut self, is_stopping: bool, asked: usize, oracle: &Oracle) {
        let known = oracle.known();
        let [webhooks, model_calls] = known.held.map(|held| held > 0);
        self.stopping += u64::from(is_stopping);
        self.requests += u64::from(asked > 0);
        self.webhooks += u64::from(webhooks);
        self.model_calls += u64::from(model_calls);
        self.quiet += u64::from(!is_stopping && asked == 0 && !webhooks && !model_calls);
        self.unfinished += known.unfinished;
    }
}

/// Tells how far the campaign is.
pub(crate) fn progress(cycle: u64, cycles: u64, oracle: &Oracle) {
    if !cycle.is_multiple_of(10) && cycle != cycles {
        return;
    }
    let known = oracle.known();
    let (all, unfinished) = (known.executions.len(), known.unfinished);
    let counts = known.counts;
    say(&format!(
        "cycle {cycle} of {cycles}: {all} executions, {unfinished} unfinished, {} effects, {} repeated",
        counts.effects, counts.repeated
    ));
}

/// Writes a line to stderr.
pub(crate) fn say(line: &str) {
    // Who closed it does not want to know.
    let _ = writeln!(io::stderr(), "{line}");
}

impl Report {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Takes the figures of the executions.
    pub(crate) fn count(&mut self, known: &Known, replays: u64) {
        let is = |wanted: State| ended(known, |state, _| state == wanted);
        let cancelled = ended(known, |_, code| code == Some("CANCELLED"));
        let waiting = known.waiting.len();
        let mut flows = Map::new();
        for work in known.executions.values().filter_map(|execution| execution.work) {
            let count = flows.entry(work.flow.name).or_insert_with(|| 0.into());
            *count = (count.as_u64().unwrap_or(0) + 1).into();
        }
        self.flows = flows.into();
        self.executions = json!({
            "accepted": known.executions.values().filter(|one| one.accepted).count(),
            "all": known.executions.len(),
            "ended": known.executions.len() - known.unfinished,
            "complete": is(State::Complete),
            "failed": is(State::Failed) - cancelled,
            "cancelled": cancelled,
            "waiting": waiting,
            "replays": replays,
        });
    }

    /// Prints everything; returns whether every promise was kept.
    pub(crate) fn print(&mut self, options: &Options, oracle: &Oracle, dir: &Path) -> bool {
        let known = oracle.known();
        let figures = self.figures(&known);
        if options.json {
            let violations: Vec<_> = known.violations.iter().map(violation).collect();
            let mut figures = figures;
            figures["violations"] = violations.into();
            figures["evidence"] = dir.display().to_string().into();
            let _ = writeln!(io::stdout(), "{figures}");
        } else {
            table(&figures);
        }
        for violation in known.violations.iter().take(20) {
            let id = violation.execution.map_or_else(|| "-".to_owned(), |id| id.to_string());
            say(&format!(
                "VIOLATION of {} in cycle {}, execution {id}: {}",
                violation.promise, violation.cycle, violation.what
            ));
        }
        if !known.violations.is_empty() {
            say(&format!(
                "{} violations; the evidence is in {}; again with --seed {}",
                known.violations.len(),
                dir.display(),
                self.seed
            ));
        }
        known.violations.is_empty()
    }

    fn figures(&mut self, known: &Known) -> Value {
        let (kills, counts) = (&self.kills, known.counts);
        self.recoveries.sort_unstable();
        let at = |part: usize| {
            let last = self.recoveries.len().saturating_sub(1);
            self.recoveries.get(last * part / 100).map(|time| time.as_millis())
        };
        json!({
            "seed": self.seed,
            "cycles": self.cycles,
            "seconds": self.elapsed.as_secs(),
            "kills": {
                "before the first answer": kills.starting,
                "while it stopped": kills.stopping,
                "during requests": kills.requests,
                "during webhooks": kills.webhooks,
                "during model calls": kills.model_calls,
                "with nothing under way": kills.quiet,
                "unfinished executions on average": kills.unfinished / usize::try_from(self.cycles.max(1)).unwrap_or(1),
            },
            "halts": { "in all": self.halts, "past the lease": self.long_halts, "taken over": self.takeovers },
            "second processes refused": self.refusals,
            "triggers": {
                "answered": counts.answered, "without an answer": counts.unanswered,
                "known keys sent again": counts.repeated_keys, "refused": counts.refused,
            },
            "executions": self.executions,
            "of flow": self.flows,
            "requests": { "cancels": counts.cancels, "replays": counts.replays, "answers": counts.resumes },
            "effects": {
                "webhook calls": counts.webhooks, "model calls": counts.model_calls,
                "took effect": counts.effects, "repeated after a kill": counts.repeated,
                "most of one step": counts.most,
            },
            "timelines looked at": self.timelines,
            "checks by runcor verify": self.verified,
            "events": { "received": counts.events, "last number": known.last_event, "lagged": counts.lagged },
            "milliseconds from start to first 2xx": {
                "median": at(50), "90 of 100": at(90), "99 of 100": at(99), "most": at(100),
            },
            "database MiB": self.bytes >> 20,
        })
    }
}

fn violation(of: &crate::oracle::Violation) -> Value {
    json!({ "promise": of.promise, "execution": of.execution.map(|id| id.to_string()),
        "cycle": of.cycle, "what": of.what })
}

/// Prints the figures as lines of a table.
fn table(figures: &Value) {
    let mut out = io::stdout().lock();
    for (name, value) in figures.as_object().into_iter().flatten() {
        let text = match value.as_object() {
            Some(parts) => {
                let parts = parts.iter().map(|(name, value)| format!("{name} {}", plain(value)));
                parts.collect::<Vec<_>>().join(", ")
            }
            None => plain(value),
        };
        let _ = writeln!(out, "{name:<38} {text}");
    }
}
