//! What makes a provider's configuration unusable.

use runcor_core::ErrorCode;

/// A provider that can't be made from its configuration.
///
/// Failures of calls are [`ProviderError`](runcor_core::ProviderError)s instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provider's name is empty.
    #[error("a provider's name is empty; set `name` or leave it out")]
    EmptyName,
    /// The base URL can't be used.
    #[error("provider \"{provider}\": baseUrl can't be used: {reason}")]
    BaseUrl {
        /// The provider's name.
        provider: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key would travel unencrypted over a network.
    #[error(
        "provider \"{provider}\": its key would go unencrypted to {host}; \
         use https, or set allowInsecure: true on a network you trust"
    )]
    InsecureKey {
        /// The provider's name.
        provider: String,
        /// The host of the base URL.
        host: String,
    },
    /// The key can't stand in an HTTP header.
    #[error(
        "provider \"{provider}\": apiKey has characters that no key has; \
         look for line breaks and quotation marks"
    )]
    Key {
        /// The provider's name.
        provider: String,
    },
    /// The HTTP client can't be made.
    #[error("provider \"{provider}\": no HTTP client ({reason}); are ca-certificates installed?")]
    Client {
        /// The provider's name.
        provider: String,
        /// What the client says.
        reason: String,
    },
}

impl From<Error> for runcor_core::Error {
    fn from(error: Error) -> Self {
        Self::new(ErrorCode::InvalidConfig, error.to_string()).with_source(error)
    }
}
