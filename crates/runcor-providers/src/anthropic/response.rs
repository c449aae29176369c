//! Reads a whole answer.

use runcor_core::{FinishReason, ToolCall, Usage};
use serde_json::{Map, Value};

use super::structured::Structured;
use crate::http::Fault;
use crate::wire::{Answer, Asked, STRUCTURED_OUTPUT};

pub(super) fn answer(
    body: &Value,
    asked: &Asked,
    structured: &Structured,
) -> Result<Answer, Fault> {
    let blocks = body.get("content").and_then(Value::as_array);
    let blocks = blocks.ok_or_else(|| {
        Fault::malformed("the answer has no content; is baseUrl the API's address?")
    })?;
    let mut usage = TokenCounts::default();
    usage.merge(body.get("usage"));
    let mut answer = Answer {
        model: body.get("model").and_then(Value::as_str).map(str::to_owned),
        usage: usage.total(),
        finish: body.get("stop_reason").and_then(finish_reason),
        ..Answer::default()
    };
    let mut given: Option<String> = None;
    for block in blocks {
        let field = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        match field("type") {
            "text" => answer.push_text(field("text"))?,
            "tool_use" if structured.is_tool() && field("name") == STRUCTURED_OUTPUT => {
                let input = block.get("input").unwrap_or(&Value::Null);
                given.get_or_insert_with(|| structured.unwrap(input));
            }
            "tool_use" => {
                let name = asked.names.decode(field("name"));
                let arguments = match block.get("input") {
                    Some(input @ Value::Object(_)) => input.clone(),
                    None | Some(Value::Null) => Value::Object(Map::new()),
                    Some(_) => {
                        let message =
                            format!("the arguments for tool \"{name}\" are not a JSON object");
                        return Err(Fault::malformed(message));
                    }
                };
                answer.tool_calls.push(ToolCall { id: field("id").to_owned(), name, arguments });
            }
            _ => {}
        }
    }
    if let Some(text) = given {
        answer.text = text;
        settle_finish(&mut answer);
    }
    Ok(answer)
}

/// A structured answer is an answer, although it came as a tool's call.
pub(super) fn settle_finish(answer: &mut Answer) {
    if answer.tool_calls.is_empty() && answer.finish == Some(FinishReason::ToolCalls) {
        answer.finish = Some(FinishReason::Stop);
    }
}

pub(super) fn finish_reason(reason: &Value) -> Option<FinishReason> {
    Some(match reason.as_str()? {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    })
}

/// The counts as they come, in one piece or in several; later ones win.
#[derive(Debug, Default)]
pub(super) struct TokenCounts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_written: Option<u64>,
    thinking: Option<u64>,
}

impl TokenCounts {
    pub(super) fn merge(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
        self.input = count("/input_tokens").or(self.input);
        self.output = count("/output_tokens").or(self.output);
        self.cache_read = count("/cache_read_input_tokens").or(self.cache_read);
        self.cache_written = count("/cache_creation_input_tokens").or(self.cache_written);
        self.thinking = count("/output_tokens_details/thinking_tokens").or(self.thinking);
    }

    /// The usage; Anthropic counts cached input apart from other input.
    pub(super) fn total(&self) -> Option<Usage> {
        let cached = self.cache_read.unwrap_or(0);
        let written = self.cache_written.unwrap_or(0);
        Some(Usage {
            prompt_tokens: self.input?.saturating_add(cached).saturating_add(written),
            completion_tokens: self.output?,
            cached_tokens: cached,
            reasoning_tokens: self.thinking.unwrap_or(0),
            estimated: false,
        })
    }
}
