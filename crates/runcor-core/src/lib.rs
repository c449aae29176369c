//! Vocabulary and seams of the runcor AI runtime.
//!
//! Every subsystem crate depends on this one and on no other subsystem. Here
//! live the words that crates exchange ([`Execution`], [`Event`], [`Batch`],
//! [`ModelRequest`] and their kin), the pure state machine
//! ([`Execution::apply`]), and the traits at which implementations meet:
//!
//! | trait | is | implemented by |
//! |---|---|---|
//! | [`FlowHandler`] | a user's flow | applications, `runcor-pipeline` |
//! | [`Store`] | the one write path, and the reads | `runcor-store-*` |
//! | [`ModelProvider`] | one vendor | `runcor-providers` |
//! | [`ModelService`] | what a flow calls for an answer | `runcor-router` |
//! | [`ToolProvider`] | tools, offered and called | adapters, applications |
//! | [`Runtime`] | the control plane | `runcor-engine` |
//! | [`Clock`] | time | [`SystemClock`], [`ManualClock`] |
//! | [`EventSink`] | takes announcements | `runcor-engine` |
//! | [`Meter`] | counts the money of model calls | `runcor-cost` |
//! | [`Policy`], [`Guard`] | who may do what, and what may go in and out | `runcor-policy` |
//! | [`Hook`] | hears of executions that are complete | `runcor-eval` |
//!
//! There is no I/O here. This crate promises the most stability of all; its
//! `README.md` shows the state machine at work.

mod clock;
mod cost;
mod error;
mod event;
mod execution;
mod flow;
mod guard;
mod health;
mod hook;
mod id;
mod memory;
mod model;
mod money;
mod policy;
mod quality;
mod rate;
mod runtime;
mod schema;
mod store;
mod time;
mod timeline;
mod tool;

pub use clock::{Clock, ManualClock, SystemClock};
pub use cost::{
    AccountId, AttemptOutcome, AttemptPlan, Bill, BudgetAccount, BudgetHold, BudgetKey,
    BudgetLimit, BudgetRefusal, BudgetScope, BudgetStatus, BudgetVerdict, BudgetWindow, Budgets,
    CallScope, Caller, CostShare, CostSummary, Enforcement, Held, LEDGER_COLUMNS, LedgerDimension,
    LedgerEntry, LedgerFilter, LedgerQuery, LedgerReads, LedgerTotal, Meter, NoMeter, OnExceed,
    Paying, Reservation, TopUp, VerdictKind, csv_line,
};
pub use error::{Error, ErrorCode, Result, Retry};
pub use event::{
    BudgetExceeded, BudgetToppedUp, BudgetWarning, CostRequest, EvalComplete, EvalFlagged,
    EvalScore, Event, EventCategory, EventSink, ExecutionComplete, ExecutionStateChange,
    FlowChange, GuardrailWarning, ModelValidationRetry, NopSink, PolicyViolation, ProviderHealth,
    ProviderHealthChange, RateLimited,
};
pub use execution::backoff;
pub use execution::{
    Applied, Change, Execution, ExecutionError, ExecutionSpec, ExecutionState, ExecutionStatus,
    Fence, ForkChanges, ForkOrigin, InvalidTransition, Parent, Transition, UnknownState,
    WaitContext,
};
pub use flow::{
    Answer, Approval, ApprovalAnswer, Calls, ChildCall, Decision, Divergence, Flow, FlowConfig,
    FlowContext, FlowContextParts, FlowCost, FlowError, FlowHandler, FlowInfo, FlowMemories,
    FlowMemory, FlowModels, FlowOutcome, FlowTools, Governance, InvalidRequestHash, Journal,
    JournalEntry, JournalKind, OpenApproval, Outcome, RequestHash, Spend, Step, StepBuilder,
    StepFailure, Suspension, WaitKind, WaitSignal,
};
pub use guard::{Guard, GuardPhase, GuardScope, NoGuard, StreamGuard};
pub use health::{Degraded, EngineHealth};
pub use hook::Hook;
pub use id::{
    AttemptId, ExecutionId, FlowName, IdempotencyKey, InvalidId, MAX_ID_BYTES, SessionId, TenantId,
    UserId, WorkerId,
};
pub use memory::{
    MemoryEntry, MemoryExpectation, MemoryLimits, MemoryOwner, MemoryPage, MemoryQuery,
    MemoryReads, MemorySpace, MemoryWrite, expiry,
};
pub use model::{
    FinishReason, Message, ModelCapabilities, ModelChunk, ModelProvider, ModelRequest,
    ModelResponse, ModelService, ModelStream, ProviderError, ProviderErrorKind, ProviderStream,
    ResponseFormat, Role, Strategy, ToolCall, ToolDefinition, Usage,
};
pub use money::{LongPrice, Money, TokenPrice};
pub use policy::{Admission, AllowAll, Operation, Policy, PolicyRequest, rate_limited};
pub use quality::{
    Comparison, ComparisonRow, ComparisonVerdict, Confidence, Evaluation, EvaluationQuery,
    EvaluatorFailure, EvaluatorResult, ExecutionSet, Flag, FlagQuery, FlagSource, FlagStatus,
    PastEvaluations, PastQuery, Quality, QualityReads,
};
pub use rate::{RateKey, RateQueue, RateRefusal, RateScope, RateTake, RateWindow};
pub use runtime::{EngineStatus, Fork, ProviderInfo, ProviderReport, Runtime, Trigger, Triggered};
pub use schema::{Schema, SchemaError, Violation};
pub use store::{
    Batch, Claim, ClaimRequest, Cursor, EventFeed, EventGap, EventRecord, EventSubscription,
    ExecutionQuery, InvalidCursor, Op, Order, Page, Receipt, SharedStore, Store, StoreCapabilities,
    StoreError,
};
pub use time::{Timestamp, millis};
pub use timeline::{EntryState, MAX_TIMELINE_VALUE_BYTES, Timeline, TimelineEntry, TotalSpend};
pub use tool::{NoTools, ToolInfo, ToolProvider, ToolRequest};
