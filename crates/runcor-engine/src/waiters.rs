//! Callers that wait for an execution to end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use runcor_core::{Execution, ExecutionId};
use tokio::sync::oneshot;

/// Callers that wait for an execution to end.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// For how many executions somebody waits, so that an end nobody waits for takes no lock.
    count: AtomicUsize,
    waiting: Mutex<HashMap<ExecutionId, Vec<oneshot::Sender<Execution>>>>,
}

/// One caller's wait; dropping it ends it.
pub(crate) struct Waiting<'a> {
    waiters: &'a Waiters,
    id: ExecutionId,
    receiver: oneshot::Receiver<Execution>,
}

impl Waiters {
    /// Begins to wait.
    ///
    /// Whoever waits must look at the store after this call, or may miss an
    /// end that came just before it.
    pub(crate) fn wait(&self, id: ExecutionId) -> Waiting<'_> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        waiting.entry(id).or_default().push(sender);
        self.count.store(waiting.len(), Ordering::SeqCst);
        Waiting { waiters: self, id, receiver }
    }

    /// Tells everyone who waits for this execution that it has ended.
    pub(crate) fn ended(&self, execution: &Execution) {
        for waiter in self.take(execution.id()) {
            // A caller that went away does not want to know.
            let _ = waiter.send(execution.clone());
        }
    }

    /// Tells everyone who waits for this execution that it is gone.
    pub(crate) fn gone(&self, id: ExecutionId) {
        drop(self.take(id));
    }

    /// Tells everyone that nothing more will be told.
    pub(crate) fn release_all(&self) {
        self.waiting.lock().clear();
        self.count.store(0, Ordering::SeqCst);
    }

    /// Returns the executions whose end somebody waits for.
    pub(crate) fn awaited(&self) -> Vec<ExecutionId> {
        self.waiting.lock().keys().copied().collect()
    }

    fn take(&self, id: ExecutionId) -> Vec<oneshot::Sender<Execution>> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        let mut waiting = self.waiting.lock();
        let senders = waiting.remove(&id).unwrap_or_default();
        self.count.store(waiting.len(), Ordering::SeqCst);
        senders
    }

    fn forget_closed(&self, id: ExecutionId) {
        let mut waiting = self.waiting.lock();
        if let Some(senders) = waiting.get_mut(&id) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                waiting.remove(&id);
            }
        }
        self.count.store(waiting.len(), Ordering::SeqCst);
    }
}

impl Waiting<'_> {
    /// Returns the ended execution; `None` when it was deleted or the engine has stopped.
    pub(crate) async fn ended(mut self) -> Option<Execution> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        self.waiters.forget_closed(self.id);
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::Timestamp;

    use super::*;

    #[test]
    fn a_wait_that_is_given_up_leaves_nothing_behind() {
        let waiters = Waiters::default();
        let id = ExecutionId::mint(Timestamp::from_millis(1));
        let (first, second) = (waiters.wait(id), waiters.wait(id));
        drop(first);
        assert_eq!(waiters.count.load(Ordering::SeqCst), 1);
        drop(second);
        assert_eq!(waiters.count.load(Ordering::SeqCst), 0);
    }
}
