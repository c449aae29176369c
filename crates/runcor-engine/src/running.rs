//! What this process runs, and how to stop it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use runcor_core::{Execution, ExecutionId};
use tokio_util::sync::CancellationToken;

/// One time that an execution was claimed: the execution and its epoch.
///
/// A resume may be claimed and run before the runner of the time before has
/// left, so that the identity alone would not tell them apart.
pub(crate) type Key = (ExecutionId, u64);

/// What this process runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    runs: HashMap<Key, Stop>,
    /// What was stopped before it was known here; only while something is claimed.
    early: HashSet<Key>,
}

/// How to stop a run.
#[derive(Debug, Clone)]
struct Stop {
    token: CancellationToken,
    /// Whether somebody else has taken the execution over.
    lost: Arc<AtomicBool>,
}

/// An execution that this process owns; dropping it forgets it.
///
/// It is made before the store makes the ownership true where that is
/// possible, and else before anybody may look for strays.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) execution: Execution,
    /// Cancelled when the handler has to stop.
    pub(crate) stop: CancellationToken,
    key: Key,
    running: Arc<Running>,
}

impl Running {
    /// Notes that `execution`, as it stands, is this process's and can be stopped by `stop`.
    pub(crate) fn begin(self: &Arc<Self>, execution: Execution, stop: CancellationToken) -> Run {
        let key = (execution.id(), execution.status.epoch);
        let mut inner = self.inner.lock();
        if inner.early.contains(&key) {
            stop.cancel();
        }
        inner.runs.insert(key, Stop { token: stop.clone(), lost: Arc::default() });
        drop(inner);
        Run { execution, stop, key, running: Arc::clone(self) }
    }

    /// Stops what runs an execution; where nothing does, what is about to is
    /// stopped until [`forget`](Self::forget). Returns whether anything runs it.
    pub(crate) fn stop(&self, execution: &Execution) -> bool {
        let key = (execution.id(), execution.status.epoch);
        let mut inner = self.inner.lock();
        if let Some(stop) = inner.runs.get(&key) {
            stop.token.cancel();
            return true;
        }
        inner.early.insert(key);
        false
    }

    /// Forgets a stop that came before anything was known to run.
    pub(crate) fn forget(&self, execution: &Execution) {
        self.inner.lock().early.remove(&(execution.id(), execution.status.epoch));
    }

    /// Stops a run whose execution somebody else has taken over.
    pub(crate) fn lose(&self, key: Key) {
        if let Some(stop) = self.inner.lock().runs.get(&key) {
            stop.lost.store(true, Ordering::SeqCst);
            stop.token.cancel();
        }
    }

    /// Returns what tells whether a run is [lost](Self::lose).
    pub(crate) fn lost(&self, execution: &Execution) -> Arc<AtomicBool> {
        let key = (execution.id(), execution.status.epoch);
        let inner = self.inner.lock();
        inner.runs.get(&key).map(|stop| Arc::clone(&stop.lost)).unwrap_or_default()
    }

    /// Returns everything that runs.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.inner.lock().runs.keys().copied().collect()
    }

    /// Returns whether anything runs an execution.
    pub(crate) fn runs(&self, execution: &Execution) -> bool {
        self.inner.lock().runs.contains_key(&(execution.id(), execution.status.epoch))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.running.inner.lock().runs.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{ExecutionSpec, FlowName, IdempotencyKey, Timestamp};
    use serde_json::Value;

    use super::*;

    fn execution() -> Execution {
        let at = Timestamp::from_millis(1);
        let (flow, key) = (FlowName::new("f").unwrap(), IdempotencyKey::new("k").unwrap());
        Execution::queued(ExecutionSpec::new(ExecutionId::mint(at), flow, key, Value::Null, at))
    }

    #[test]
    fn a_stop_reaches_what_begins_a_moment_later() {
        let running = Arc::new(Running::default());
        let execution = execution();
        assert!(!running.stop(&execution));
        assert!(running.begin(execution.clone(), CancellationToken::new()).stop.is_cancelled());
        running.forget(&execution);
        assert!(!running.begin(execution, CancellationToken::new()).stop.is_cancelled());
    }

    #[test]
    fn the_end_of_an_earlier_run_leaves_the_later_one_stoppable() {
        let running = Arc::new(Running::default());
        let mut execution = execution();
        let first = running.begin(execution.clone(), CancellationToken::new());
        execution.status.epoch += 1;
        let second = running.begin(execution.clone(), CancellationToken::new());
        drop(first);
        assert!(running.stop(&execution));
        assert!(second.stop.is_cancelled());
        drop(second);
        assert!(!running.stop(&execution) && !running.runs(&execution));
    }
}
