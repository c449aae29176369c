//! Writes a request as `generateContent` wants it.

use runcor_core::{Message, ModelRequest, ResponseFormat, Role, ToolCall};
use serde_json::{Map, Value, json};

use super::model::is_third_generation;
use super::schema::keep_known;
use super::signature::{UNSIGNED, split};
use crate::wire::{Asked, CallIds, JSON_INSTRUCTION, WireNames, system_prompt, tool_schema, turns};

pub(super) fn body(request: &ModelRequest, asked: &Asked, thinking_level: Option<&str>) -> Value {
    let is_new = is_third_generation(&asked.model);
    // Before the third generation tools and JSON answers exclude each other.
    let asks_in_words = !request.response_format.is_text() && !request.tools.is_empty() && !is_new;
    let mut body = json!({ "contents": contents(request, &asked.names, is_new) });
    if let Some(text) = system(request, asks_in_words) {
        body["systemInstruction"] = json!({ "role": "system", "parts": [{ "text": text }] });
    }
    if !request.tools.is_empty() {
        body["tools"] = json!([{ "functionDeclarations": tools(request, &asked.names) }]);
    }
    body["generationConfig"] = generation_config(request, asks_in_words, thinking_level);
    body["safetySettings"] = json!([]);
    body
}

fn generation_config(
    request: &ModelRequest,
    asks_in_words: bool,
    thinking_level: Option<&str>,
) -> Value {
    let limit = request.max_tokens.unwrap_or(ModelRequest::DEFAULT_MAX_TOKENS);
    let mut config = json!({ "maxOutputTokens": limit });
    if let Some(temperature) = request.temperature {
        config["temperature"] = json!(temperature);
    }
    if !request.response_format.is_text() && !asks_in_words {
        config["responseMimeType"] = json!("application/json");
        if let ResponseFormat::Schema(schema) = &request.response_format {
            config["responseJsonSchema"] = keep_known(schema);
        }
    }
    if let Some(level) = thinking_level {
        config["thinkingConfig"] = json!({ "thinkingLevel": level });
    }
    config
}

fn system(request: &ModelRequest, asks_in_words: bool) -> Option<String> {
    let own = system_prompt(request);
    let asked = asks_in_words.then(|| match &request.response_format {
        ResponseFormat::Schema(schema) => {
            format!("{JSON_INSTRUCTION} It must match this JSON Schema: {schema}")
        }
        ResponseFormat::Json | ResponseFormat::Text => JSON_INSTRUCTION.to_owned(),
    });
    let texts: Vec<String> = [own, asked].into_iter().flatten().collect();
    if texts.is_empty() { None } else { Some(texts.join("\n\n")) }
}

fn contents(request: &ModelRequest, names: &WireNames, is_new: bool) -> Vec<Value> {
    let mut contents: Vec<Value> = Vec::new();
    let mut ids = CallIds::default();
    let mut results_open = false;
    for turn in turns(request).iter() {
        let (id, name) = ids.turn(turn);
        if turn.role != Role::Tool {
            results_open = false;
            contents.extend(content(turn, names, is_new));
            continue;
        }
        // The API counts the results of a turn's calls: all belong into one content.
        let part = result(turn, id, names.encode(name));
        let last = contents.last_mut().filter(|_| results_open);
        match last.and_then(|last| last["parts"].as_array_mut()) {
            Some(parts) => parts.push(part),
            None => contents.push(json!({ "role": "user", "parts": [part] })),
        }
        results_open = true;
    }
    contents
}

/// One turn; an empty turn of the model is left out, the API refuses it.
fn content(turn: &Message, names: &WireNames, is_new: bool) -> Option<Value> {
    if turn.role != Role::Assistant {
        return Some(json!({ "role": "user", "parts": [{ "text": turn.content }] }));
    }
    let text = Some(&turn.content).filter(|text| !text.is_empty());
    let text = text.map(|text| json!({ "text": text }));
    let calls = turn.tool_calls.iter().enumerate();
    let calls = calls.map(|(index, call)| function_call(call, names, is_new && index == 0));
    let parts: Vec<Value> = text.into_iter().chain(calls).collect();
    (!parts.is_empty()).then(|| json!({ "role": "model", "parts": parts }))
}

/// A call as a part; Gemini signs the first call of a turn and wants that back.
fn function_call(call: &ToolCall, names: &WireNames, needs_signature: bool) -> Value {
    let (id, signature) = split(&call.id);
    let mut function = json!({ "name": names.encode(&call.name), "args": call.arguments });
    if let Some(id) = own_id(id, signature) {
        function["id"] = json!(id);
    }
    let mut part = json!({ "functionCall": function });
    if let Some(signature) = signature.or_else(|| needs_signature.then_some(UNSIGNED)) {
        part["thoughtSignature"] = json!(signature);
    }
    part
}

fn result(turn: &Message, id: &str, name: &str) -> Value {
    let (id, signature) = split(id);
    let mut response = Map::new();
    if let Some(id) = own_id(id, signature) {
        response.insert("id".to_owned(), json!(id));
    }
    response.insert("name".to_owned(), json!(name));
    response.insert("response".to_owned(), json!({ "content": turn.content }));
    json!({ "functionResponse": response })
}

/// The identity if Gemini gave it: then it comes with a signature and is none
/// that we made up.
fn own_id<'a>(id: &'a str, signature: Option<&str>) -> Option<&'a str> {
    (signature.is_some() && !id.starts_with("call_")).then_some(id)
}

fn tools(request: &ModelRequest, names: &WireNames) -> Vec<Value> {
    let tools = request.tools.iter().map(|tool| {
        json!({
            "name": names.encode(&tool.name),
            "description": tool.description,
            "parametersJsonSchema": keep_known(&tool_schema(tool)),
        })
    });
    tools.collect()
}
