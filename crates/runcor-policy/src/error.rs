//! Why this crate refused or failed.

use runcor_core::ErrorCode;

/// The error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something is described in a way that can't work.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and what to do.
        message: String,
    },
    /// A rule of that name exists already.
    #[error("there is a rule {name:?} already; remove it first, or choose another name")]
    DuplicateRule {
        /// The name.
        name: String,
    },
    /// A rate limit of that name exists already.
    #[error("there is a rate limit {name:?} already; remove it first, or choose another name")]
    DuplicateRateLimit {
        /// The name.
        name: String,
    },
    /// A guardrail of that name exists already.
    #[error("there is a guardrail {name:?} already; remove it first, or choose another name")]
    DuplicateGuardrail {
        /// The name.
        name: String,
    },
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }
}

impl From<Error> for runcor_core::Error {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Invalid { .. } => ErrorCode::InvalidPolicyConfig,
            Error::DuplicateRule { .. } => ErrorCode::DuplicatePolicy,
            Error::DuplicateRateLimit { .. } => ErrorCode::DuplicateRateLimit,
            Error::DuplicateGuardrail { .. } => ErrorCode::DuplicateGuardrail,
        };
        Self::new(code, error.to_string())
    }
}
