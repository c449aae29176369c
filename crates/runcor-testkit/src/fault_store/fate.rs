//! Fates: what a test decides about a call to a store.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

use runcor_core::{Batch, ClaimRequest, ExecutionState, Op, StoreError};

/// A call to a store, as a test sees it before it decides.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum StoreCall<'a> {
    /// A commit.
    Commit(&'a Batch),
    /// A claim.
    Claim(&'a ClaimRequest),
    /// A read, by the name of the method.
    Read(&'static str),
}

impl StoreCall<'_> {
    /// Returns whether it is a commit that brings an execution into `state`.
    #[must_use]
    pub fn leads_to(&self, state: ExecutionState) -> bool {
        let Self::Commit(batch) = self else { return false };
        batch.ops.iter().any(|op| match op {
            Op::Insert(execution) => execution.state() == state,
            Op::Update { status, .. } => status.state == state,
            _ => false,
        })
    }
}

/// What becomes of a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fate {
    /// It is done and answered.
    Pass,
    /// It is not done.
    Refuse(StoreError),
    /// It is done, but the answer says otherwise; an error of its own stays.
    Lose(StoreError),
    /// It is done once the gate is open.
    Delay(Gate),
    /// It is done at once, and answered once the gate is open.
    Hold(Gate),
}

/// A gate at which calls wait until a test opens it, once and for all.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// Makes a gate that is shut.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everybody pass who waits, and everybody who comes.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits until the gate is open.
    pub async fn pass(&self) {
        // It never has a permit; what ends the wait is that it is closed.
        let _ = self.0.acquire().await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("is_open", &self.0.is_closed()).finish()
    }
}
