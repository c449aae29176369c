//! `policy.guardrails`: what may go in and out of flows, models and tools.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Any, MAX_MILLIS};

/// What looks at content, where, and what then happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrail {
    /// The name of the guardrail.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// What it looks for.
    #[serde(rename = "type")]
    pub kind: GuardrailType,
    /// Where it looks.
    #[schemars(length(min = 1))]
    pub phases: Vec<GuardrailPhase>,
    /// What a finding does.
    #[serde(default)]
    pub mode: GuardrailMode,
    /// Its place: lower ones look first; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// What happens when it fails or takes too long.
    #[serde(default)]
    pub failure_mode: GuardrailFailure,
    /// Its time, in milliseconds; 1000 when absent, 10000 for `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub timeout_ms: Option<u64>,
    /// The only flow that it looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub flow_name: Option<String>,
    /// The only flows that it looks at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow_names: Vec<String>,
    /// The only tenants whose content it looks at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Whether no tenant can switch it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mandatory: bool,
    /// Whether it holds a streamed answer back until that is whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub buffer: bool,
    /// The most characters of a streamed answer that it holds back; 256 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16, max = 65_536))]
    pub hold_back: Option<u32>,
    /// What comes in place of a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// What is left of a finding; `label` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// Of `regex`: the expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// Of `regex`: whether capitals make no difference.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// Of `keyword`: the words and phrases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Of `keyword`: whether they are found only as whole words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_words: bool,
    /// Of `pii`: the kinds; all of them when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<PiiKind>,
    /// Of `length`: the fewest characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// Of `length`: the most characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Of `jsonSchema`: the JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Any>,
    /// Of `promptInjection`: the score from which on a text is found; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub threshold: Option<u32>,
    /// Of `model`: what is allowed, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub instructions: Option<String>,
    /// Of `model`: the model that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub model: Option<String>,
}

/// What a guardrail looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GuardrailType {
    /// What regular expressions match.
    Regex,
    /// Words and phrases.
    Keyword,
    /// Personal data: mail addresses, telephone numbers, cards, accounts, social security numbers.
    Pii,
    /// Keys, tokens and passwords.
    Secrets,
    /// Too much or too little text.
    Length,
    /// What does not match a JSON Schema.
    JsonSchema,
    /// Signs of prompt injection.
    PromptInjection,
    /// What a model does not allow.
    Model,
}

/// Where a guardrail looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GuardrailPhase {
    /// The input of a flow, in each of its runs.
    Input,
    /// The result of a flow.
    Output,
    /// What a model is asked.
    ModelRequest,
    /// What a model answers, also in pieces.
    ModelResponse,
    /// What a tool is given.
    ToolArguments,
    /// What a tool gives.
    ToolResult,
}

/// What a finding does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GuardrailMode {
    /// It stops the content.
    #[default]
    Block,
    /// It is announced.
    Warn,
    /// It is replaced.
    Transform,
}

/// What happens when a guardrail fails or takes too long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GuardrailFailure {
    /// The content is stopped.
    #[default]
    Block,
    /// The content goes on, and that is announced.
    Pass,
}

/// What is left of a finding that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Redaction {
    /// Its kind, as `[card]`.
    Label,
    /// Its last four digits or letters; of a mail address the host.
    KeepLast4,
}

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PiiKind {
    /// A mail address.
    Mail,
    /// A telephone number.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account.
    Iban,
    /// A social security number of the USA.
    Ssn,
}

/// What guardrails a tenant has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GuardrailOverrides {
    /// Guardrails that hold for the tenant alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Guardrail>,
    /// The names of guardrails that don't hold for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
}
