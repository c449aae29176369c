//! Answers: JSON straight to bytes, and one shape for everything that fails.

use std::error::Error as StdError;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use runcor_core::{Degraded, Error, ErrorCode, Retry, StoreError};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const NOSNIFF: (HeaderName, HeaderValue) =
    (http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// How long a client is asked to wait where nobody knows better.
const RETRY_SECONDS: u64 = 1;

/// Answers with `body` as JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut bytes = Vec::with_capacity(1024);
    if let Err(error) = serde_json::to_writer(&mut bytes, body) {
        let error =
            Error::new(ErrorCode::InternalError, "can't write the answer").with_source(error);
        return Failure::from(error).into_response();
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    response
}

/// A request that is answered with an error.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Option<Box<Value>>,
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Shown<'a>,
}

#[derive(Serialize)]
struct Shown<'a> {
    code: &'a str,
    message: &'a str,
    details: Option<&'a Value>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, retry_after: None }
    }

    fn known(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(status, code.as_str(), message)
    }

    fn with_details(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A field of the request is missing or wrong.
    pub(crate) fn field(field: &str, reason: &str) -> Self {
        let message = format!("{field} is not valid: {reason}");
        Self::known(StatusCode::BAD_REQUEST, ErrorCode::ValidationError, message)
            .with_details(json!({ "field": field, "reason": reason }))
    }

    /// The trigger carries no usable key.
    pub(crate) fn no_key() -> Self {
        Self::known(
            StatusCode::BAD_REQUEST,
            ErrorCode::ValidationError,
            "idempotencyKey is required and must be a non-empty string",
        )
        .with_details(key_is_required())
    }

    /// The body is JSON of the wrong kind.
    pub(crate) fn not_an_object() -> Self {
        Self::known(
            StatusCode::BAD_REQUEST,
            ErrorCode::ValidationError,
            "the request body must be a JSON object",
        )
    }

    /// The body is not JSON.
    pub(crate) fn invalid_json(message: impl Into<String>) -> Self {
        Self::known(StatusCode::BAD_REQUEST, ErrorCode::InvalidJson, message)
    }

    /// The request has no right to an answer.
    pub(crate) fn unauthorized() -> Self {
        Self::known(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Unauthorized,
            "a valid token is needed; send it as Authorization: Bearer <token>",
        )
    }

    /// The request comes from where no requests are wanted.
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    /// The request names somebody whom its token does not stand for.
    pub(crate) fn not_yours(what: &str) -> Self {
        let message = format!("these credentials do not stand for that {what}");
        Self::known(StatusCode::FORBIDDEN, ErrorCode::AccessDenied, message)
            .with_details(json!({ "field": what }))
    }

    /// The request is for operators, and comes from somebody else.
    pub(crate) fn operators_only() -> Self {
        let message =
            "operators may do this; send a token that is bound to nobody, and name no tenant";
        Self::known(StatusCode::FORBIDDEN, ErrorCode::AccessDenied, message)
    }

    /// The request is about every flow, and comes from somebody who may not see all of them.
    pub(crate) fn name_a_flow() -> Self {
        let message = "you may not see every flow; name one that you may see";
        Self::known(StatusCode::FORBIDDEN, ErrorCode::AccessDenied, message)
    }

    /// The part that answers at this path is switched off.
    pub(crate) fn off(advice: &str) -> Self {
        let message = format!("there is nothing at this path; {advice}");
        Self::known(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
    }

    /// There is nothing at this path.
    pub(crate) fn not_found() -> Self {
        Self::known(StatusCode::NOT_FOUND, ErrorCode::NotFound, "there is nothing at this path")
    }

    /// The id belongs to no execution.
    pub(crate) fn no_execution() -> Self {
        Self::known(StatusCode::NOT_FOUND, ErrorCode::ExecutionNotFound, "no such execution")
    }

    /// The name belongs to no flow.
    pub(crate) fn no_flow() -> Self {
        Self::known(StatusCode::NOT_FOUND, ErrorCode::FlowNotFound, "no such flow")
    }

    /// The path is right and the method is not.
    pub(crate) fn wrong_method() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "METHOD_NOT_ALLOWED", "this path does not take this method")
    }

    /// The body did not arrive in time.
    pub(crate) fn too_slow() -> Self {
        let status = StatusCode::REQUEST_TIMEOUT;
        Self::new(status, "REQUEST_TIMEOUT", "the request body took too long to arrive")
    }

    /// The body is too long.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::known(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::PayloadTooLarge,
            format!("the request body is longer than {limit} bytes"),
        )
        .with_details(json!({ "limit": limit }))
    }

    /// The path is too long.
    pub(crate) fn url_too_long(limit: usize) -> Self {
        let message = format!("the path and query are longer than {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "URI_TOO_LONG", message)
    }

    /// The server is on its way out.
    pub(crate) fn stopping() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::known(status, ErrorCode::EngineShuttingDown, "the server is stopping")
            .with_retry_after(RETRY_SECONDS)
    }

    /// The engine can't take work yet.
    pub(crate) fn not_ready() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::known(status, ErrorCode::EngineNotReady, "the engine is starting")
            .with_retry_after(RETRY_SECONDS)
    }

    /// The store has trouble, and new work is refused until it is over.
    pub(crate) fn degraded(trouble: &Degraded) -> Self {
        let (code, since) = (trouble.code, trouble.since);
        let message = format!("the store has trouble, and no new work is taken since {since}");
        Self::known(StatusCode::SERVICE_UNAVAILABLE, code, message)
            .with_details(json!({ "since": since }))
            .with_retry_after(RETRY_SECONDS)
    }

    /// All places for event streams are taken.
    pub(crate) fn too_many_streams(limit: usize) -> Self {
        let message = format!("{limit} event streams are open already; close one or try later");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS", message)
            .with_details(json!({ "limit": limit }))
            .with_retry_after(RETRY_SECONDS)
    }

    /// The engine refuses, and says why.
    fn told(error: &Error) -> Self {
        let code = error.code();
        let mut failure = Self::known(status_of(code), code, error.message());
        failure.details = match error.details() {
            Some(details) => Some(Box::new(details.clone())),
            None if code == ErrorCode::MissingIdempotencyKey => Some(Box::new(key_is_required())),
            None => None,
        };
        failure
    }

    /// Something broke: the client gets a number, the log gets the cause.
    pub(crate) fn broken(code: ErrorCode, cause: &dyn StdError) -> Self {
        let request_id = Uuid::now_v7().to_string();
        tracing::error!(%request_id, %code, cause = %chain(cause), "a request failed inside");
        Self::known(
            status_of(code),
            code,
            format!("something broke inside; the log tells the cause under request {request_id}"),
        )
        .with_details(json!({ "requestId": request_id }))
    }
}

fn key_is_required() -> Value {
    json!({ "field": "idempotencyKey", "reason": "required" })
}

/// Joins an error and its sources.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Returns the status that stands for a code of the engine.
fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as Code;
    match code {
        Code::ValidationError
        | Code::InvalidInput
        | Code::InvalidJson
        | Code::InvalidRequest
        | Code::CallTooDeep
        | Code::InvalidMemoryKey
        | Code::InvalidMemoryValue
        | Code::MissingIdempotencyKey => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::BudgetExceeded => StatusCode::PAYMENT_REQUIRED,
        Code::InvalidToken | Code::PolicyDenied | Code::AccessDenied => StatusCode::FORBIDDEN,
        Code::FlowNotFound
        | Code::ExecutionNotFound
        | Code::EntryNotFound
        | Code::ProviderNotFound
        | Code::ToolNotFound
        | Code::BudgetNotFound
        | Code::EvaluationNotFound
        | Code::FlagNotFound
        | Code::NotFound => StatusCode::NOT_FOUND,
        Code::InvalidState
        | Code::InvalidTransition
        | Code::JournalDiverged
        | Code::ExecutionLost
        | Code::DuplicateFlow
        | Code::DuplicateProvider
        | Code::DuplicatePolicy
        | Code::DuplicateRateLimit
        | Code::DuplicateGuardrail
        | Code::DuplicateEvaluator
        | Code::MemoryConflict
        | Code::AlreadyFlagged
        | Code::InvalidFlagTransition => StatusCode::CONFLICT,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::GuardrailBlocked | Code::MissingUserId | Code::MemoryFull => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Code::QueueFull | Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::EngineNotReady
        | Code::EngineShuttingDown
        | Code::StorageFull
        | Code::StorageUnavailable
        | Code::StorageSlow
        | Code::StorageCorrupt
        | Code::StorageLocked => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns whether an error's own words are for the log alone: they name files and pages.
fn is_inner(code: ErrorCode) -> bool {
    status_of(code) == StatusCode::INTERNAL_SERVER_ERROR
        || matches!(code, ErrorCode::StorageCorrupt | ErrorCode::StorageLocked)
}

/// Rounds a delay up to whole seconds, at least one.
fn seconds(delay: Duration) -> u64 {
    let rounded = if delay.subsec_nanos() > 0 { delay.as_secs() + 1 } else { delay.as_secs() };
    rounded.max(1)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (code, status) = (error.code(), status_of(error.code()));
        let mut failure =
            if is_inner(code) { Self::broken(code, &error) } else { Self::told(&error) };
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            failure.retry_after = Some(match error.retry() {
                Retry::After(Some(delay)) => seconds(delay),
                Retry::After(None) | Retry::Never => RETRY_SECONDS,
            });
        }
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(Error::from(error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error =
            Shown { code: self.code, message: &self.message, details: self.details.as_deref() };
        let mut response = json(self.status, &Envelope { error });
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status of every code that can come out of a request, by its wire text.
    const DOCUMENTED: &[(u16, &str)] = &[
        (400, "VALIDATION_ERROR INVALID_INPUT INVALID_JSON INVALID_REQUEST CALL_TOO_DEEP"),
        (400, "MISSING_IDEMPOTENCY_KEY INVALID_MEMORY_KEY INVALID_MEMORY_VALUE"),
        (401, "UNAUTHORIZED"),
        (402, "BUDGET_EXCEEDED"),
        (403, "INVALID_TOKEN POLICY_DENIED ACCESS_DENIED"),
        (404, "NOT_FOUND FLOW_NOT_FOUND EXECUTION_NOT_FOUND ENTRY_NOT_FOUND PROVIDER_NOT_FOUND"),
        (404, "TOOL_NOT_FOUND BUDGET_NOT_FOUND EVALUATION_NOT_FOUND FLAG_NOT_FOUND"),
        (409, "INVALID_STATE INVALID_TRANSITION JOURNAL_DIVERGED EXECUTION_LOST"),
        (409, "DUPLICATE_FLOW DUPLICATE_PROVIDER DUPLICATE_POLICY DUPLICATE_RATE_LIMIT"),
        (409, "DUPLICATE_GUARDRAIL DUPLICATE_EVALUATOR MEMORY_CONFLICT ALREADY_FLAGGED"),
        (409, "INVALID_FLAG_TRANSITION"),
        (413, "PAYLOAD_TOO_LARGE"),
        (422, "GUARDRAIL_BLOCKED MISSING_USER_ID MEMORY_FULL"),
        (429, "QUEUE_FULL RATE_LIMITED"),
        (500, "RESERVED_FLOW_NAME INVALID_CONFIG CONFIG_NOT_FOUND CONFIG_INVALID FLOW_INVALID"),
        (500, "CANCELLED TIMEOUT WAIT_TIMEOUT SHUTDOWN MAX_RETRIES_EXHAUSTED PROCESS_TERMINATED"),
        (500, "HANDLER_PANICKED INVALID_RESULT NO_HEALTHY_PROVIDERS ALL_PROVIDERS_FAILED"),
        (500, "PROVIDER_AUTH_ERROR PROVIDER_ERROR VALIDATION_FAILED INVALID_POLICY_CONFIG"),
        (500, "INVALID_EVALUATOR_CONFIG STEP_FAILED TOOL_FAILED APPROVAL_REJECTED GIVEN_UP"),
        (500, "WEBHOOK_FAILED ADDRESS_REFUSED INTERNAL_ERROR"),
        (503, "ENGINE_NOT_READY ENGINE_SHUTTING_DOWN STORAGE_FULL STORAGE_UNAVAILABLE"),
        (503, "STORAGE_SLOW STORAGE_CORRUPT STORAGE_LOCKED"),
    ];

    #[test]
    fn every_code_has_the_documented_status() {
        let of = |code: &ErrorCode| {
            let named =
                |(_, codes): &&(u16, &str)| codes.split(' ').any(|one| one == code.as_str());
            DOCUMENTED.iter().find(named).map(|(status, _)| *status)
        };
        for code in ErrorCode::ALL {
            assert_eq!(Some(status_of(*code).as_u16()), of(code), "{code}: decide its status");
        }
    }

    #[test]
    fn who_comes_too_often_is_told_when_to_come_again() {
        let delay = Some(Duration::from_millis(1_200));
        let error = Error::new(ErrorCode::RateLimited, "too often").retryable(delay);
        assert_eq!(Failure::from(error).retry_after, Some(2));
    }

    #[test]
    fn a_delay_is_told_in_whole_seconds_rounded_up() {
        let told = |millis| {
            let delay = Some(Duration::from_millis(millis));
            Failure::from(Error::new(ErrorCode::QueueFull, "full").retryable(delay)).retry_after
        };
        assert_eq!(told(0), Some(1));
        assert_eq!(told(2_001), Some(3));
        let plain = Error::new(ErrorCode::StorageFull, "full");
        assert_eq!(Failure::from(plain).retry_after, Some(1));
    }

    #[test]
    fn an_inner_error_does_not_tell_its_cause() {
        let cause = std::io::Error::other("password=hunter2");
        let error = Error::new(ErrorCode::InternalError, "can't reach db").with_source(cause);
        let failure = Failure::from(error);
        assert!(!failure.message.contains("hunter2") && !failure.message.contains("reach"));
        assert!(failure.details.is_some_and(|details| details["requestId"].is_string()));
    }

    #[test]
    fn a_failure_stays_small_enough_to_be_returned_by_value() {
        assert!(size_of::<Failure>() <= 96);
    }
}
