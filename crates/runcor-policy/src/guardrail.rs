//! Guardrails: what may go into and come out of flows, models and tools.

mod action;
mod built_in;
mod config;
mod content;
mod engine;
mod look;
mod rail;
mod replacement;
mod set;
mod spec;
mod stream;
mod tenant;

pub use action::{FailureMode, GuardrailAction, GuardrailContext, GuardrailHandler, GuardrailMode};
pub use built_in::{
    JsonSchema, Keywords, Length, ModelJudge, Patterns, Pii, PiiKind, PromptInjection, Secrets,
};
pub use config::{GuardrailConfig, GuardrailOverrides, TenantGuardrailConfig};
pub use rail::{BuiltIn, Guardrail};
pub use set::{Guardrails, GuardrailsBuilder};
pub use spec::{GuardrailKind, GuardrailParts, GuardrailSpec, Redaction};
pub use tenant::TenantGuardrails;
