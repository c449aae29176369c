//! Writes a request as the Messages API wants it.

use runcor_core::{Message, ModelRequest, ResponseFormat, Role};
use serde_json::{Value, json};

use super::model::refuses_temperature;
use super::structured::Structured;
use crate::wire::{
    Asked, CallIds, JSON_INSTRUCTION, WireNames, system_prompt, tool_schema, turns, wire_id,
};

pub(super) fn body(
    request: &ModelRequest,
    asked: &Asked,
    structured: &Structured,
    stream: bool,
) -> Value {
    let mut body = json!({
        "model": asked.model,
        "max_tokens": request.max_tokens.unwrap_or(ModelRequest::DEFAULT_MAX_TOKENS),
        "messages": messages(request, &asked.names),
    });
    if let Some(system) = system(request, structured) {
        body["system"] = json!(system);
    }
    if let Some(temperature) = request.temperature {
        if refuses_temperature(&asked.model) {
            tracing::debug!(
                model = asked.model,
                "left out the temperature, which the model refuses"
            );
        } else {
            body["temperature"] = json!(temperature);
        }
    }
    if !request.tools.is_empty() {
        body["tools"] = tools(request, &asked.names);
    }
    structured.write(&mut body);
    if stream {
        body["stream"] = json!(true);
    }
    body
}

fn system(request: &ModelRequest, structured: &Structured) -> Option<String> {
    let wants_json = request.response_format == ResponseFormat::Json;
    let own = system_prompt(request);
    let json = wants_json.then(|| JSON_INSTRUCTION.to_owned());
    let tool = structured.instruction().map(str::to_owned);
    let texts: Vec<String> = [own, json, tool].into_iter().flatten().collect();
    if texts.is_empty() { None } else { Some(texts.join("\n\n")) }
}

fn messages(request: &ModelRequest, names: &WireNames) -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    let mut ids = CallIds::default();
    let mut results_open = false;
    for turn in turns(request).iter() {
        let (answers, _) = ids.turn(turn);
        if turn.role != Role::Tool {
            results_open = false;
            messages.extend(message(turn, names));
            continue;
        }
        // The results of one turn's calls belong into one message.
        let result = json!({
            "type": "tool_result", "tool_use_id": wire_id(answers), "content": turn.content,
        });
        let last = messages.last_mut().filter(|_| results_open);
        match last.and_then(|last| last["content"].as_array_mut()) {
            Some(results) => results.push(result),
            None => messages.push(json!({ "role": "user", "content": [result] })),
        }
        results_open = true;
    }
    messages
}

/// One turn; an empty turn of the assistant is left out, the API refuses it.
fn message(turn: &Message, names: &WireNames) -> Option<Value> {
    if turn.role != Role::Assistant {
        return Some(json!({ "role": "user", "content": turn.content }));
    }
    if turn.tool_calls.is_empty() {
        let says = !turn.content.is_empty();
        return says.then(|| json!({ "role": "assistant", "content": turn.content }));
    }
    let text = Some(&turn.content).filter(|text| !text.is_empty());
    let text = text.map(|text| json!({ "type": "text", "text": text }));
    let calls = turn.tool_calls.iter().map(|call| {
        json!({
            "type": "tool_use",
            "id": wire_id(&call.id),
            "name": names.encode(&call.name),
            "input": call.arguments,
        })
    });
    let content: Vec<Value> = text.into_iter().chain(calls).collect();
    Some(json!({ "role": "assistant", "content": content }))
}

fn tools(request: &ModelRequest, names: &WireNames) -> Value {
    let tools = request.tools.iter().map(|tool| {
        json!({
            "name": names.encode(&tool.name),
            "description": tool.description,
            "input_schema": tool_schema(tool),
        })
    });
    tools.collect()
}
