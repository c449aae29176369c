//! Why a store refused or failed.

use crate::cost::BudgetRefusal;
use crate::error::{Error, ErrorCode};
use crate::execution::{Execution, Fence};
use crate::id::ExecutionId;
use crate::policy::rate_limited;
use crate::rate::RateRefusal;

/// The error of a store.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The idempotency key stands for an execution already.
    #[error("the idempotency key stands for execution {} already", .existing.id())]
    Duplicate {
        /// That execution.
        existing: Box<Execution>,
    },
    /// A precondition does not hold: somebody else was faster.
    #[error("execution {id} has changed in the meantime")]
    Conflict {
        /// The execution.
        id: ExecutionId,
        /// Its present version and epoch, unless it is gone.
        current: Option<Fence>,
    },
    /// A hard budget does not allow it.
    #[error("budget {} allows {} and has {} left", .0.account.key, .0.limit, left(.0))]
    OverBudget(Box<BudgetRefusal>),
    /// A rate limit does not allow it at present.
    #[error("rate limit {:?} allows {} in {} ms", .0.key.limit, .0.limit, .0.window.as_millis())]
    RateLimited(Box<RateRefusal>),
    /// A memory or a flag has changed in the meantime.
    #[error("{what} has changed in the meantime")]
    Stale {
        /// What has changed.
        what: String,
    },
    /// A memory has as many keys as it may have.
    #[error("the memory has {max} keys, which is all it may have; delete some")]
    MemoryFull {
        /// How many it may have.
        max: u32,
    },
    /// The cursor was not made by this store.
    #[error("the cursor is not one of this store")]
    InvalidCursor,
    /// The disk or the database is full.
    #[error("the store is full: {message}; free some space, the engine goes on by itself")]
    Full {
        /// What the store says.
        message: String,
    },
    /// The store does not answer, for now.
    #[error("the store is not available: {message}")]
    Unavailable {
        /// What the store says.
        message: String,
    },
    /// The stored data is damaged, or not ours.
    #[error("the store is damaged: {message}")]
    Corrupt {
        /// What is wrong.
        message: String,
    },
    /// A value is of a kind that the store can't keep: too large, or nested too deeply.
    #[error("{message}")]
    Unstorable {
        /// What is wrong with it, without the value.
        message: String,
    },
    /// Another process owns the store.
    #[error("{message}")]
    Locked {
        /// Who, and what to do.
        message: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Returns whether the same call may succeed later without anything else changing.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unavailable { .. })
    }
}

fn left(refusal: &BudgetRefusal) -> crate::money::Money {
    refusal.limit - refusal.spent - refusal.reserved
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::RateLimited(refusal) => return rate_limited(refusal),
            StoreError::Duplicate { .. } | StoreError::Conflict { .. } => ErrorCode::InvalidState,
            StoreError::OverBudget(_) => ErrorCode::BudgetExceeded,
            StoreError::Stale { .. } => ErrorCode::MemoryConflict,
            StoreError::MemoryFull { .. } => ErrorCode::MemoryFull,
            StoreError::InvalidCursor => ErrorCode::ValidationError,
            StoreError::Full { .. } => ErrorCode::StorageFull,
            StoreError::Unavailable { .. } => ErrorCode::StorageUnavailable,
            StoreError::Corrupt { .. } => ErrorCode::StorageCorrupt,
            StoreError::Unstorable { .. } => ErrorCode::InvalidResult,
            StoreError::Locked { .. } => ErrorCode::StorageLocked,
            StoreError::Closed => ErrorCode::EngineShuttingDown,
        };
        let upward = Self::new(code, error.to_string());
        if error.is_temporary() { upward.retryable(None) } else { upward }
    }
}
