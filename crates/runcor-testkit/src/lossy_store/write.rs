//! Writes: what was asked of the store, and who waits for the answer.

use futures_util::FutureExt;
use tokio::sync::oneshot;

use runcor_core::{Batch, Claim, ClaimRequest, Receipt, Store, StoreError};

/// Something that changes the store.
#[derive(Clone)]
pub(super) enum Record {
    Commit(Batch),
    Claim(ClaimRequest),
}

/// Who waits for what comes of a write.
pub(super) enum Reply {
    Commit(oneshot::Sender<Result<Receipt, StoreError>>),
    Claim(oneshot::Sender<Result<Vec<Claim>, StoreError>>),
}

/// What came of a write.
pub(super) enum Outcome {
    Commit(Result<Receipt, StoreError>),
    Claim(Result<Vec<Claim>, StoreError>),
}

impl Record {
    /// Does it; the store must answer at once.
    pub(super) fn apply(self, store: &dyn Store) -> Outcome {
        match self {
            Self::Commit(batch) => Outcome::Commit(at_once(store.commit(batch))),
            Self::Claim(request) => Outcome::Claim(at_once(store.claim(request))),
        }
    }
}

impl Outcome {
    /// Returns whether the write was accepted.
    pub(super) fn is_ok(&self) -> bool {
        match self {
            Self::Commit(outcome) => outcome.is_ok(),
            Self::Claim(outcome) => outcome.is_ok(),
        }
    }

    /// Tells whoever still waits for it.
    pub(super) fn send(self, reply: Reply) {
        // Both are of one kind; and who was dropped does not want to know.
        match (self, reply) {
            (Self::Commit(outcome), Reply::Commit(reply)) => drop(reply.send(outcome)),
            (Self::Claim(outcome), Reply::Claim(reply)) => drop(reply.send(outcome)),
            _ => {}
        }
    }
}

#[expect(clippy::panic, reason = "a test that gives it another store should fail where it does")]
fn at_once<T>(answer: impl Future<Output = T>) -> T {
    match answer.now_or_never() {
        Some(answer) => answer,
        None => panic!("the store inside a lossy store must answer at once, as MemoryStore does"),
    }
}
