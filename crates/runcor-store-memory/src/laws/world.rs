//! The world of a history: few executions, workers and flows, so that they meet often.

use serde_json::json;

use runcor_core::{
    Batch, Change, Event, EventFeed, Execution, ExecutionError, ExecutionId, ExecutionSpec,
    FlowName, IdempotencyKey, JournalEntry, JournalKind, Op, Outcome, Parent, TenantId, Timestamp,
    UserId, WorkerId,
};

use super::governed;
use super::history::{Part, Write};
use crate::state::State;

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) fn flow(n: usize) -> FlowName {
    FlowName::new(["f", "g"][n % 2]).unwrap()
}

fn entry(path: u8, write: Write, now: i64) -> JournalEntry {
    let intent = JournalEntry::intent(format!("p{path}"), JournalKind::Step, at(now));
    match write {
        Write::Intent => intent,
        Write::NotDone => intent.with_outcome(Outcome::NotDone, at(now)),
        Write::Answer | Write::Replacement => {
            intent.with_outcome(Outcome::Done(json!(now)), at(now))
        }
    }
}

/// Everything that a history may speak of.
pub(super) struct World {
    specs: Vec<ExecutionSpec>,
    pub(super) workers: Vec<WorkerId>,
    pub(super) feed: EventFeed,
}

impl World {
    pub(super) fn new() -> Self {
        let spec = |n: usize| {
            let id = ExecutionId::from_bytes([u8::try_from(n).unwrap(); 16]);
            // Some share their key with another one.
            let key = IdempotencyKey::new(format!("k{}", n % 6)).unwrap();
            let queued_at = at(i64::try_from(n * 7 % 5).unwrap());
            let mut spec = ExecutionSpec::new(id, flow(n), key, json!(n), queued_at);
            spec.user_id = n.is_multiple_of(2).then(|| UserId::new("u").unwrap());
            spec.parent = (n >= 5).then(|| {
                let id = ExecutionId::from_bytes([u8::try_from(n - 5).unwrap(); 16]);
                Parent { id, path: "call#1".to_owned(), request: None, depth: 1 }
            });
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
    pub(super) fn ops(&self, state: &State, part: &Part, now: i64) -> Vec<Op> {
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
            Part::Journal(n, path, write) => {
                let epoch = find(*n).map_or(0, |execution| execution.status.epoch);
                let entry = Box::new(entry(*path, *write, now));
                let replace = matches!(write, Write::Replacement);
                vec![Op::Journal { id: self.specs[*n].id, epoch, entry, replace }]
            }
            Part::Seed(n, paths) => {
                let entries = paths.iter().map(|path| entry(*path, Write::Answer, now)).collect();
                vec![Op::Seed { id: self.specs[*n].id, entries }]
            }
            Part::Expect(n) => find(*n)
                .map(|execution| Op::Expect { id: execution.id(), fence: execution.fence() })
                .into_iter()
                .collect(),
            Part::NotEnded(n) => vec![Op::NotEnded { id: self.specs[*n].id }],
            Part::Emit => vec![Op::Emit(Event::Ready)],
            Part::Lease(n, lease) => {
                vec![Op::Lease { worker: self.workers[*n], until: at(now + 1 + lease) }]
            }
            Part::Retire(n) => vec![Op::Retire { worker: self.workers[*n], now: at(now) }],
            Part::Governed(n, step) => vec![governed::op(state, step, self.specs[*n].id, now)],
            Part::Sweep(limit) => vec![Op::Sweep { now: at(now), limit: *limit, max_bytes: None }],
        }
    }
}
