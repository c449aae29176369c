//! The sections of `runcor.yaml` as plain data, one file a section.

mod any;
mod connection;
mod costs;
mod discernment;
mod engine;
mod evaluation;
mod flows;
mod guardrail;
mod http;
mod mcp;
mod memory;
mod policy;
mod provider;
mod routing;
mod scheduler;
mod state;
mod telemetry;

pub use any::Any;
pub use connection::{Connection, Preset, Transport};
pub use costs::{
    Budget, BudgetWindow, Budgets, Costs, Enforcement, OnExceed, Unpriced, WindowType,
};
pub use discernment::{Autonomy, Discernment, Objective, Thresholds};
pub use engine::{Engine, OnOrphanedExecution};
pub use evaluation::{
    Evaluation, Evaluator, EvaluatorConfig, EvaluatorType, ExpectedFormat, ScoreThresholds,
    SimilarityMethod,
};
pub use flows::{AllowPrivate, Flows, Webhooks};
pub use guardrail::{
    Guardrail, GuardrailFailure, GuardrailMode, GuardrailOverrides, GuardrailPhase, GuardrailType,
    PiiKind, Redaction,
};
pub use http::{AccessToken, Cors, CorsRules, HttpServer, OneOrMany};
pub use mcp::McpServer;
pub use memory::Memory;
pub use policy::{
    AccessPolicy, LimitBehavior, LimitScope, LimitedOperation, Operation, Policy, PolicyRule,
    RateLimit, RuleAction, RuleCondition, TenantPolicy, UnknownTenants,
};
pub use provider::{Provider, ProviderType, TokenCost};
pub use routing::{Hedge, Routing, RoutingStrategy};
pub use scheduler::{Schedule, Scheduler};
pub use state::{Durability, State, StateType};
pub use telemetry::Telemetry;

/// Most milliseconds that a setting may hold: a year.
const MAX_MILLIS: u64 = 31_536_000_000;

/// Most seconds that a setting may hold: a hundred years.
const MAX_SECONDS: u64 = 3_153_600_000;
