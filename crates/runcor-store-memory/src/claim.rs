//! Claims: the oldest runnable executions go to a worker, in one step with their events.

use runcor_core::{Change, Claim, ClaimRequest, EventFeed, ExecutionState};

use crate::state::State;

impl State {
    /// Gives runnable executions to a worker, oldest due first.
    pub(crate) fn claim(&mut self, request: &ClaimRequest, feed: &EventFeed) -> Vec<Claim> {
        self.end_leases(request.now);
        let numbers = self.queues.claimable(&request.flows, request.now, request.limit);
        numbers.into_iter().filter_map(|number| self.claim_one(number, request, feed)).collect()
    }

    fn claim_one(
        &mut self,
        number: u64,
        request: &ClaimRequest,
        feed: &EventFeed,
    ) -> Option<Claim> {
        let before = &self.executions.get(number)?.execution;
        let interrupted =
            before.state() == ExecutionState::Running && before.status.owner.is_some();
        let mut applied =
            before.apply(Change::Claim { worker: request.worker }, request.now).ok()?;
        self.swap_status(number, &mut applied.status);
        self.log.append(applied.events, feed);
        let execution = self.executions.get(number)?.execution.clone();
        Some(Claim { execution, interrupted })
    }
}
