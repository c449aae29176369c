//! Laws of the whole state, tried on random histories.
//!
//! A refused batch leaves the state as it was, every index agrees with the
//! records, and a claim gives what a plain reading of the contract gives.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::json;

use runcor_core::{
    Batch, Change, ClaimRequest, Event, EventFeed, Execution, ExecutionError, ExecutionId,
    ExecutionSpec, ExecutionState, FlowName, IdempotencyKey, JournalEntry, JournalKind, Op,
    Outcome, Parent, StoreError, TenantId, Timestamp, UserId, WorkerId,
};

use crate::executions::Executions;
use crate::queues::Queues;
use crate::record::{Record, holder};
use crate::state::State;

/// One step of a history; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Part>),
    Claim { worker: usize, limit: usize, flows: usize },
}

#[derive(Debug, Clone)]
enum Part {
    Insert(usize),
    Change(usize, usize),
    Stale(usize),
    Delete(usize),
    Journal(usize, u8),
    Emit,
    Lease(usize, i64),
    Retire(usize),
    Sweep(usize),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => (0_usize..8).prop_map(Part::Insert),
        8 => (0_usize..8, 0_usize..9).prop_map(|(n, change)| Part::Change(n, change)),
        1 => (0_usize..8).prop_map(Part::Stale),
        1 => (0_usize..8).prop_map(Part::Delete),
        2 => (0_usize..8, 0_u8..3).prop_map(|(n, path)| Part::Journal(n, path)),
        1 => Just(Part::Emit),
        2 => (0_usize..3, 0_i64..40).prop_map(|(worker, lease)| Part::Lease(worker, lease)),
        1 => (0_usize..3).prop_map(Part::Retire),
        1 => (0_usize..3).prop_map(Part::Sweep),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(part(), 1..5).prop_map(Step::Commit),
        1 => (0_usize..3, 0_usize..5, 0_usize..3)
            .prop_map(|(worker, limit, flows)| Step::Claim { worker, limit, flows }),
    ]
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn flow(n: usize) -> FlowName {
    FlowName::new(["f", "g"][n % 2]).unwrap()
}

/// Everything that a history may speak of.
struct World {
    specs: Vec<ExecutionSpec>,
    workers: Vec<WorkerId>,
    feed: EventFeed,
}

impl World {
    fn new() -> Self {
        let spec = |n: usize| {
            let id = ExecutionId::from_bytes([u8::try_from(n).unwrap(); 16]);
            // Some share their key with another one.
            let key = IdempotencyKey::new(format!("k{}", n % 6)).unwrap();
            let queued_at = at(i64::try_from(n * 7 % 5).unwrap());
            let mut spec = ExecutionSpec::new(id, flow(n), key, json!(n), queued_at);
            spec.user_id = n.is_multiple_of(2).then(|| UserId::new("u").unwrap());
            spec.tenant_id = n.is_multiple_of(3).then(|| TenantId::new("t").unwrap());
            spec
        };
        let workers = (0..3).map(|n| WorkerId::from_bytes([n; 16])).collect();
        Self { specs: (0..8).map(spec).collect(), workers, feed: EventFeed::new() }
    }

    fn change(&self, kind: usize, now: i64) -> Change {
        let error =
            ExecutionError { message: String::new(), retryable: false, retry_count: 0, code: None };
        match kind {
            0 | 1 => Change::Claim { worker: self.workers[kind] },
            2 => Change::Complete { result: json!(1), expires: Some(at(now + 9)) },
            3 => Change::Fail { error, expires: None },
            4 => Change::Retry { due: at(now + 6) },
            5 => Change::Continue,
            6 => Change::Wait { pause: Box::default(), due: Some(at(now + 5)) },
            7 => Change::Resume { data: None },
            _ if now % 2 == 0 => Change::Release,
            _ => Change::Abandon,
        }
    }

    /// Makes the operations of a part, as somebody would who sees `state`.
    fn ops(&self, state: &State, part: &Part, now: i64) -> Vec<Op> {
        let find = |n: usize| {
            let found = state.executions.by_id(self.specs[n].id);
            found.map(|(_, record)| record.execution.clone())
        };
        match part {
            Part::Insert(n) => {
                vec![Op::Insert(Box::new(Execution::queued(self.specs[*n].clone())))]
            }
            Part::Change(n, kind) => {
                let Some(before) = find(*n) else { return Vec::new() };
                let change = self.change(*kind, now);
                // A worker that takes something holds a lease.
                let lease = match &change {
                    Change::Claim { worker } => {
                        Some(Op::Lease { worker: *worker, until: at(now + 20) })
                    }
                    _ => None,
                };
                let Ok(applied) = before.apply(change, at(now)) else { return Vec::new() };
                let update = Batch::new().update(&before, applied).ops;
                lease.into_iter().chain(update).collect()
            }
            Part::Stale(n) => find(*n)
                .map(|mut execution| {
                    let expect = execution.fence();
                    execution.status.version += 2;
                    let (id, status) = (execution.id(), Box::new(execution.status));
                    Op::Update { id, expect, status }
                })
                .into_iter()
                .collect(),
            Part::Delete(n) => find(*n)
                .map(|execution| Op::Delete { id: execution.id(), expect: execution.fence() })
                .into_iter()
                .collect(),
            Part::Journal(n, path) => {
                let epoch = find(*n).map_or(0, |execution| execution.status.epoch);
                let entry = JournalEntry {
                    path: format!("p{path}"),
                    kind: JournalKind::Step,
                    value: json!(now),
                    at: at(now),
                };
                vec![Op::Journal { id: self.specs[*n].id, epoch, entry: Box::new(entry) }]
            }
            Part::Emit => vec![Op::Emit(Event::Ready)],
            Part::Lease(n, lease) => {
                vec![Op::Lease { worker: self.workers[*n], until: at(now + 1 + lease) }]
            }
            Part::Retire(n) => vec![Op::Retire { worker: self.workers[*n], now: at(now) }],
            Part::Sweep(limit) => vec![Op::Sweep { now: at(now), limit: *limit }],
        }
    }
}

/// The lease table as the contract speaks of it.
#[derive(Default)]
struct Leases(HashMap<WorkerId, Timestamp>);

impl Leases {
    fn note(&mut self, ops: &[Op]) {
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

    fn claimable(&self, state: &State, flows: &[FlowName], now: Timestamp) -> Vec<ExecutionId> {
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

/// Builds every index anew from the records and compares.
fn audit(state: &State) {
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
    for record in state.executions.records.values() {
        let key = crate::executions::Key::of(&record.execution);
        let found = state.executions.by_key(key).map(|record| record.execution.id());
        assert_eq!(found, Some(record.execution.id()));
    }
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
                    // Whatever the batch does, this makes it fail in the end.
                    let stranger = ExecutionId::from_bytes([0xaa; 16]);
                    let expect = runcor_core::Fence { version: 1, epoch: 0 };
                    let last = Op::Delete { id: stranger, expect };
                    let doomed = Batch { ops: ops.clone() }.with(last);
                    assert!(state.commit(doomed, &world.feed).is_err());
                    audit(&state);
                }
                match state.commit(Batch { ops: ops.clone() }, &world.feed) {
                    Ok(_) => leases.note(&ops),
                    Err(StoreError::Conflict { .. } | StoreError::Duplicate { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
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
