//! Answers as an OpenAI-compatible server gives them.

use serde_json::{Value, json};

use super::reply::Reply;
use super::request::RecordedRequest;
use super::sample::sample;

const CREATED: u64 = 1_767_225_600;

/// Makes the body of a chat completion that says `text`.
#[must_use]
pub fn chat_completion(model: &str, text: &str) -> Value {
    json!({
        "id": "chatcmpl-vendor-server",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text, "refusal": null },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(text),
    })
}

/// Makes the events of a streamed chat completion that says `text`, a word each.
///
/// The last two are the usage and the end mark.
#[must_use]
pub fn chat_completion_events(model: &str, text: &str) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        json!({
            "id": "chatcmpl-vendor-server",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
            "choices": choices,
            "usage": usage,
        })
        .to_string()
    };
    let choice = |delta: Value, reason: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "finish_reason": reason }]), Value::Null)
    };
    let mut events = vec![choice(json!({ "role": "assistant", "content": "" }), Value::Null)];
    let words = text.split_inclusive(' ');
    events.extend(words.map(|word| choice(json!({ "content": word }), Value::Null)));
    events.push(choice(json!({}), json!("stop")));
    events.push(chunk(json!([]), usage(text)));
    events.push("[DONE]".to_owned());
    events
}

/// A stand-in for counting: the server has no tokenizer.
fn usage(text: &str) -> Value {
    let words = text.split_whitespace().count();
    json!({ "prompt_tokens": 10, "completion_tokens": words, "total_tokens": 10 + words })
}

/// Answers any request for a chat completion.
pub(super) fn reply(request: &RecordedRequest) -> Reply {
    if request.method == "GET" && request.path.ends_with("/models") {
        let model = json!({ "id": "vendor-server", "object": "model", "owned_by": "runcor" });
        return Reply::json(200, &json!({ "object": "list", "data": [model] }));
    }
    if !request.path.contains("/chat/completions") {
        return Reply::error(404, "the vendor server knows /chat/completions only");
    }
    let body = &request.body;
    let model = body.get("model").and_then(Value::as_str).unwrap_or("vendor-server");
    let text = answer(body);
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        Reply::events(chat_completion_events(model, &text))
    } else {
        Reply::json(200, &chat_completion(model, &text))
    }
}

/// Says what it was asked, in the form that was asked for.
fn answer(body: &Value) -> String {
    let messages = body.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|messages| messages.last()?.get("content")?.as_str());
    let said = format!("You said: {}", last.unwrap_or_default());
    match body.pointer("/response_format/type").and_then(Value::as_str) {
        Some("json_schema") => {
            let schema = body.pointer("/response_format/json_schema/schema");
            sample(schema.unwrap_or(&Value::Null), &said).to_string()
        }
        Some("json_object") => json!({ "answer": said }).to_string(),
        _ => said,
    }
}
