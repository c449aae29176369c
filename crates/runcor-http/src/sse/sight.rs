//! Which executions a caller may hear of, where a policy hides flows.

use std::collections::HashMap;

use runcor_core::{Event, ExecutionId};

use crate::access::Access;

/// For how many executions it is remembered.
const REMEMBERED: usize = 10_000;

/// Remembers which executions are of flows that a caller sees.
#[derive(Default)]
pub(super) struct Sight {
    known: HashMap<ExecutionId, bool>,
}

impl Sight {
    /// Returns whether the caller may hear of an event: what is about an
    /// execution tells its result. What can't be looked up is not told.
    pub(super) async fn sees(&mut self, access: &Access, event: &Event) -> bool {
        let Some(id) = event.execution_id().filter(|_| access.is_judged()) else { return true };
        if let Some(seen) = self.known.get(&id) {
            return *seen;
        }
        // It is a read like any other: judged on the caller's behalf, and counted once for each execution.
        let found = access.runtime().execution(id).await;
        let seen = found.is_ok_and(|found| access.runtime().sees_flow(&found.spec.flow));
        if self.known.len() == REMEMBERED {
            self.known.clear();
        }
        self.known.insert(id, seen);
        seen
    }
}
