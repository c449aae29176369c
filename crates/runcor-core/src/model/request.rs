//! What is asked of a model.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::response::ToolCall;
use crate::cost::CallScope;

/// A request to a model, independent of any vendor.
///
/// A request needs a non-empty `prompt` or non-empty `messages`; messages win.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelRequest {
    /// The user's words, when there is no conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The conversation so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Instructions that stand above the conversation; replaces its system messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// The model's name; the provider's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The most tokens the answer may have; 1024 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature; the vendor's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The tools the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolDefinition>,
    /// The form the answer must have.
    #[serde(default, skip_serializing_if = "ResponseFormat::is_text")]
    pub response_format: ResponseFormat,
    /// The registered provider that alone may answer; the router takes it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The routing strategy for this request; the router takes it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// How long one request to a vendor may take, until its first piece where it
    /// is streamed; the router takes it off. It is no part of what is asked.
    #[serde(skip)]
    pub timeout: Option<Duration>,
    /// Whether a second request may be made when the first is slow, where the
    /// router does that; it takes it off. It is no part of what is asked.
    #[serde(skip)]
    pub hedge: Option<bool>,
    /// Who asks, and who counts the money; it is no part of what is asked.
    #[serde(skip)]
    pub scope: CallScope,
}

impl ModelRequest {
    /// The answer's limit in tokens where a request names none.
    pub const DEFAULT_MAX_TOKENS: u32 = 1024;

    /// Asks with a single prompt.
    #[must_use]
    pub fn prompt(prompt: impl Into<String>) -> Self {
        Self { prompt: Some(prompt.into()), ..Self::default() }
    }

    /// Asks with a conversation.
    #[must_use]
    pub fn messages(messages: impl Into<Vec<Message>>) -> Self {
        Self { messages: messages.into(), ..Self::default() }
    }

    /// Sets the instructions above the conversation.
    #[must_use]
    pub fn with_system_prompt(mut self, text: impl Into<String>) -> Self {
        self.system_prompt = Some(text.into());
        self
    }

    /// Sets the model's name.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the most tokens the answer may have.
    #[must_use]
    pub fn with_max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the sampling temperature.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Gives the model tools to call.
    #[must_use]
    pub fn with_tools(mut self, tools: impl Into<Vec<ToolDefinition>>) -> Self {
        self.tools = tools.into();
        self
    }

    /// Sets the form that the answer must have.
    #[must_use]
    pub fn with_response_format(mut self, format: ResponseFormat) -> Self {
        self.response_format = format;
        self
    }

    /// Asks one registered provider and no other.
    #[must_use]
    pub fn with_provider(mut self, name: impl Into<String>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// Sets the routing strategy for this request.
    #[must_use]
    pub fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Limits how long one request to a vendor may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Says whether a second request may be made when the first is slow.
    #[must_use]
    pub fn with_hedge(mut self, hedge: bool) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// Says who asks, and who counts the money.
    #[must_use]
    pub fn with_scope(mut self, scope: CallScope) -> Self {
        self.scope = scope;
        self
    }

    /// Returns whether there is anything to answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.prompt.as_deref().is_none_or(str::is_empty)
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    #[serde(default)]
    pub content: String,
    /// The tools that an assistant's turn calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool's turn answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The tool whose result a tool's turn holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
}

impl Message {
    /// Makes a turn of `role` without tool calls.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            tool_calls: Vec::new(),
            tool_call_id: None,
            tool_name: None,
        }
    }

    /// Makes a user's turn.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// Makes an assistant's turn.
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Makes a system turn.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// Makes the turn that gives a tool's result to the model.
    #[must_use]
    pub fn tool(call: &ToolCall, content: impl Into<String>) -> Self {
        Self {
            tool_call_id: Some(call.id.clone()),
            tool_name: Some(call.name.clone()),
            ..Self::new(Role::Tool, content)
        }
    }
}

/// Who speaks in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// The person or program that asks.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolDefinition {
    /// The tool's name.
    pub name: String,
    /// What the tool does, for the model to read.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of the tool's arguments.
    pub input_schema: Value,
}

/// The form an answer must have: `"text"`, `"json"`, or a JSON Schema itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ResponseFormat {
    /// Free text.
    #[default]
    Text,
    /// Any JSON value.
    Json,
    /// JSON that matches this schema.
    Schema(Value),
}

impl ResponseFormat {
    /// Returns whether free text is asked for.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }
}

impl Serialize for ResponseFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text => serializer.serialize_str("text"),
            Self::Json => serializer.serialize_str("json"),
            Self::Schema(schema) => schema.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ResponseFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == "text" => Ok(Self::Text),
            Value::String(word) if word == "json" => Ok(Self::Json),
            schema @ (Value::Object(_) | Value::Bool(_)) => Ok(Self::Schema(schema)),
            _ => Err(serde::de::Error::custom("expected \"text\", \"json\" or a JSON Schema")),
        }
    }
}

/// In which order providers are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// By ascending priority, ties in order of registration.
    #[default]
    Priority,
    /// In turn.
    RoundRobin,
    /// By ascending price of an input and an output token, unpriced ones last.
    LowestCost,
    /// By ascending latency as lately measured; those not yet measured first.
    LeastLatency,
    /// In turn, each as often as its weight says.
    Weighted,
}
