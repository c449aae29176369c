//! The evaluators that there are at present, in their order.

use std::sync::Arc;

use parking_lot::RwLock;
use runcor_core::{Error, ErrorCode, Execution, FlowName, Result};

use crate::registration::Registration;

/// The most evaluators that there may be.
const MAX_EVALUATORS: usize = 256;

/// The evaluators by priority; those of one priority as they were added.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    all: RwLock<Arc<Vec<Arc<Registration>>>>,
}

impl Catalog {
    pub(crate) fn add(&self, registration: Registration) -> Result<()> {
        registration.check()?;
        let mut all = self.all.write();
        let name = registration.name();
        if all.iter().any(|other| other.name() == name) {
            let message = format!("there is an evaluator {name:?} already");
            return Err(Error::new(ErrorCode::DuplicateEvaluator, message));
        }
        if all.len() >= MAX_EVALUATORS {
            let message =
                format!("there are {MAX_EVALUATORS} evaluators, which is all there may be");
            return Err(Error::new(ErrorCode::InvalidEvaluatorConfig, message));
        }
        let mut changed = all.to_vec();
        let at = changed.partition_point(|other| other.priority <= registration.priority);
        changed.insert(at, Arc::new(registration));
        *all = Arc::new(changed);
        Ok(())
    }

    pub(crate) fn remove(&self, name: &str) -> bool {
        let mut all = self.all.write();
        let kept: Vec<_> = all.iter().filter(|it| it.name() != name).cloned().collect();
        let is_removed = kept.len() < all.len();
        *all = Arc::new(kept);
        is_removed
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.all.read().iter().map(|it| it.name().to_owned()).collect()
    }

    /// Returns whether some evaluator judges an execution by itself.
    pub(crate) fn wants(&self, execution: &Execution) -> bool {
        let (id, flow) = (execution.id(), &execution.spec.flow);
        self.all.read().iter().any(|it| it.applies_to(flow) && it.samples(id))
    }

    /// Returns those that judge an execution by themselves.
    pub(crate) fn sampled(&self, execution: &Execution) -> Vec<Arc<Registration>> {
        let mut applicable = self.applicable(&execution.spec.flow);
        applicable.retain(|it| it.samples(execution.id()));
        applicable
    }

    /// Returns those that judge a flow at all.
    pub(crate) fn applicable(&self, flow: &FlowName) -> Vec<Arc<Registration>> {
        self.all.read().iter().filter(|it| it.applies_to(flow)).cloned().collect()
    }
}
