//! Hooks: parts that want to know when an execution has ended well.

use std::fmt;

use crate::execution::Execution;
use crate::store::Op;

/// Hears of executions that are complete; evaluation hangs on it.
pub trait Hook: fmt::Debug + Send + Sync {
    /// Returns what is to be committed together with the end. MUST be quick.
    fn before_end(&self, execution: &Execution) -> Vec<Op> {
        let _ = execution;
        Vec::new()
    }

    /// Hears that the end is durable. MUST NOT block; longer work is its own.
    fn after_end(&self, execution: &Execution) {
        let _ = execution;
    }
}
