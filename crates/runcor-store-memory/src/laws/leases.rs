//! Leases once more, read plainly from the contract.

use std::collections::{BTreeMap, HashMap};

use runcor_core::{Execution, ExecutionId, ExecutionState, FlowName, Op, Timestamp, WorkerId};

use crate::state::State;

/// The lease table as the contract speaks of it.
#[derive(Default)]
pub(super) struct Leases(HashMap<WorkerId, Timestamp>);

impl Leases {
    pub(super) fn note(&mut self, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Lease { worker, until } => {
                    self.0.insert(*worker, *until);
                }
                Op::Retire { worker, now } => {
                    self.0.entry(*worker).and_modify(|until| *until = (*until).min(*now));
                }
                _ => {}
            }
        }
    }

    /// Returns since when an execution may be claimed, as far as that is known at `now`.
    fn ready(&self, execution: &Execution, now: Timestamp) -> Option<Timestamp> {
        use ExecutionState::{Queued, Retrying, Running};
        let status = &execution.status;
        if !matches!(status.state, Queued | Running | Retrying) {
            return None;
        }
        let ready = match status.owner {
            None => status.due?,
            Some(_) if status.active_since.is_none() => return None,
            Some(owner) => {
                let until = *self.0.get(&owner)?;
                status.due.map_or(until, |due| due.max(until))
            }
        };
        (ready <= now).then_some(ready)
    }

    pub(super) fn claimable(
        &self,
        state: &State,
        flows: &[FlowName],
        now: Timestamp,
    ) -> Vec<ExecutionId> {
        let mut ready: BTreeMap<_, _> = BTreeMap::new();
        for (number, record) in &state.executions.records {
            let execution = &record.execution;
            if let Some(since) = self.ready(execution, now)
                && flows.contains(&execution.spec.flow)
            {
                ready.insert((since, *number), execution.id());
            }
        }
        ready.into_values().collect()
    }
}
