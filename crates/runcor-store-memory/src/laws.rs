//! Laws of the whole state, tried on random histories.
//!
//! A refused batch leaves the state as it was, every index agrees with the
//! records, a claim gives what a plain reading of the contract gives, and no
//! account goes beyond its limit or holds what nobody has reserved.

mod governed;
mod history;
mod leases;
mod world;

use std::collections::HashMap;

use proptest::prelude::*;

use runcor_core::{
    Batch, ClaimRequest, EventFeed, ExecutionId, ExecutionState, Fence, Op, StoreError,
};

use self::history::{Step, step};
use self::leases::Leases;
use self::world::{World, at, flow};
use crate::executions::Executions;
use crate::journal::JournalLog;
use crate::queues::Queues;
use crate::record::{Record, holder};
use crate::state::State;

/// Builds every index anew from the records and compares.
fn audit(state: &State) {
    governed::audit(state);
    let mut executions = Executions::default();
    let mut queues = Queues::default();
    for (number, record) in &state.executions.records {
        let spec = &record.execution.spec;
        assert_eq!(record.place, record.destination(&state.workers), "{:?}", record.execution);
        if let Some(place) = record.place {
            queues.insert(&spec.flow, place, *number);
        }
        let held = holder(&record.execution.status)
            .is_none_or(|worker| state.workers.held_by(worker).contains(number));
        assert!(held, "{:?}", record.execution);
        executions.put(*number, Box::new(Record::new(record.execution.clone())));
    }
    assert_eq!(queues, state.queues);
    assert_eq!(executions.states, state.executions.states);
    assert_eq!(executions.flows, state.executions.flows);
    assert_eq!(executions.users, state.executions.users);
    assert_eq!(executions.tenants, state.executions.tenants);
    assert_eq!(executions.parents, state.executions.parents);
    for record in state.executions.records.values() {
        let key = crate::executions::Key::of(&record.execution);
        let found = state.executions.by_key(key).map(|record| record.execution.id());
        assert_eq!(found, Some(record.execution.id()));
        let seeded = JournalLog::seeded(record.entries().to_vec());
        assert_eq!(seeded.map(Box::new).filter(|log| !log.entries().is_empty()), record.journal);
    }
}

/// Tries operations in a batch that fails in the end, whatever it does before.
fn doom(state: &mut State, ops: Vec<Op>, feed: &EventFeed) {
    let stranger = ExecutionId::from_bytes([0xaa; 16]);
    let last = Op::Delete { id: stranger, expect: Fence { version: 1, epoch: 0 } };
    assert!(state.commit(Batch { ops }.with(last), feed).is_err());
    audit(state);
}

/// Applies a history to a state; refused batches are tried only on request.
fn play(steps: &[Step], with_refused: bool) -> State {
    let world = World::new();
    let (mut state, mut leases) = (State::default(), Leases::default());
    for (step, now) in steps.iter().zip((10..).step_by(3)) {
        match step {
            Step::Commit(parts) => {
                let ops: Vec<_> =
                    parts.iter().flat_map(|part| world.ops(&state, part, now)).collect();
                if with_refused {
                    doom(&mut state, ops.clone(), &world.feed);
                }
                match state.commit(Batch { ops: ops.clone() }, &world.feed) {
                    Ok(_) => leases.note(&ops),
                    Err(
                        StoreError::Conflict { .. }
                        | StoreError::Duplicate { .. }
                        | StoreError::OverBudget(_)
                        | StoreError::RateLimited(_)
                        | StoreError::Stale { .. }
                        | StoreError::MemoryFull { .. },
                    ) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            Step::Doomed(_) if !with_refused => {}
            Step::Doomed(parts) => {
                let ops = parts.iter().flat_map(|part| world.ops(&state, part, now));
                let ops = ops.collect();
                doom(&mut state, ops, &world.feed);
            }
            Step::Claim { worker, limit, flows } => {
                let worker = world.workers[*worker];
                let lease = [Op::Lease { worker, until: at(now + 15) }];
                state.commit(Batch { ops: lease.to_vec() }, &world.feed).unwrap();
                leases.note(&lease);
                let flows: Vec<_> = (0..*flows).map(flow).collect();
                let mut expected = leases.claimable(&state, &flows, at(now));
                expected.truncate(*limit);
                let before: HashMap<_, _> = state
                    .executions
                    .records
                    .values()
                    .map(|record| (record.execution.id(), record.execution.clone()))
                    .collect();
                let request = ClaimRequest { worker, now: at(now), limit: *limit, flows };
                let claims = state.claim(&request, &world.feed);
                let claimed: Vec<_> = claims.iter().map(|claim| claim.execution.id()).collect();
                assert_eq!(claimed, expected);
                for claim in claims {
                    let before = &before[&claim.execution.id()];
                    let vanished = before.status.owner.is_some();
                    let ran = before.state() == ExecutionState::Running;
                    assert_eq!(claim.interrupted, ran && vanished);
                }
            }
        }
        audit(&state);
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn refused_batches_leave_no_trace_and_indexes_agree_with_the_records(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        prop_assert_eq!(play(&steps, true), play(&steps, false));
    }
}
