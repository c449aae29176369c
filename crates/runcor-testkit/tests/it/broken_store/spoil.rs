//! Batches on the way to the store, spoiled.

use runcor_core::{Batch, Op, Store};

use super::{BrokenStore, Flaw, governance};

impl BrokenStore {
    pub(super) fn spoil(&self, mut batch: Batch) -> Batch {
        batch.ops.retain(|op| match op {
            Op::Lease { .. } => !self.has(Flaw::ForgetsLeases),
            Op::Expect { .. } | Op::NotEnded { .. } => !self.has(Flaw::IgnoresPreconditions),
            _ => true,
        });
        batch.ops.iter_mut().for_each(|op| self.spoil_op(op));
        governance::spoil(self.flaw, &mut batch);
        batch
    }

    fn spoil_op(&self, op: &mut Op) {
        match op {
            Op::Sweep { limit, .. } if self.has(Flaw::SweepsWithoutLimit) => *limit = usize::MAX,
            Op::Update { status, .. } if self.has(Flaw::LosesNull) => {
                status.resume_data = status.resume_data.take().filter(|data| !data.is_null());
            }
            Op::Update { status, .. } if self.has(Flaw::LosesPlacesOfWaits) => {
                if let Some(wait) = &mut status.wait {
                    wait.path = None;
                }
            }
            Op::Insert(execution) if self.has(Flaw::LosesForks) => {
                let mut spec = (*execution.spec).clone();
                spec.fork = None;
                execution.spec = spec.into();
            }
            _ => {}
        }
    }

    pub(super) async fn without_fences(&self, mut batch: Batch) -> Batch {
        for op in &mut batch.ops {
            if let Op::Update { id, expect, status } = op
                && let Ok(Some(current)) = self.inner.execution(*id).await
            {
                *expect = current.fence();
                status.version = current.status.version + 1;
            }
        }
        batch
    }
}
