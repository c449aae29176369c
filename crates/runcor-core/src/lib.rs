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
//!
//! There is no I/O here. This crate promises the most stability of all; its
//! `README.md` shows the state machine at work.

mod clock;
mod error;
mod event;
mod execution;
mod flow;
mod health;
mod id;
mod model;
mod money;
mod runtime;
mod schema;
mod store;
mod time;
mod timeline;
mod tool;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorCode, Result, Retry};
pub use event::{
    Event, EventCategory, EventSink, ExecutionComplete, ExecutionStateChange, FlowChange,
    ModelValidationRetry, NopSink, ProviderHealth, ProviderHealthChange,
};
pub use execution::backoff;
pub use execution::{
    Applied, Change, Execution, ExecutionError, ExecutionSpec, ExecutionState, ExecutionStatus,
    Fence, ForkChanges, ForkOrigin, InvalidTransition, Parent, Transition, UnknownState,
    WaitContext,
};
pub use flow::{
    Answer, Approval, ApprovalAnswer, Calls, ChildCall, Decision, Divergence, Flow, FlowConfig,
    FlowContext, FlowContextParts, FlowError, FlowHandler, FlowInfo, FlowModels, FlowOutcome,
    FlowTools, InvalidRequestHash, Journal, JournalEntry, JournalKind, OpenApproval, Outcome,
    RequestHash, Spend, Step, StepBuilder, StepFailure, Suspension, WaitKind, WaitSignal,
};
pub use health::{Degraded, EngineHealth};
pub use id::{
    ExecutionId, FlowName, IdempotencyKey, InvalidId, MAX_ID_BYTES, SessionId, TenantId, UserId,
    WorkerId,
};
pub use model::{
    FinishReason, Message, ModelCapabilities, ModelChunk, ModelProvider, ModelRequest,
    ModelResponse, ModelService, ModelStream, ProviderError, ProviderErrorKind, ProviderStream,
    ResponseFormat, Role, Strategy, ToolCall, ToolDefinition, Usage,
};
pub use money::{Money, TokenPrice};
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
