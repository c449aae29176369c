//! Reads an answer; a stream's pieces have the same shape as the whole.

use runcor_core::{FinishReason, ToolCall, Usage};
use serde_json::{Map, Value};

use super::signature::join;
use crate::http::Fault;
use crate::wire::{Answer, Asked};

pub(super) fn answer(body: &Value, asked: &Asked) -> Result<Answer, Fault> {
    let mut answer = Answer::default();
    read_into(&mut answer, body, asked)?;
    if body.pointer("/candidates/0").is_none() && answer.finish.is_none() {
        return Err(Fault::malformed(
            "the answer has no candidates; is baseUrl the API's address?",
        ));
    }
    settle_finish(&mut answer);
    Ok(answer)
}

/// Adds a piece; returns the text that it adds.
pub(super) fn read_into(answer: &mut Answer, body: &Value, asked: &Asked) -> Result<String, Fault> {
    if let Some(model) = body.get("modelVersion").and_then(Value::as_str) {
        answer.model = Some(model.to_owned());
    }
    answer.usage = body.get("usageMetadata").and_then(usage).or(answer.usage);
    let mut added = String::new();
    let parts = body.pointer("/candidates/0/content/parts").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        let is_thought = part.get("thought").and_then(Value::as_bool) == Some(true);
        if let Some(text) = part.get("text").and_then(Value::as_str).filter(|_| !is_thought) {
            answer.push_text(text)?;
            added.push_str(text);
        }
        if let Some(call) = part.get("functionCall") {
            let call = tool_call(call, part, body, answer.tool_calls.len(), asked)?;
            answer.tool_calls.push(call);
        }
    }
    let reason = body.pointer("/candidates/0/finishReason").and_then(finish_reason);
    // A refused question has no candidates, only a reason.
    let blocked = body.pointer("/promptFeedback/blockReason").map(|_| FinishReason::ContentFilter);
    answer.finish = reason.or(blocked).or(answer.finish);
    Ok(added)
}

/// Gemini stops, as it says, although it calls tools.
pub(super) fn settle_finish(answer: &mut Answer) {
    if !answer.tool_calls.is_empty() && answer.finish == Some(FinishReason::Stop) {
        answer.finish = Some(FinishReason::ToolCalls);
    }
}

fn tool_call(
    call: &Value,
    part: &Value,
    body: &Value,
    index: usize,
    asked: &Asked,
) -> Result<ToolCall, Fault> {
    let field = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let name = field(call, "name")
        .map(|name| asked.names.decode(&name))
        .ok_or_else(|| Fault::malformed("the answer calls a tool without a name"))?;
    let arguments = match call.get("args") {
        Some(args @ Value::Object(_)) => args.clone(),
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(_) => {
            let message = format!("the arguments for tool \"{name}\" are not a JSON object");
            return Err(Fault::malformed(message));
        }
    };
    // Older models give no identity; the response's own keeps two turns apart.
    let id = field(call, "id").unwrap_or_else(|| match field(body, "responseId") {
        Some(response) => format!("call_{response}_{index}"),
        None => format!("call_{index}"),
    });
    let signature = field(part, "thoughtSignature");
    Ok(ToolCall { id: join(&id, signature.as_deref()), name, arguments })
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    let thoughts = count("thoughtsTokenCount").unwrap_or(0);
    let tools = count("toolUsePromptTokenCount").unwrap_or(0);
    Some(Usage {
        prompt_tokens: count("promptTokenCount")?.saturating_add(tools),
        completion_tokens: count("candidatesTokenCount").unwrap_or(0).saturating_add(thoughts),
        cached_tokens: count("cachedContentTokenCount").unwrap_or(0),
        reasoning_tokens: thoughts,
        estimated: false,
    })
}

fn finish_reason(reason: &Value) -> Option<FinishReason> {
    Some(match reason.as_str()? {
        "FINISH_REASON_UNSPECIFIED" => return None,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE"
        | "IMAGE_SAFETY" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    })
}
