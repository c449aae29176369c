//! What the router has to complain about.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use runcor_core::{ErrorCode, Retry, Violation};

use crate::attempt::Attempt;

/// A failure of the router or of the structured-output layer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The router can't be built from what it was given (`INVALID_CONFIG`).
    #[error("{0}")]
    InvalidConfig(String),
    /// Two providers have the same name (`DUPLICATE_PROVIDER`).
    #[error("two providers are named {0:?}; give each its own name")]
    DuplicateProvider(String),
    /// The request asks nothing (`INVALID_REQUEST`).
    #[error("the model request is empty; give it a prompt or messages")]
    EmptyRequest,
    /// The request pins a provider that is not registered (`PROVIDER_NOT_FOUND`).
    #[error("no provider is registered as {name:?}; registered are {known}")]
    ProviderNotFound {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The request pins a vendor of which several are registered (`PROVIDER_NOT_FOUND`).
    #[error("several providers are called {name:?}; name one of {known}")]
    AmbiguousProvider {
        /// The name that was asked for.
        name: String,
        /// The names it could mean.
        known: String,
    },
    /// The request names a model by an alias that says nothing of the pinned
    /// provider (`INVALID_REQUEST`).
    #[error(
        "the model alias {alias:?} names no model of provider {provider:?}; add one, or pin another"
    )]
    AliasElsewhere {
        /// The alias.
        alias: String,
        /// The registered name of the pinned provider.
        provider: String,
    },
    /// The money for a request could not be reserved (`BUDGET_EXCEEDED`, `STORAGE_…`).
    #[error("{0}")]
    NotReserved(Arc<runcor_core::Error>),
    /// Every provider that may answer is kept away by its breaker (`NO_HEALTHY_PROVIDERS`).
    #[error("no healthy provider may answer this request; try again later")]
    NoHealthyProviders {
        /// When the first of them may be asked again, where that is known.
        retry_after: Option<Duration>,
    },
    /// The custom strategy chose nobody (`NO_HEALTHY_PROVIDERS`).
    #[error("the routing strategy chose none of {available} available providers")]
    NobodyChosen {
        /// How many it could choose from.
        available: usize,
    },
    /// Every provider that was tried failed (`ALL_PROVIDERS_FAILED`).
    #[error("{}", told(attempts))]
    AllProvidersFailed {
        /// The failures in order, at least one.
        attempts: Vec<Attempt>,
    },
    /// The pinned provider failed (`PROVIDER_ERROR` or `PROVIDER_AUTH_ERROR`).
    #[error("{}", .0.error)]
    PinnedProviderFailed(Box<Attempt>),
    /// The schema for the answer is not usable (`VALIDATION_FAILED`).
    #[error("the response format can't be used: {0}")]
    InvalidSchema(Violation),
    /// The answer does not match, also after the retry (`VALIDATION_FAILED`).
    #[error("the model's answer does not match the response format: {}", listed(errors))]
    ValidationFailed {
        /// What does not match.
        errors: Vec<Violation>,
        /// The registered name of the provider that answered.
        provider: String,
        /// The model that answered.
        model: String,
    },
}

/// The most violations that a message repeats; the details have them all.
const TOLD_VIOLATIONS: usize = 3;

fn told(attempts: &[Attempt]) -> String {
    let reasons: Vec<_> = attempts.iter().map(|attempt| attempt.error.to_string()).collect();
    match attempts.len() {
        1 => format!("the only provider that was tried failed: {}", reasons.join("; ")),
        count => format!("all {count} providers that were tried failed: {}", reasons.join("; ")),
    }
}

fn listed(errors: &[Violation]) -> String {
    let told: Vec<_> = errors.iter().take(TOLD_VIOLATIONS).map(ToString::to_string).collect();
    match errors.len().saturating_sub(TOLD_VIOLATIONS) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}

impl Error {
    /// Returns the stable code under which the error goes upward.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidConfig(_) => ErrorCode::InvalidConfig,
            Self::DuplicateProvider(_) => ErrorCode::DuplicateProvider,
            Self::EmptyRequest | Self::AliasElsewhere { .. } => ErrorCode::InvalidRequest,
            Self::NotReserved(error) => error.code(),
            Self::ProviderNotFound { .. } | Self::AmbiguousProvider { .. } => {
                ErrorCode::ProviderNotFound
            }
            Self::NoHealthyProviders { .. } | Self::NobodyChosen { .. } => {
                ErrorCode::NoHealthyProviders
            }
            Self::AllProvidersFailed { .. } => ErrorCode::AllProvidersFailed,
            Self::PinnedProviderFailed(attempt) => {
                runcor_core::Error::from(attempt.error.clone()).code()
            }
            Self::InvalidSchema(_) | Self::ValidationFailed { .. } => ErrorCode::ValidationFailed,
        }
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::AllProvidersFailed { attempts } => Some(
                json!({ "attempts": attempts.iter().map(Attempt::to_json).collect::<Vec<_>>() }),
            ),
            Self::PinnedProviderFailed(attempt) => Some(json!({ "attempts": [attempt.to_json()] })),
            Self::InvalidSchema(violation) => Some(json!({ "errors": [violation] })),
            Self::ValidationFailed { errors, provider, model } => {
                Some(json!({ "errors": errors, "provider": provider, "model": model }))
            }
            _ => None,
        }
    }
}

/// Returns when a request may be repeated after these failures: never unless
/// all were transient, and not before the first vendor is ready again.
fn retry_after(attempts: &[Attempt]) -> Option<Option<Duration>> {
    if !attempts.iter().all(|attempt| attempt.error.kind.is_transient()) {
        return None;
    }
    let delays: Option<Vec<_>> = attempts.iter().map(|attempt| attempt.error.retry_after).collect();
    Some(delays.and_then(|delays| delays.into_iter().min()))
}

impl From<Error> for runcor_core::Error {
    fn from(error: Error) -> Self {
        if let Error::NotReserved(error) = error {
            return as_it_was(error);
        }
        let upward = Self::new(error.code(), error.to_string());
        let upward = match error.details() {
            Some(details) => upward.with_details(details),
            None => upward,
        };
        let retry = match &error {
            Error::NoHealthyProviders { retry_after } => Some(*retry_after),
            Error::AllProvidersFailed { attempts } => retry_after(attempts),
            Error::PinnedProviderFailed(attempt) => retry_after(std::slice::from_ref(attempt)),
            _ => None,
        };
        match retry {
            Some(delay) => upward.retryable(delay),
            None => upward,
        }
    }
}

/// Returns an error of somebody else with its code, details and verdict.
fn as_it_was(error: Arc<runcor_core::Error>) -> runcor_core::Error {
    Arc::try_unwrap(error).unwrap_or_else(|shared| {
        let copy = runcor_core::Error::new(shared.code(), shared.message());
        let copy = match shared.details() {
            Some(details) => copy.with_details(details.clone()),
            None => copy,
        };
        match shared.retry() {
            Retry::After(delay) => copy.retryable(delay),
            Retry::Never => copy,
        }
    })
}

#[cfg(test)]
mod tests {
    use runcor_core::{ProviderError, ProviderErrorKind, Timestamp};

    use super::*;

    fn attempt(name: &str, kind: ProviderErrorKind, seconds: Option<u64>) -> Attempt {
        let error = ProviderError::new("vendor", kind, "went\nwrong")
            .with_retry_after(seconds.map(Duration::from_secs));
        Attempt::new(&Arc::from(name), error, Timestamp::from_millis(0))
    }

    #[test]
    fn reasons_and_names_are_in_message_and_details() {
        let attempts = vec![
            attempt("a", ProviderErrorKind::Auth, None),
            attempt("b", ProviderErrorKind::Timeout, None),
        ];
        let error = runcor_core::Error::from(Error::AllProvidersFailed { attempts });
        assert_eq!(error.code(), ErrorCode::AllProvidersFailed);
        assert!(error.message().ends_with("a: went wrong; b: went wrong"), "{error}");
        let details = json!({ "attempts": [
            { "providerName": "a", "error": "went wrong", "timestamp": "1970-01-01T00:00:00.000Z" },
            { "providerName": "b", "error": "went wrong", "timestamp": "1970-01-01T00:00:00.000Z" },
        ]});
        assert_eq!(error.details(), Some(&details));
        assert_eq!(error.retry(), Retry::Never);
    }

    #[test]
    fn the_whole_is_retryable_when_every_failure_was_transient() {
        let both = |left, right| {
            runcor_core::Error::from(Error::AllProvidersFailed {
                attempts: vec![
                    attempt("a", ProviderErrorKind::RateLimited, left),
                    attempt("b", ProviderErrorKind::Unavailable, right),
                ],
            })
            .retry()
        };
        assert_eq!(both(Some(60), Some(20)), Retry::After(Some(Duration::from_secs(20))));
        assert_eq!(both(Some(60), None), Retry::After(None));
    }
}
