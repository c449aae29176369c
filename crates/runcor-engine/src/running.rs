//! The handlers that run in this process, and how to stop them.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use runcor_core::ExecutionId;
use tokio_util::sync::CancellationToken;

/// How many stops are remembered for handlers that have not begun.
const REMEMBERED: usize = 1024;

/// What runs here.
#[derive(Debug, Default)]
pub(crate) struct Running {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    handlers: HashMap<ExecutionId, CancellationToken>,
    /// Executions that were stopped between their claim and their handler's beginning.
    early: VecDeque<ExecutionId>,
}

impl Running {
    /// Notes that an execution's handler is about to run and can be stopped by `token`.
    pub(crate) fn begin(&self, id: ExecutionId, token: CancellationToken) {
        let mut inner = self.inner.lock();
        if let Some(place) = inner.early.iter().position(|stopped| *stopped == id) {
            inner.early.remove(place);
            token.cancel();
        }
        inner.handlers.insert(id, token);
    }

    /// Notes that an execution no longer runs here.
    pub(crate) fn end(&self, id: ExecutionId) {
        self.inner.lock().handlers.remove(&id);
    }

    /// Stops an execution's handler, also one that is just about to run here.
    pub(crate) fn stop(&self, id: ExecutionId) {
        let mut inner = self.inner.lock();
        if let Some(token) = inner.handlers.get(&id) {
            token.cancel();
            return;
        }
        if inner.early.len() == REMEMBERED {
            inner.early.pop_front();
        }
        inner.early.push_back(id);
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::Timestamp;

    use super::*;

    #[test]
    fn a_stop_reaches_a_handler_that_begins_a_moment_later() {
        let running = Running::default();
        let id = ExecutionId::mint(Timestamp::from_millis(1));
        running.stop(id);
        let token = CancellationToken::new();
        running.begin(id, token.clone());
        assert!(token.is_cancelled());
    }
}
