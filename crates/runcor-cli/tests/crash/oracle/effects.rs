//! Effects: which step called, how often, and with which knowledge.

use uuid::Uuid;

use super::{Cancel, Known, Oracle};
use crate::flows::{Asks, Work};

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
        self.work.step(self.place).map_or("", |step| step.name)
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
        // Who has lost its work does not know it before it writes.
        if known.owners == 1 {
            for what in known.order(call) {
                known.broken("R3", Some(id), what);
            }
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

    /// Tells what is wrong with a call now: it comes after the steps that it
    /// needs, before those that need it, and before the end.
    fn order(&mut self, call: &Call) -> Vec<String> {
        let cycle = self.cycle;
        let (name, steps) = (call.step(), call.work.flow.steps);
        let needs = call.work.step(call.place).map_or(&[][..], |step| step.needs);
        let known = self.execution(call.execution);
        let mut problems = Vec::new();
        for (step, known) in steps.iter().zip(&known.steps) {
            if needs.contains(&step.name) && known.effects.is_empty() && step.asks != Asks::Flow {
                problems.push(format!("step {name:?} began before step {:?} was done", step.name));
            }
            if step.needs.contains(&name) && known.calls > 0 {
                problems.push(format!("step {name:?} ran again after step {:?} began", step.name));
            }
        }
        if let Some((end, at)) = &known.end {
            // What a cancel stops may be just about to call.
            if known.cancel == Cancel::No || *at < cycle {
                problems.push(format!("step {name:?} ran although cycle {at} saw {end:?}"));
            }
        }
        problems
    }

    /// Notes that a result was used: what the journal has once given it always gives.
    pub(super) fn uses(&mut self, id: Uuid, place: Option<usize>, receipt: u64) {
        let known = self.execution(id);
        let asked = place.and_then(|place| Some((known.work?.step(place)?, place)));
        let Some((asked, place)) = asked else { return };
        let Some(step) = known.steps.get_mut(place) else { return };
        let used = *step.used.get_or_insert(receipt);
        // What a child was given is known under its own name.
        let is_given =
            asked.asks == Asks::Flow || step.effects.iter().any(|(_, given)| *given == receipt);
        let what = if used != receipt {
            format!("step {:?} had result {used} and has {receipt} now", asked.name)
        } else if !is_given {
            format!("step {:?} has result {receipt}, which it was never given", asked.name)
        } else {
            return;
        };
        self.broken("R3", Some(id), what);
    }

    /// Takes the effect: in one life of the process, and for each owner, a step takes effect once.
    fn take(&mut self, call: &Call, receipt: Option<u64>) {
        let (cycle, owners) = (self.cycle, self.owners);
        let Some(step) = self.execution(call.execution).steps.get_mut(call.place) else { return };
        step.calls += 1;
        let Some(receipt) = receipt else { return };
        let is_twice = step.effects.iter().filter(|(at, _)| *at == cycle).count() >= owners;
        step.effects.push((cycle, receipt));
        let (effects, used) = (step.effects.clone(), step.used);
        let many = u64::try_from(effects.len()).unwrap_or(u64::MAX);
        self.counts.repeated += u64::from(many > 1);
        self.counts.most = self.counts.most.max(many);
        let once = call.work.step(call.place).is_some_and(|step| step.asks == Asks::OnlyOnce);
        let what = if is_twice {
            "took effect twice although no kill came in between"
        } else if once && many > 1 && owners == 1 {
            "took effect twice and must do so once at most"
        } else if used.is_some() && owners == 1 {
            "ran again although its result was in the journal"
        } else {
            return;
        };
        let (step, promise) = (call.step(), if once { "R4" } else { "R3" });
        let what = format!("step {step:?} {what}; cycle and receipt of its effects: {effects:?}");
        self.broken(promise, Some(call.execution), what);
    }
}
