//! The error of a flow handler, into which `?` turns every other error.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::wait::Suspension;
use crate::error::{Error, ErrorCode, Retry};

/// Why a handler did not give a result.
///
/// Like `anyhow::Error` it is made by `?` from any error and is itself no
/// [`std::error::Error`]. A core [`Error`] keeps its code; whether the flow is
/// retried is decided by [`retryable`](Self::retryable) and by the retry
/// verdict of a core error.
pub struct FlowError {
    kind: Kind,
}

enum Kind {
    Failed { code: Option<String>, message: String, retry: Retry, error: Option<Error> },
    Suspended(Box<Suspension>),
}

impl FlowError {
    /// Fails the flow for good.
    #[must_use]
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::failed(None, message.into(), Retry::Never)
    }

    /// Fails this attempt; the flow is tried again while retries are left.
    #[must_use]
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::failed(None, message.into(), Retry::After(None))
    }

    /// Fails this attempt; the flow is tried again, not before `delay` has passed.
    #[must_use]
    pub fn retryable_after(message: impl Into<String>, delay: Duration) -> Self {
        Self::failed(None, message.into(), Retry::After(Some(delay)))
    }

    /// Fails the flow for good with a stable code.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::failed(Some(code.as_str().to_owned()), message.into(), Retry::Never)
    }

    /// Pauses the flow; the handler runs again from the top once it is resumed.
    #[must_use]
    pub fn suspended(pause: impl Into<Suspension>) -> Self {
        Self { kind: Kind::Suspended(Box::new(pause.into())) }
    }

    /// Fails the flow for good with a code in words, where there is one.
    pub(crate) fn with_code(code: Option<String>, message: String) -> Self {
        Self::failed(code, message, Retry::Never)
    }

    fn failed(code: Option<String>, message: String, retry: Retry) -> Self {
        Self { kind: Kind::Failed { code, message, retry, error: None } }
    }

    /// Returns the pause when the flow pauses rather than fails.
    ///
    /// # Errors
    /// Gives the error back when it is a failure.
    pub fn into_suspension(self) -> Result<Suspension, Self> {
        match self.kind {
            Kind::Suspended(pause) => Ok(*pause),
            kind @ Kind::Failed { .. } => Err(Self { kind }),
        }
    }

    /// Returns whether the flow pauses rather than fails.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        matches!(self.kind, Kind::Suspended(_))
    }

    /// Returns the stable code, where the failure has one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.kind {
            Kind::Failed { code, .. } => code.as_deref(),
            Kind::Suspended(_) => None,
        }
    }

    /// Returns what happened, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        match &self.kind {
            Kind::Failed { message, .. } => message,
            Kind::Suspended(_) => "the flow waits to be resumed",
        }
    }

    /// Returns whether another attempt may help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match &self.kind {
            Kind::Failed { retry, .. } => *retry,
            Kind::Suspended(_) => Retry::Never,
        }
    }

    /// Returns whether the flow neither pauses nor has anything to gain from another attempt.
    pub(crate) fn is_for_good(&self) -> bool {
        !self.is_suspended() && self.retry() == Retry::Never
    }

    /// Puts a place in front of the message: `place: message`.
    #[must_use]
    pub fn context(mut self, place: impl fmt::Display) -> Self {
        if let Kind::Failed { message, .. } = &mut self.kind {
            *message = format!("{place}: {message}");
        }
        self
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for FlowError {
    fn from(error: E) -> Self {
        let message = chain(&error);
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(error);
        match boxed.downcast::<Error>() {
            Ok(error) => {
                let (code, retry) = (Some(error.code().as_str().to_owned()), error.retry());
                Self { kind: Kind::Failed { code, message, retry, error: Some(*error) } }
            }
            Err(_) => Self::failed(None, message, Retry::Never),
        }
    }
}

/// Gives the core error back that the flow error was made of, or makes one;
/// a code that is none of ours becomes `STEP_FAILED`.
impl From<FlowError> for Error {
    fn from(error: FlowError) -> Self {
        let (code, retry) = (error.code().and_then(ErrorCode::parse), error.retry());
        match error.kind {
            Kind::Failed { error: Some(error), .. } => error,
            Kind::Failed { message, .. } => {
                let made = Self::new(code.unwrap_or(ErrorCode::StepFailed), message);
                match retry {
                    Retry::Never => made,
                    Retry::After(delay) => made.retryable(delay),
                }
            }
            Kind::Suspended(_) => {
                Self::new(ErrorCode::InvalidState, "the flow waits to be resumed")
            }
        }
    }
}

/// Joins an error and its sources, leaving out those that repeat the one before.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl fmt::Debug for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => write!(f, "{code}: {}", self.message()),
            None => f.write_str(self.message()),
        }
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_error_keeps_its_code_and_its_retry_verdict() {
        let error = Error::new(ErrorCode::ProviderError, "overloaded").retryable(None);
        let flow: FlowError = error.into();
        assert_eq!(flow.code(), Some("PROVIDER_ERROR"));
        assert_eq!(flow.retry(), Retry::After(None));
    }

    #[test]
    fn any_other_error_is_permanent_and_tells_its_cause() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::new(ErrorCode::StepFailed, "can't save").with_source(io);
        assert_eq!(FlowError::from(error).message(), "can't save: disk on fire");
        let parse = "x".parse::<u8>().unwrap_err();
        let flow: FlowError = parse.into();
        assert_eq!((flow.code(), flow.retry()), (None, Retry::Never));
    }
}
