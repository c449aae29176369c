#![doc = include_str!("../README.md")]
//!
//! # Where things are
//!
//! | module | has | feature |
//! |---|---|---|
//! | [`flow`] | flows, their context and errors | |
//! | [`execution`] | executions, triggers, lists | |
//! | [`model`] | requests, answers, the provider and service traits | |
//! | [`router`] | routing, fallback, breakers, structured output | |
//! | [`provider`] | the mock, and the vendors | `provider-…` |
//! | [`store`] | the store trait and the stores | `store-sqlite` |
//! | [`engine`] | the engine and its limits | |
//! | [`event`] | what the engine announces | |
//! | `cost` | prices, the ledger, budgets | `cost` |
//! | `memory` | memories outside of flows | `memory` |
//! | `policy` | rules, access, tenants, rate limits, guardrails | `policy` |
//! | `eval` | evaluators, flags, comparisons | `eval` |
//! | `pipeline` | flows written as YAML | `pipeline` |
//! | `config` | `runcor.yaml` | `config` |
//! | `http` | the HTTP API | `http` |
//! | `testkit` | fakes and conformance suites | `testkit` |
//!
//! [`Runcor`] puts an engine, a router and a store together;
//! `Project` does it from a folder with `runcor.yaml` and flows (feature `project`).
#![cfg_attr(
    not(all(feature = "full")),
    allow(rustdoc::broken_intra_doc_links, reason = "links to features that are off")
)]

mod builder;
#[cfg(doctest)]
mod front_page;
mod governing;
mod models;
#[cfg(feature = "project")]
mod project;

pub use builder::{Builder, Runcor};
#[cfg(feature = "eval")]
pub use governing::EvaluationSettings;
#[cfg(feature = "project")]
pub use project::{Project, ProjectCheck, ProjectFlows, Reloaded, connect_provider};
#[doc(inline)]
pub use runcor_core::{Error, ErrorCode, Flow, FlowContext, FlowError, Result, Runtime, Trigger};

/// Flows: handlers, what they see, and how they end.
pub mod flow {
    #[doc(inline)]
    pub use runcor_core::{
        Approval, ApprovalAnswer, Calls, ChildCall, Divergence, Flow, FlowConfig, FlowContext,
        FlowContextParts, FlowError, FlowHandler, FlowInfo, FlowModels, FlowName, FlowOutcome,
        FlowTools, OpenApproval, Step, StepBuilder, Suspension, WaitKind, WaitSignal,
    };
}

/// Tools: what a flow, or a model through it, can have done.
pub mod tool {
    #[doc(inline)]
    pub use runcor_core::{NoTools, ToolInfo, ToolProvider, ToolRequest};
}

/// Journals and timelines: everything that an execution has done.
pub mod journal {
    #[doc(inline)]
    pub use runcor_core::{
        Answer, EntryState, Journal, JournalEntry, JournalKind, MAX_TIMELINE_VALUE_BYTES, Outcome,
        RequestHash, Spend, StepFailure, Timeline, TimelineEntry, TotalSpend,
    };
}

/// Executions: records, states, triggers, decisions, forks and lists.
pub mod execution {
    #[doc(inline)]
    pub use runcor_core::{
        Cursor, Decision, Degraded, EngineHealth, EngineStatus, Execution, ExecutionError,
        ExecutionId, ExecutionQuery, ExecutionSpec, ExecutionState, ExecutionStatus, Fork,
        ForkChanges, ForkOrigin, IdempotencyKey, InvalidCursor, Order, Page, Parent, Runtime,
        SessionId, TenantId, Transition, Trigger, Triggered, UnknownState, UserId, WaitContext,
    };
}

/// Models: requests, answers and the seams to whoever answers.
pub mod model {
    #[doc(inline)]
    pub use runcor_core::{
        FinishReason, Message, ModelCapabilities, ModelChunk, ModelProvider, ModelRequest,
        ModelResponse, ModelService, ModelStream, Money, ProviderError, ProviderErrorKind,
        ProviderStream, ResponseFormat, Role, Strategy, TokenPrice, ToolCall, ToolDefinition,
        Usage,
    };
}

/// Routing: which provider answers, and in what form.
pub mod router {
    #[doc(inline)]
    pub use runcor_core::{ProviderHealth, ProviderInfo, ProviderReport};
    #[doc(inline)]
    pub use runcor_router::{
        Attempt, Candidate, Error, Hedge, Ping, Registration, Retries, Router, RouterBuilder,
        StructuredOutput,
    };
}

/// Providers: the mock, and one client for each vendor.
pub mod provider {
    #[cfg(feature = "provider-anthropic")]
    #[doc(inline)]
    pub use runcor_providers::{Anthropic, AnthropicConfig};
    #[cfg(feature = "provider-google")]
    #[doc(inline)]
    pub use runcor_providers::{Google, GoogleConfig};
    #[doc(inline)]
    pub use runcor_providers::{Mock, MockConfig, MockReply};
    #[cfg(feature = "provider-openai")]
    #[doc(inline)]
    pub use runcor_providers::{OpenAi, OpenAiConfig};
}

/// Stores: where executions are kept.
pub mod store {
    #[doc(inline)]
    pub use runcor_core::{
        Batch, Claim, ClaimRequest, Op, Receipt, SharedStore, Store, StoreCapabilities, StoreError,
    };
    #[doc(inline)]
    pub use runcor_store_memory::MemoryStore;
    #[cfg(feature = "store-sqlite")]
    #[doc(inline)]
    pub use runcor_store_sqlite::{
        BackupProgress, Checked, Durability, Finding, Report, SqliteConfig, SqliteStatistics,
        SqliteStore, backup, verify,
    };
}

/// The engine: its limits and its parts.
pub mod engine {
    #[doc(inline)]
    pub use runcor_core::{Clock, ManualClock, SystemClock, Timestamp};
    #[doc(inline)]
    pub use runcor_engine::{Engine, EngineConfig, EngineParts, EventPipe, OrphanPolicy};
}

/// Events: what the engine announces.
pub mod event {
    #[doc(inline)]
    pub use runcor_core::{
        Event, EventCategory, EventGap, EventRecord, EventSink, EventSubscription,
        ExecutionComplete, ExecutionStateChange, FlowChange, ModelValidationRetry,
        ProviderHealthChange,
    };
}

/// JSON Schema: compiled once, asked often.
pub mod schema {
    #[doc(inline)]
    pub use runcor_core::{Schema, SchemaError, Violation};
}

/// Governance: who counts, allows, looks and remembers, as the engine sees them.
pub mod governance {
    #[doc(inline)]
    pub use runcor_core::{
        Admission, AttemptOutcome, BudgetKey, BudgetLimit, BudgetScope, BudgetStatus, BudgetWindow,
        Budgets, Caller, Confidence, CostSummary, Enforcement, Evaluation, EvaluationQuery,
        ExecutionSet, Flag, FlagQuery, FlagStatus, Governance, Guard, GuardPhase, GuardScope, Hook,
        LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery, LedgerReads, LedgerTotal,
        MemoryEntry, MemoryLimits, MemoryOwner, MemoryQuery, MemorySpace, Meter, OnExceed,
        Operation, PastQuery, Policy, PolicyRequest, Quality, RateQueue, RateScope, RateTake,
        StreamGuard, TopUp,
    };
}

#[cfg(feature = "config")]
#[doc(inline)]
pub use runcor_config as config;
#[cfg(feature = "cost")]
#[doc(inline)]
pub use runcor_cost as cost;
#[cfg(feature = "eval")]
#[doc(inline)]
pub use runcor_eval as eval;
#[cfg(feature = "http")]
#[doc(inline)]
pub use runcor_http as http;
#[cfg(feature = "memory")]
#[doc(inline)]
pub use runcor_memory as memory;
#[cfg(feature = "pipeline")]
#[doc(inline)]
pub use runcor_pipeline as pipeline;
#[cfg(feature = "policy")]
#[doc(inline)]
pub use runcor_policy as policy;
#[cfg(feature = "testkit")]
#[doc(inline)]
pub use runcor_testkit as testkit;
