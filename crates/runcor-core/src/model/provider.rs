//! The seams: one vendor ([`ModelProvider`]) and what a flow calls ([`ModelService`]).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_core::Stream;

use super::request::ModelRequest;
use super::response::{ModelChunk, ModelResponse};
use crate::error::{Error, ErrorCode};

/// The pieces of one provider's answer; ends after [`ModelChunk::Finished`] or an error.
pub type ProviderStream = Pin<Box<dyn Stream<Item = Result<ModelChunk, ProviderError>> + Send>>;

/// The pieces of an answer; ends after [`ModelChunk::Finished`] or an error.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelChunk, Error>> + Send>>;

/// One vendor's models behind one account or address.
///
/// # Contract
/// - Dropping a returned future or stream MUST cancel the request.
/// - One call MUST be at most one request to the vendor; retries belong to the router.
/// - A stream MUST end with [`ModelChunk::Finished`] or with an error, never silently.
/// - Errors MUST NOT contain credentials.
#[async_trait]
pub trait ModelProvider: fmt::Debug + Send + Sync {
    /// Returns the name under which the provider is registered.
    fn name(&self) -> &str;

    /// Returns what the provider can do.
    fn capabilities(&self) -> ModelCapabilities {
        ModelCapabilities::default()
    }

    /// Answers a request whole.
    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError>;

    /// Answers a request in pieces.
    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError>;

    /// Returns whether it serves a model of that name, where the name alone tells.
    fn serves(&self, _model: &str) -> Option<bool> {
        None
    }

    /// Returns the address that it talks to, where it has one.
    fn address(&self) -> Option<&str> {
        None
    }

    /// Asks the vendor for a sign of life that costs nothing; `None` where there
    /// is no such request.
    async fn ping(&self) -> Option<Result<(), ProviderError>> {
        None
    }
}

/// What a provider can do; the default promises nothing beyond text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelCapabilities {
    /// Streams natively instead of in one piece.
    pub streaming: bool,
    /// Accepts tools.
    pub tools: bool,
    /// Accepts a JSON Schema for the answer.
    pub json_schema: bool,
}

impl ModelCapabilities {
    /// Everything that runcor knows to ask for.
    #[must_use]
    pub const fn all() -> Self {
        Self { streaming: true, tools: true, json_schema: true }
    }
}

/// What a flow calls for an answer: the router, or a layer over it.
#[async_trait]
pub trait ModelService: fmt::Debug + Send + Sync {
    /// Answers a request whole.
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error>;

    /// Answers a request in pieces.
    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, Error>;
}

/// What went wrong at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderErrorKind {
    /// The vendor limits our rate (HTTP 429).
    RateLimited,
    /// The vendor is overloaded or broken (HTTP 5xx, 529).
    Unavailable,
    /// The connection failed or broke.
    Network,
    /// The vendor did not answer in time.
    Timeout,
    /// The vendor refused the credentials (HTTP 401, 403).
    Auth,
    /// The vendor refused the request itself (other HTTP 4xx).
    Rejected,
    /// The vendor's answer could not be understood.
    Malformed,
}

impl ProviderErrorKind {
    /// Returns whether the same request may succeed at the same provider.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Network | Self::Timeout)
    }

    /// Returns whether the failure says something about the provider's health.
    ///
    /// A rejected request is the caller's fault and opens no circuit breaker.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        !matches!(self, Self::Rejected)
    }
}

/// A provider's failure to answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct ProviderError {
    /// The registered name of the provider.
    pub provider: Arc<str>,
    /// What went wrong.
    pub kind: ProviderErrorKind,
    /// What happened, for people; free of credentials.
    pub message: String,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the vendor may have worked on the request before it failed.
    ///
    /// A timeout, and an answer that can't be understood, say so by themselves.
    pub begun: bool,
}

impl ProviderError {
    /// Makes an error without status and delay.
    #[must_use]
    pub fn new(provider: &str, kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self {
            provider: Arc::from(provider),
            kind,
            message: message.into(),
            status: None,
            retry_after: None,
            begun: false,
        }
    }

    /// Says that the vendor may have worked on the request before it failed.
    #[must_use]
    pub fn with_begun(mut self, begun: bool) -> Self {
        self.begun = begun;
        self
    }

    /// Returns whether the vendor may bill the request all the same.
    #[must_use]
    pub fn may_be_billed(&self) -> bool {
        let refused = self.status.is_some_and(|status| status >= 400);
        let unknown =
            matches!(self.kind, ProviderErrorKind::Timeout | ProviderErrorKind::Malformed);
        self.begun || (unknown && !refused)
    }

    /// Adds the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the delay that the vendor asks for.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.retry_after = delay;
        self
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        let code = match error.kind {
            ProviderErrorKind::Auth => ErrorCode::ProviderAuthError,
            _ => ErrorCode::ProviderError,
        };
        let upward = Self::new(code, error.to_string());
        let upward =
            if error.kind.is_transient() { upward.retryable(error.retry_after) } else { upward };
        upward.with_source(error)
    }
}
