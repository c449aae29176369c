//! The way from one provider to the next.

use std::sync::Arc;

use crate::call::Call;
use crate::reach::Reach;
use crate::slot::{Permit, Slot};
use crate::strategy::Plan;

/// The providers that may still be asked, in order.
pub(crate) struct Walk<'a> {
    pub(crate) slots: &'a [Arc<Slot>],
    pub(crate) plan: Plan<'a>,
    pub(crate) reach: Reach,
    /// The most providers that are asked.
    pub(crate) most: usize,
    position: usize,
    asked: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(slots: &'a [Arc<Slot>], plan: Plan<'a>, reach: Reach, most: usize) -> Self {
        Self { slots, plan, reach, most, position: 0, asked: 0 }
    }

    /// Returns the permit for the next provider, and aims `call` at it.
    pub(crate) fn next(&mut self, call: &mut Call) -> Option<Permit> {
        while self.asked < self.most {
            let slot = self.plan.at(self.position).and_then(|index| self.slots.get(index))?;
            self.position += 1;
            if !self.reach.covers(slot, call) {
                continue;
            }
            if let Some(permit) = slot.admit() {
                call.aim(slot, self.asked > 0);
                self.asked += 1;
                return Some(permit);
            }
        }
        None
    }
}
