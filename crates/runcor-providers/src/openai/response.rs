//! Reads a whole answer.

use runcor_core::{FinishReason, ToolCall, Usage};
use serde_json::Value;

use crate::http::Fault;
use crate::wire::{Answer, Asked, WireNames, arguments};

pub(super) fn answer(body: &Value, asked: &Asked) -> Result<Answer, Fault> {
    let choice = body.pointer("/choices/0").ok_or_else(|| {
        Fault::malformed("the answer has no choices; is baseUrl the API's address?")
    })?;
    let message = choice.get("message").unwrap_or(&Value::Null);
    let mut answer = Answer {
        model: body.get("model").and_then(Value::as_str).map(str::to_owned),
        usage: body.get("usage").and_then(usage),
        finish: choice.get("finish_reason").and_then(finish_reason),
        ..Answer::default()
    };
    answer.text = message.get("content").map(text).unwrap_or_default();
    if let Some(refusal) = message.get("refusal").and_then(Value::as_str) {
        answer.text.push_str(refusal);
        answer.finish = Some(FinishReason::ContentFilter);
    }
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    for (index, call) in calls.enumerate() {
        answer.tool_calls.push(tool_call(call, index, answer.finish, &asked.names)?);
    }
    settle_finish(&mut answer);
    Ok(answer)
}

/// Some servers say `stop` although they call tools.
pub(super) fn settle_finish(answer: &mut Answer) {
    let stopped = matches!(answer.finish, None | Some(FinishReason::Stop));
    if !answer.tool_calls.is_empty() && stopped {
        answer.finish = Some(FinishReason::ToolCalls);
    }
}

fn tool_call(
    call: &Value,
    index: usize,
    finish: Option<FinishReason>,
    names: &WireNames,
) -> Result<ToolCall, Fault> {
    let field = |pointer: &str| call.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let text = match call.pointer("/function/arguments") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    complete_call(field("/id"), field("/function/name"), &text, index, finish, names)
}

/// Makes a call of its parts; an identity that the server left out is made up.
pub(super) fn complete_call(
    id: &str,
    name: &str,
    text: &str,
    index: usize,
    finish: Option<FinishReason>,
    names: &WireNames,
) -> Result<ToolCall, Fault> {
    if name.is_empty() {
        return Err(Fault::malformed("the answer calls a tool without a name"));
    }
    let name = names.decode(name);
    let arguments = arguments(text, &name, finish)?;
    let id = if id.is_empty() { format!("call_{index}") } else { id.to_owned() };
    Ok(ToolCall { id, name, arguments })
}

/// The text of a content: a string, parts, or nothing.
pub(super) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// Reads the counts; a server that sends nonsense has sent none.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    Some(Usage {
        prompt_tokens: count("/prompt_tokens")?,
        completion_tokens: count("/completion_tokens")?,
        cached_tokens: count("/prompt_tokens_details/cached_tokens").unwrap_or(0),
        reasoning_tokens: count("/completion_tokens_details/reasoning_tokens").unwrap_or(0),
        estimated: false,
    })
}

pub(super) fn finish_reason(reason: &Value) -> Option<FinishReason> {
    Some(match reason.as_str()? {
        "stop" | "eos" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    })
}
