//! Events: what the engine announces, one struct each.

mod governance;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::execution::{ExecutionError, ExecutionState};
use crate::id::{ExecutionId, FlowName, TenantId};
use crate::schema::Violation;
use crate::time::Timestamp;

/// Something that happened, in the documented JSON shape with its name in `type`.
///
/// The larger ones are boxed: every commit moves events, and most are small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Event {
    /// The engine accepts work.
    #[serde(rename = "ready")]
    Ready,
    /// The engine has stopped.
    #[serde(rename = "shutdown")]
    Shutdown,
    /// An execution changed its state.
    #[serde(rename = "execution:state_change")]
    ExecutionStateChange(ExecutionStateChange),
    /// An execution ended.
    #[serde(rename = "execution:complete")]
    ExecutionComplete(ExecutionComplete),
    /// A provider's circuit breaker changed its state.
    #[serde(rename = "provider:health_change")]
    ProviderHealthChange(ProviderHealthChange),
    /// A model's answer did not match and is asked for again.
    #[serde(rename = "model:validation_retry")]
    ModelValidationRetry(ModelValidationRetry),
    /// A request to a vendor was paid for.
    #[serde(rename = "cost:request")]
    CostRequest(Box<CostRequest>),
    /// The use of a budget has come near its limit.
    #[serde(rename = "cost:budget_warning")]
    BudgetWarning(BudgetWarning),
    /// A request went beyond a budget, or was refused because it would have.
    #[serde(rename = "cost:budget_exceeded")]
    BudgetExceeded(BudgetExceeded),
    /// Somebody added to a budget.
    #[serde(rename = "cost:budget_topped_up")]
    BudgetToppedUp(BudgetToppedUp),
    /// A rule denied an operation.
    #[serde(rename = "policy:violation")]
    PolicyViolation(Box<PolicyViolation>),
    /// A guardrail warns of content.
    #[serde(rename = "policy:warning")]
    GuardrailWarning(Box<GuardrailWarning>),
    /// A rate limit refused an operation.
    #[serde(rename = "policy:rate_limited")]
    RateLimited(Box<RateLimited>),
    /// An evaluator judged an execution.
    #[serde(rename = "eval:score")]
    EvalScore(Box<EvalScore>),
    /// All evaluators are through with an execution.
    #[serde(rename = "eval:complete")]
    EvalComplete(Box<EvalComplete>),
    /// An execution was flagged for people to look at.
    #[serde(rename = "eval:flagged")]
    EvalFlagged(EvalFlagged),
    /// A flow was registered.
    #[serde(rename = "flow:registered")]
    FlowRegistered(FlowChange),
    /// A flow was unregistered.
    #[serde(rename = "flow:unregistered")]
    FlowUnregistered(FlowChange),
}

/// An execution changed its state; from the engine, with the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionStateChange {
    /// The execution.
    pub execution_id: ExecutionId,
    /// The state before.
    pub from: ExecutionState,
    /// The state after.
    pub to: ExecutionState,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The tenant that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Its flow; absent where an earlier release has written the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_name: Option<FlowName>,
}

/// An execution ended; from the engine, with the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionComplete {
    /// The execution.
    pub execution_id: ExecutionId,
    /// `complete` or `failed`.
    pub state: ExecutionState,
    /// The result of a complete one.
    pub result: Option<Arc<Value>>,
    /// The error of a failed one.
    #[serde(serialize_with = "crate::execution::wire_error")]
    pub error: Option<ExecutionError>,
    /// The tenant that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Its flow; absent where an earlier release has written the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_name: Option<FlowName>,
}

/// A provider's circuit breaker changed its state; from the router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderHealthChange {
    /// The registered name of the provider.
    pub provider: String,
    /// The health before.
    pub from: ProviderHealth,
    /// The health after.
    pub to: ProviderHealth,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// What a circuit breaker thinks of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderHealth {
    /// Requests are let through.
    Healthy,
    /// Requests are kept away until the cooldown ends.
    Unhealthy,
    /// One request is let through to find out.
    HalfOpen,
}

/// A model's answer did not match and is asked for again; from the router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelValidationRetry {
    /// The retry that begins, the first is 1.
    pub attempt: u32,
    /// What did not match.
    pub errors: Vec<Violation>,
    /// The answer itself; absent unless content capture is switched on.
    pub raw_text: Option<String>,
    /// The execution, where the call belongs to one.
    pub execution_id: Option<ExecutionId>,
    /// The flow, where the call belongs to one.
    pub flow_name: Option<FlowName>,
    /// The tenant, where the call belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
}

/// A flow was registered or unregistered; from the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowChange {
    /// The flow's name.
    pub name: FlowName,
}

pub use governance::{
    BudgetExceeded, BudgetToppedUp, BudgetWarning, CostRequest, EvalComplete, EvalFlagged,
    EvalScore, GuardrailWarning, PolicyViolation, RateLimited,
};

/// The group of an event, by which subscribers filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventCategory {
    /// The engine itself.
    Engine,
    /// Executions.
    Execution,
    /// Providers.
    Provider,
    /// Model calls.
    Model,
    /// Flows.
    Flow,
    /// Money.
    Cost,
    /// Rules, limits and guardrails.
    Policy,
    /// Quality.
    Eval,
}

impl EventCategory {
    /// Returns the category as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Execution => "execution",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Flow => "flow",
            Self::Cost => "cost",
            Self::Policy => "policy",
            Self::Eval => "eval",
        }
    }
}

impl Event {
    /// Returns the group that the event belongs to.
    #[must_use]
    pub fn category(&self) -> EventCategory {
        match self {
            Self::Ready | Self::Shutdown => EventCategory::Engine,
            Self::ExecutionStateChange(_) | Self::ExecutionComplete(_) => EventCategory::Execution,
            Self::ProviderHealthChange(_) => EventCategory::Provider,
            Self::ModelValidationRetry(_) => EventCategory::Model,
            Self::FlowRegistered(_) | Self::FlowUnregistered(_) => EventCategory::Flow,
            Self::CostRequest(_)
            | Self::BudgetWarning(_)
            | Self::BudgetExceeded(_)
            | Self::BudgetToppedUp(_) => EventCategory::Cost,
            Self::PolicyViolation(_) | Self::GuardrailWarning(_) | Self::RateLimited(_) => {
                EventCategory::Policy
            }
            Self::EvalScore(_) | Self::EvalComplete(_) | Self::EvalFlagged(_) => {
                EventCategory::Eval
            }
        }
    }

    /// Returns the execution that the event tells of.
    #[must_use]
    pub fn execution_id(&self) -> Option<ExecutionId> {
        match self {
            Self::ExecutionStateChange(event) => Some(event.execution_id),
            Self::ExecutionComplete(event) => Some(event.execution_id),
            Self::ModelValidationRetry(event) => event.execution_id,
            Self::CostRequest(event) => event.execution_id,
            Self::EvalScore(event) => Some(event.execution_id),
            Self::EvalComplete(event) => Some(event.execution_id),
            Self::EvalFlagged(event) => Some(event.execution_id),
            Self::BudgetWarning(_)
            | Self::BudgetExceeded(_)
            | Self::BudgetToppedUp(_)
            | Self::PolicyViolation(_)
            | Self::GuardrailWarning(_)
            | Self::RateLimited(_)
            | Self::Ready
            | Self::Shutdown
            | Self::ProviderHealthChange(_)
            | Self::FlowRegistered(_)
            | Self::FlowUnregistered(_) => None,
        }
    }
}

impl Event {
    /// Returns the name of the flow that the event tells of; `None` where it is
    /// about none in particular.
    #[must_use]
    pub fn flow_name(&self) -> Option<&str> {
        let name: Option<&FlowName> = match self {
            Self::ExecutionStateChange(event) => event.flow_name.as_ref(),
            Self::ExecutionComplete(event) => event.flow_name.as_ref(),
            Self::ModelValidationRetry(event) => event.flow_name.as_ref(),
            Self::CostRequest(event) => Some(&event.flow_name),
            Self::GuardrailWarning(event) => Some(&event.flow_name),
            Self::EvalScore(event) => Some(&event.flow_name),
            Self::EvalComplete(event) => Some(&event.flow_name),
            Self::EvalFlagged(event) => Some(&event.flow_name),
            Self::FlowRegistered(event) | Self::FlowUnregistered(event) => Some(&event.name),
            Self::PolicyViolation(event) => return named(&event.flow_name),
            Self::RateLimited(event) => return named(&event.flow_name),
            Self::BudgetWarning(_)
            | Self::BudgetExceeded(_)
            | Self::BudgetToppedUp(_)
            | Self::Ready
            | Self::Shutdown
            | Self::ProviderHealthChange(_) => None,
        };
        name.map(AsRef::as_ref)
    }
}

/// `*` stands for no flow in particular.
fn named(flow: &str) -> Option<&str> {
    (flow != "*").then_some(flow)
}

impl Event {
    /// Returns the tenant whose doings the event tells of; `None` where it is
    /// about no tenant, or about the runtime as a whole.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::ExecutionStateChange(event) => event.tenant_id.as_ref(),
            Self::ExecutionComplete(event) => event.tenant_id.as_ref(),
            Self::ModelValidationRetry(event) => event.tenant_id.as_ref(),
            Self::CostRequest(event) => event.tenant_id.as_ref(),
            Self::BudgetWarning(event) => event.tenant_id.as_ref(),
            Self::BudgetExceeded(event) => event.tenant_id.as_ref(),
            Self::BudgetToppedUp(event) => event.tenant_id.as_ref(),
            Self::PolicyViolation(event) => event.tenant_id.as_ref(),
            Self::GuardrailWarning(event) => event.tenant_id.as_ref(),
            Self::RateLimited(event) => event.tenant_id.as_ref(),
            Self::EvalScore(event) => event.tenant_id.as_ref(),
            Self::EvalComplete(event) => event.tenant_id.as_ref(),
            Self::EvalFlagged(event) => event.tenant_id.as_ref(),
            Self::Ready
            | Self::Shutdown
            | Self::ProviderHealthChange(_)
            | Self::FlowRegistered(_)
            | Self::FlowUnregistered(_) => None,
        }
    }
}

/// Takes events; whoever has something to announce gets one.
pub trait EventSink: std::fmt::Debug + Send + Sync {
    /// Takes one event. MUST NOT block and MUST NOT fail.
    fn emit(&self, event: Event);
}

/// A sink that forgets everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NopSink;

impl EventSink for NopSink {
    fn emit(&self, _event: Event) {}
}
