//! A failed call before it carries the provider's name.

use std::error::Error as StdError;
use std::time::Duration;

use runcor_core::ProviderErrorKind;

/// What went wrong with a call; `Http::fail` makes the public error of it.
///
/// The message may still hold what a vendor wrote, so it is not shown to
/// anybody before it is scrubbed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    pub(crate) kind: ProviderErrorKind,
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
}

impl Fault {
    pub(crate) fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ProviderErrorKind::Malformed, message)
    }

    /// The connection ended, yet the answer did not.
    pub(crate) fn cut() -> Self {
        Self::new(ProviderErrorKind::Network, "the stream broke off before the answer ended")
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::malformed(format!("the answer is larger than {} MiB", limit >> 20))
    }

    /// Translates the client's error; the URL stays out, since it is the user's own.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            let what = if error.is_connect() { "connecting" } else { "waiting for the answer" };
            return Self::new(ProviderErrorKind::Timeout, format!("timed out {what}"));
        }
        let what = if error.is_connect() {
            "can't connect"
        } else if error.is_builder() {
            return Self::new(ProviderErrorKind::Rejected, "the request can't be written");
        } else {
            "the connection broke"
        };
        Self::new(ProviderErrorKind::Network, format!("{what}: {}", root_cause(&error)))
    }
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
