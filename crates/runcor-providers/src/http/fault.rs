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
    /// Whether the vendor may have worked on the request, and bill it.
    pub(crate) begun: bool,
}

impl Fault {
    pub(crate) fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None, begun: false }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ProviderErrorKind::Malformed, message)
    }

    /// The connection ended, yet the answer did not.
    pub(crate) fn cut() -> Self {
        let message = "the stream broke off before the answer ended";
        Self { begun: true, ..Self::new(ProviderErrorKind::Network, message) }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::malformed(format!("the answer is larger than {} MiB", limit >> 20))
    }

    /// Translates the client's error; the URL stays out, since it is the user's own.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let network = |what: &str| Self::new(ProviderErrorKind::Network, what);
        match () {
            () if error.is_connect() && error.is_timeout() => network("timed out connecting"),
            () if error.is_connect() => network(&format!("can't connect: {}", root_cause(&error))),
            () if error.is_timeout() => {
                Self::new(ProviderErrorKind::Timeout, "timed out waiting for the answer")
            }
            () if error.is_builder() => {
                Self::new(ProviderErrorKind::Rejected, "the request can't be written")
            }
            // The request was on its way: whether anybody worked on it nobody knows.
            () => {
                let what = format!("the connection broke: {}", root_cause(&error));
                Self { begun: true, ..network(&what) }
            }
        }
    }
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
