//! What a model answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::money::Money;

/// A model's whole answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelResponse {
    /// The text of the answer.
    pub text: String,
    /// The model that answered, as the vendor names it.
    pub model: String,
    /// The registered name of the provider that answered.
    pub provider: String,
    /// The tokens that were used.
    pub usage: Usage,
    /// The tools that the model wants called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The parsed answer, where JSON or a schema was asked for and matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parsed: Option<Value>,
    /// Why the model stopped, where the vendor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// The cost in nano-dollars, where the provider's price is known.
    #[serde(rename = "costNanos", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// Whether another model was asked than the request names, because the
    /// provider that answered would not know that one.
    #[serde(skip)]
    pub substituted: bool,
}

/// Why a model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The answer is complete.
    Stop,
    /// The limit of tokens was met.
    Length,
    /// The model wants tools called.
    ToolCalls,
    /// The vendor's filter stepped in.
    ContentFilter,
    /// Something else, which the vendor names in its own way.
    Other,
}

/// A model's wish to have a tool called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// The identity by which the result is given back.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments, an object.
    pub arguments: Value,
}

/// Tokens that one request used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub prompt_tokens: u64,
    /// All output tokens, reasoning ones included.
    pub completion_tokens: u64,
    /// Input tokens that the vendor read from its cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
    /// Output tokens that the model spent on reasoning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// Whether the numbers are an estimate because the vendor gave none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A piece of a streamed answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ModelChunk {
    /// More text.
    TextDelta {
        /// The text to append.
        text: String,
    },
    /// A complete tool call.
    ToolCall {
        /// The call.
        #[serde(rename = "toolCall")]
        tool_call: ToolCall,
    },
    /// The end, with the whole answer; always the last chunk of a stream that succeeds.
    Finished {
        /// The whole answer.
        response: Box<ModelResponse>,
    },
}
