//! Effects: which step called, how often, and with which knowledge.

use uuid::Uuid;

use super::{Cancel, Known, Oracle};
use crate::flows::Work;

/// A call of a step, as it arrived.
pub(crate) struct Call {
    pub(crate) execution: Uuid,
    pub(crate) work: Work,
    /// The place of the step among those of its flow that call somebody.
    pub(crate) place: usize,
    pub(crate) is_model: bool,
    /// The receipts of earlier steps that the run knows.
    pub(crate) seen: Vec<(String, u64)>,
}

impl Call {
    /// Returns the name of the step.
    pub(crate) fn step(&self) -> &'static str {
        self.work.flow.steps.get(self.place).copied().unwrap_or_default()
    }
}

/// What is known of one step of one execution.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// How often it called.
    pub(crate) calls: u64,
    /// The cycle and the receipt of each call that took effect.
    pub(crate) effects: Vec<(u64, u64)>,
    /// The receipt that a later step or the result has named: the one in the journal.
    pub(crate) used: Option<u64>,
}

impl Oracle {
    /// Returns how often a step has called before.
    pub(crate) fn calls(&self, call: &Call) -> u64 {
        let known = self.known();
        let execution = known.executions.get(&call.execution);
        execution.and_then(|known| known.steps.get(call.place)).map_or(0, |step| step.calls)
    }

    /// Takes a call; returns its receipt, which no other call has.
    pub(crate) fn called(&self, call: &Call, takes_effect: bool) -> u64 {
        let known = &mut *self.known();
        let receipt = known.count(call, takes_effect);
        let effect = if takes_effect { "takes effect" } else { "fails" };
        let (id, flow, step) = (call.execution, call.work.flow.name, call.step());
        self.note("call", &format_args!("{id} {flow}.{step} receipt {receipt} {effect}"));
        known.does(id, call.work);
        for what in known.order(call) {
            known.broken("R3", Some(id), what);
        }
        for (step, receipt) in &call.seen {
            known.uses(id, call.work.flow.place(step), *receipt);
        }
        known.take(call, takes_effect.then_some(receipt));
        receipt
    }
}

impl Known {
    fn count(&mut self, call: &Call, takes_effect: bool) -> u64 {
        let counts = &mut self.counts;
        if call.is_model {
            counts.model_calls += 1;
        } else {
            counts.webhooks += 1;
        }
        counts.effects += u64::from(takes_effect);
        counts.webhooks + counts.model_calls
    }

    /// Tells what is wrong with a call now: it comes after the steps before
    /// it, before those behind it, and before the end.
    fn order(&mut self, call: &Call) -> Vec<String> {
        let cycle = self.cycle;
        let step = call.step();
        let known = self.execution(call.execution);
        let (before, rest) = known.steps.split_at(call.place.min(known.steps.len()));
        let mut problems = Vec::new();
        if before.iter().any(|step| step.effects.is_empty()) {
            problems.push(format!("step {step:?} began before an earlier one was done"));
        }
        if rest.iter().skip(1).any(|step| step.calls > 0) {
            problems.push(format!("step {step:?} ran again after a later one had begun"));
        }
        if let Some((end, at)) = &known.end {
            // What a cancel stops may be just about to call.
            if known.cancel == Cancel::No || *at < cycle {
                problems.push(format!("step {step:?} ran although cycle {at} saw {end:?}"));
            }
        }
        problems
    }

    /// Notes that a result was used: what the journal has once given it always gives.
    pub(super) fn uses(&mut self, id: Uuid, place: Option<usize>, receipt: u64) {
        let known = self.execution(id);
        let Some(step) = place.and_then(|place| known.steps.get_mut(place)) else { return };
        let used = *step.used.get_or_insert(receipt);
        let given = step.effects.iter().any(|(_, given)| *given == receipt);
        let what = if used != receipt {
            format!("step {place:?} had result {used} and has {receipt} now")
        } else if !given {
            format!("step {place:?} has result {receipt}, which it was never given")
        } else {
            return;
        };
        self.broken("R3", Some(id), what);
    }

    /// Takes the effect: in one life of the process a step takes effect once.
    fn take(&mut self, call: &Call, receipt: Option<u64>) {
        let cycle = self.cycle;
        let Some(step) = self.execution(call.execution).steps.get_mut(call.place) else { return };
        step.calls += 1;
        let Some(receipt) = receipt else { return };
        let is_twice = step.effects.iter().any(|(at, _)| *at == cycle);
        step.effects.push((cycle, receipt));
        let (effects, used) = (step.effects.clone(), step.used);
        let many = u64::try_from(effects.len()).unwrap_or(u64::MAX);
        self.counts.repeated += u64::from(many > 1);
        self.counts.most = self.counts.most.max(many);
        let what = if is_twice {
            "took effect twice although no kill came in between"
        } else if used.is_some() {
            "ran again although its result was in the journal"
        } else {
            return;
        };
        let step = call.step();
        let what = format!("step {step:?} {what}; cycle and receipt of its effects: {effects:?}");
        self.broken("R3", Some(call.execution), what);
    }
}
