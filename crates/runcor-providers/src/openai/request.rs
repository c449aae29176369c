//! Writes a request as Chat Completions want it.

use runcor_core::{Message, ModelRequest, ResponseFormat, Role, ToolCall};
use serde_json::{Value, json};

use crate::wire::{
    Asked, CallIds, Closing, JSON_INSTRUCTION, WireNames, close, system_prompt, tool_schema, turns,
    wire_id,
};

/// In what the servers that speak this format differ.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) new_field: bool,
    pub(super) is_openai: bool,
    pub(super) reasoning_effort: Option<String>,
}

pub(super) fn body(
    request: &ModelRequest,
    asked: &Asked,
    dialect: &Dialect,
    stream: bool,
) -> Value {
    let mut body = json!({ "model": asked.model, "messages": messages(request, &asked.names) });
    let limit = if dialect.new_field { "max_completion_tokens" } else { "max_tokens" };
    body[limit] = json!(request.max_tokens.unwrap_or(ModelRequest::DEFAULT_MAX_TOKENS));
    if let Some(temperature) = request.temperature {
        body["temperature"] = json!(temperature);
    }
    if let Some(effort) = reasoning_effort(&asked.model, dialect) {
        body["reasoning_effort"] = json!(effort);
    }
    if !request.tools.is_empty() {
        body["tools"] = tools(request, &asked.names);
    }
    match &request.response_format {
        ResponseFormat::Text => {}
        ResponseFormat::Json => body["response_format"] = json!({ "type": "json_object" }),
        ResponseFormat::Schema(schema) => body["response_format"] = schema_format(schema),
    }
    if stream {
        body["stream"] = json!(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    body
}

fn reasoning_effort<'a>(model: &str, dialect: &'a Dialect) -> Option<&'a str> {
    let unset = dialect.is_openai && (model.starts_with("gpt-5.6") || model.starts_with("gpt-6"));
    dialect.reasoning_effort.as_deref().or_else(|| unset.then_some("none"))
}

fn messages(request: &ModelRequest, names: &WireNames) -> Vec<Value> {
    let turns = turns(request);
    let mut system = system_prompt(request);
    if request.response_format == ResponseFormat::Json && !speaks_of_json(&system, &turns) {
        // The vendor refuses this format when nobody mentions it.
        let own = system.map_or_else(String::new, |own| own + "\n\n");
        system = Some(own + JSON_INSTRUCTION);
    }
    let mut ids = CallIds::default();
    let system = system.map(|text| json!({ "role": "system", "content": text }));
    let turns = turns.iter().map(|turn| message(turn, ids.turn(turn).0, names)).collect::<Vec<_>>();
    system.into_iter().chain(turns).collect()
}

fn speaks_of_json(system: &Option<String>, turns: &[Message]) -> bool {
    let texts = turns.iter().map(|turn| turn.content.as_str()).chain(system.as_deref());
    texts.into_iter().any(|text| text.to_ascii_lowercase().contains("json"))
}

fn message(turn: &Message, answers: &str, names: &WireNames) -> Value {
    match turn.role {
        Role::System => json!({ "role": "system", "content": turn.content }),
        Role::User => json!({ "role": "user", "content": turn.content }),
        Role::Tool => {
            json!({ "role": "tool", "tool_call_id": wire_id(answers), "content": turn.content })
        }
        Role::Assistant if turn.tool_calls.is_empty() => {
            json!({ "role": "assistant", "content": turn.content })
        }
        Role::Assistant => {
            let content = Some(&turn.content).filter(|content| !content.is_empty());
            let calls: Vec<Value> =
                turn.tool_calls.iter().map(|call| tool_call(call, names)).collect();
            json!({ "role": "assistant", "content": content, "tool_calls": calls })
        }
    }
}

fn tool_call(call: &ToolCall, names: &WireNames) -> Value {
    json!({
        "id": wire_id(&call.id),
        "type": "function",
        "function": {
            "name": names.encode(&call.name),
            "arguments": call.arguments.to_string(),
        },
    })
}

fn tools(request: &ModelRequest, names: &WireNames) -> Value {
    let tools = request.tools.iter().map(|tool| {
        json!({
            "type": "function",
            "function": {
                "name": names.encode(&tool.name),
                "description": tool.description,
                "parameters": tool_schema(tool),
            },
        })
    });
    tools.collect()
}

/// Strict where the schema can be closed; a hint to the model where it can't.
fn schema_format(schema: &Value) -> Value {
    let closed = close(schema, Closing { all_required: true, no_bounds: false });
    json!({
        "type": "json_schema",
        "json_schema": {
            "name": "response",
            "strict": closed.is_some(),
            "schema": closed.as_ref().unwrap_or(schema),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at_openai(request: &ModelRequest, model: &str) -> Value {
        let dialect = Dialect { new_field: true, is_openai: true, reasoning_effort: None };
        body(request, &Asked::new(&Arc::from("openai"), model, request), &dialect, false)
    }

    #[test]
    fn models_that_take_tools_only_without_reasoning_are_told_not_to_reason() {
        let request = ModelRequest::prompt("x");
        assert_eq!(at_openai(&request, "gpt-6-luna")["reasoning_effort"], "none");
        assert!(at_openai(&request, "gpt-4o").get("reasoning_effort").is_none());
        assert_eq!(at_openai(&request, "gpt-4o")["max_completion_tokens"], 1024);
    }

    #[test]
    fn json_is_mentioned_once() {
        let request = ModelRequest::prompt("as JSON").with_response_format(ResponseFormat::Json);
        let messages = at_openai(&request, "m")["messages"].as_array().map(Vec::len);
        assert_eq!(messages, Some(1));
    }
}
