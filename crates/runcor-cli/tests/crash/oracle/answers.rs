//! Answers: what somebody has told a waiting execution.

use uuid::Uuid;

use super::Oracle;
use crate::flows::{Asks, Work};

/// A waiting execution that somebody is about to answer.
pub(crate) struct Waiting {
    pub(crate) id: Uuid,
    pub(crate) work: Work,
    /// The place of the step that waits.
    pub(crate) place: usize,
    /// The answer that was taken, if one is known to have been.
    pub(crate) taken: Option<u64>,
    /// Whether the step in doubt has taken effect, and with which receipt.
    pub(crate) effect: Option<u64>,
}

impl Oracle {
    /// Returns the executions that wait for somebody, as far as events tell.
    pub(crate) fn waiting(&self) -> Vec<Uuid> {
        let known = self.known();
        let needs = |id: &Uuid| {
            let work = known.executions.get(id).and_then(|known| known.work);
            // A replay without an answer may wait before it has called anybody.
            work.is_none_or(|work| work.flow.needs_somebody())
        };
        known.waiting.iter().copied().filter(needs).collect()
    }

    /// Returns what is known of the step for which an execution would wait.
    pub(crate) fn waits(&self, id: Uuid) -> Option<Waiting> {
        let known = self.known();
        let execution = known.executions.get(&id)?;
        let work = execution.work?;
        let asks = |asks| matches!(asks, Asks::OnlyOnce | Asks::Somebody);
        let place = work.flow.steps.iter().position(|step| asks(step.asks))?;
        let step = execution.steps.get(place)?;
        let effect = step.effects.first().map(|(_, receipt)| *receipt);
        Some(Waiting { id, work, place, taken: step.used, effect })
    }

    /// Notes that an answer is sent; returns its receipt, which no other has.
    pub(crate) fn answers(&self, waiting: &Waiting) -> u64 {
        let known = &mut *self.known();
        let cycle = known.cycle;
        known.counts.resumes += 1;
        // Calls count from 1, so the numbers never meet.
        let receipt = (1 << 40) + known.counts.resumes;
        if let Some(step) = known.execution(waiting.id).steps.get_mut(waiting.place) {
            step.effects.push((cycle, receipt));
        }
        receipt
    }

    /// Takes the 200 of an answer: it is the one that counts.
    pub(crate) fn taken(&self, waiting: &Waiting, receipt: u64) {
        self.note("taken", &format_args!("{} {receipt}", waiting.id));
        self.known().uses(waiting.id, Some(waiting.place), receipt);
    }
}
