//! Why this crate refused or failed.

use runcor_core::ErrorCode;

/// The error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is not usable.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and what to do.
        message: String,
    },
}

impl From<Error> for runcor_core::Error {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Invalid { .. } => ErrorCode::InvalidConfig,
        };
        Self::new(code, error.to_string())
    }
}
