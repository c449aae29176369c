//! The end of an execution: noted with it, and heard of after it.

use runcor_core::{Execution, Hook, Op};

use crate::evaluators::Evaluators;

impl Hook for Evaluators {
    fn before_end(&self, execution: &Execution) -> Vec<Op> {
        if self.catalog.wants(execution) {
            vec![Op::AwaitEvaluation { id: execution.id() }]
        } else {
            Vec::new()
        }
    }

    fn after_end(&self, execution: &Execution) {
        if self.catalog.wants(execution) {
            self.news.notify_one();
        }
    }
}
