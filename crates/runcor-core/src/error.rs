//! The error of all runcor interfaces: a stable code, a message, a retry verdict.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What went wrong, as a stable word that programs may match on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the code as it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Finds the code that stands for `text` on the wire.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    // The engine.
    /// The engine has not finished starting.
    EngineNotReady = "ENGINE_NOT_READY",
    /// The engine is stopping or has stopped.
    EngineShuttingDown = "ENGINE_SHUTTING_DOWN",
    /// No flow of that name is registered.
    FlowNotFound = "FLOW_NOT_FOUND",
    /// A flow of that name is registered already.
    DuplicateFlow = "DUPLICATE_FLOW",
    /// That flow name belongs to the engine itself.
    ReservedFlowName = "RESERVED_FLOW_NAME",
    /// No execution has that id, or it is past its retention.
    ExecutionNotFound = "EXECUTION_NOT_FOUND",
    /// The execution is not in a state that allows the operation.
    InvalidState = "INVALID_STATE",
    /// The state machine has no such edge.
    InvalidTransition = "INVALID_TRANSITION",
    /// A trigger came without an idempotency key.
    MissingIdempotencyKey = "MISSING_IDEMPOTENCY_KEY",
    /// The input does not match the flow's schema.
    InvalidInput = "INVALID_INPUT",
    /// The queue is at its bound; try again later.
    QueueFull = "QUEUE_FULL",
    /// A configuration given in code is not usable.
    InvalidConfig = "INVALID_CONFIG",
    /// Two providers have the same name.
    DuplicateProvider = "DUPLICATE_PROVIDER",
    /// There is no configuration file where one was looked for.
    ConfigNotFound = "CONFIG_NOT_FOUND",
    /// The configuration file has mistakes.
    ConfigInvalid = "CONFIG_INVALID",
    /// A flow file has mistakes.
    FlowInvalid = "FLOW_INVALID",

    // Records of failed executions.
    /// The execution was cancelled.
    Cancelled = "CANCELLED",
    /// The execution ran longer than its timeout.
    Timeout = "TIMEOUT",
    /// Nobody resumed the execution in time.
    WaitTimeout = "WAIT_TIMEOUT",
    /// The engine stopped before the execution could finish.
    Shutdown = "SHUTDOWN",
    /// Every allowed attempt failed.
    MaxRetriesExhausted = "MAX_RETRIES_EXHAUSTED",
    /// The process that ran the execution ended.
    ProcessTerminated = "PROCESS_TERMINATED",
    /// The handler panicked.
    HandlerPanicked = "HANDLER_PANICKED",
    /// The handler's result can't be stored.
    InvalidResult = "INVALID_RESULT",

    // Models.
    /// A model request has neither prompt nor messages, or contradicts itself.
    InvalidRequest = "INVALID_REQUEST",
    /// No provider of that name is registered.
    ProviderNotFound = "PROVIDER_NOT_FOUND",
    /// Every provider's circuit breaker is open.
    NoHealthyProviders = "NO_HEALTHY_PROVIDERS",
    /// Every provider that was tried failed.
    AllProvidersFailed = "ALL_PROVIDERS_FAILED",
    /// The provider refused the credentials.
    ProviderAuthError = "PROVIDER_AUTH_ERROR",
    /// The provider failed.
    ProviderError = "PROVIDER_ERROR",
    /// An answer does not match the schema that was asked for.
    ValidationFailed = "VALIDATION_FAILED",

    // Money.
    /// A hard budget does not allow the model call.
    BudgetExceeded = "BUDGET_EXCEEDED",
    /// No budget of that name is configured.
    BudgetNotFound = "BUDGET_NOT_FOUND",

    // Policy.
    /// A rule denied the operation.
    PolicyDenied = "POLICY_DENIED",
    /// The caller may not do this.
    AccessDenied = "ACCESS_DENIED",
    /// It happens too often; try again later.
    RateLimited = "RATE_LIMITED",
    /// A guardrail blocked the content.
    GuardrailBlocked = "GUARDRAIL_BLOCKED",
    /// A rule of that name exists already.
    DuplicatePolicy = "DUPLICATE_POLICY",
    /// A rate limit of that name exists already.
    DuplicateRateLimit = "DUPLICATE_RATE_LIMIT",
    /// A guardrail of that name exists already.
    DuplicateGuardrail = "DUPLICATE_GUARDRAIL",
    /// A rule, limit or guardrail can't work as it is described.
    InvalidPolicyConfig = "INVALID_POLICY_CONFIG",

    // Memory.
    /// The execution runs on nobody's behalf, so there is no user's memory.
    MissingUserId = "MISSING_USER_ID",
    /// The key of a memory is empty, too long or has control characters.
    InvalidMemoryKey = "INVALID_MEMORY_KEY",
    /// The value of a memory is not JSON or too large.
    InvalidMemoryValue = "INVALID_MEMORY_VALUE",
    /// A memory has as many entries as it may have.
    MemoryFull = "MEMORY_FULL",
    /// A memory changes too fast to be updated.
    MemoryConflict = "MEMORY_CONFLICT",

    // Quality.
    /// An evaluator of that name exists already.
    DuplicateEvaluator = "DUPLICATE_EVALUATOR",
    /// An evaluator can't work as it is described.
    InvalidEvaluatorConfig = "INVALID_EVALUATOR_CONFIG",
    /// The execution was not evaluated.
    EvaluationNotFound = "EVALUATION_NOT_FOUND",
    /// The execution is flagged already.
    AlreadyFlagged = "ALREADY_FLAGGED",
    /// The execution is not flagged.
    FlagNotFound = "FLAG_NOT_FOUND",
    /// A flag goes from pending to reviewed to resolved, and no other way.
    InvalidFlagTransition = "INVALID_FLAG_TRANSITION",

    // Steps of flows.
    /// A step of a flow failed.
    StepFailed = "STEP_FAILED",
    /// The flow asks something else than when it ran before.
    JournalDiverged = "JOURNAL_DIVERGED",
    /// The execution is no longer run by this handler; it may do nothing more.
    ExecutionLost = "EXECUTION_LOST",
    /// Flows call flows more levels deep than allowed.
    CallTooDeep = "CALL_TOO_DEEP",
    /// No tool of that name is offered.
    ToolNotFound = "TOOL_NOT_FOUND",
    /// A tool failed.
    ToolFailed = "TOOL_FAILED",
    /// A decision came with another token than the approval's.
    InvalidToken = "INVALID_TOKEN",
    /// Somebody rejected an approval that the flow can't do without.
    ApprovalRejected = "APPROVAL_REJECTED",
    /// Somebody gave up an execution that waited for a decision.
    GivenUp = "GIVEN_UP",
    /// The journal has nothing at that place.
    EntryNotFound = "ENTRY_NOT_FOUND",
    /// A webhook answered with an error.
    WebhookFailed = "WEBHOOK_FAILED",
    /// An address is private and the configuration does not allow it.
    AddressRefused = "ADDRESS_REFUSED",

    // The store.
    /// The disk or the database is full.
    StorageFull = "STORAGE_FULL",
    /// The store can't be reached or does not answer.
    StorageUnavailable = "STORAGE_UNAVAILABLE",
    /// The database file is damaged or not ours.
    StorageCorrupt = "STORAGE_CORRUPT",
    /// Another process owns the database file.
    StorageLocked = "STORAGE_LOCKED",

    /// A commit takes too long; the disk or the machine is in trouble.
    StorageSlow = "STORAGE_SLOW",

    // HTTP.
    /// The request carries no valid token.
    Unauthorized = "UNAUTHORIZED",
    /// A field of the request is missing or wrong.
    ValidationError = "VALIDATION_ERROR",
    /// The request body is larger than allowed.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE",
    /// The request body is not JSON.
    InvalidJson = "INVALID_JSON",
    /// There is nothing at this path.
    NotFound = "NOT_FOUND",
    /// Something broke inside; the log says what.
    InternalError = "INTERNAL_ERROR",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again.
    Never,
    /// The same call may succeed, not before the given time has passed.
    After(Option<Duration>),
}

/// The error of runcor's interfaces.
///
/// Its display is one line without the source; the source is told by
/// [`source`](StdError::source).
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    code: ErrorCode,
    message: String,
    retry: Retry,
    details: Option<Value>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error that trying again does not help.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                code,
                message: message.into(),
                retry: Retry::Never,
                details: None,
                source: None,
            }),
        }
    }

    /// Says that trying again may help, after `delay` where one is known.
    #[must_use]
    pub fn retryable(mut self, delay: Option<Duration>) -> Self {
        self.inner.retry = Retry::After(delay);
        self
    }

    /// Adds details for programs: the `details` of an HTTP error body.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.inner.details = Some(details);
        self
    }

    /// Adds what caused the error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.inner.code
    }

    /// Returns the message for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns the details for programs.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.inner.details.as_ref()
    }

    /// Returns whether trying again can help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// Returns whether trying again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.inner.retry, Retry::After(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_again_by_its_wire_text() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::parse("NOPE"), None);
    }
}
