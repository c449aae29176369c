//! The same answer as each vendor writes it.

use runcor_testkit::vendor_server::Reply;
use serde_json::{Value, json};

/// The vendors, and a server of one's own that speaks OpenAI's protocol.
pub(super) const ALL: [&str; 4] = ["anthropic", "google", "openai", "ollama"];

/// What a vendor is to say.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) text: String,
    /// A tool's name, as it stands on the wire, and its arguments.
    pub(super) call: Option<(String, Value)>,
    /// Whether the text answers a schema.
    pub(super) structured: bool,
    /// All input and output tokens, with the cached and the reasoning ones among them.
    pub(super) usage: Option<[u64; 4]>,
}

impl Said {
    pub(super) fn text(text: &str) -> Self {
        Self { text: text.to_owned(), usage: Some([10, 5, 0, 0]), ..Self::default() }
    }

    pub(super) fn data(text: &str) -> Self {
        Self { structured: true, ..Self::text(text) }
    }

    pub(super) fn call(name: &str, arguments: Value) -> Self {
        Self { call: Some((name.to_owned(), arguments)), ..Self::text("") }
    }

    pub(super) fn using(self, usage: Option<[u64; 4]>) -> Self {
        Self { usage, ..self }
    }

    /// The answer, whole or in pieces.
    pub(super) fn reply(&self, vendor: &str, streams: bool) -> Reply {
        match (vendor, streams) {
            ("anthropic", false) => Reply::json(200, &self.anthropic()),
            ("anthropic", true) => Reply::events(self.anthropic_events()),
            ("google", false) => Reply::json(200, &self.google(&self.parts())),
            ("google", true) => Reply::events(self.google_events()),
            (_, false) => Reply::json(200, &self.openai()),
            (_, true) => Reply::events(self.openai_events()),
        }
    }

    fn blocks(&self) -> Vec<Value> {
        let block = |name: &str, input: &Value| json!({ "type": "tool_use", "id": "call_1", "name": name, "input": input });
        if self.structured {
            let input: Value = serde_json::from_str(&self.text).unwrap();
            return vec![block("__structured_output", &input)];
        }
        let text = json!({ "type": "text", "text": self.text });
        let call = self.call.as_ref().map(|(name, arguments)| block(name, arguments));
        (!self.text.is_empty()).then_some(text).into_iter().chain(call).collect()
    }

    fn stop(&self) -> &'static str {
        if self.structured || self.call.is_some() { "tool_use" } else { "end_turn" }
    }

    /// Anthropic counts cached input apart.
    fn anthropic_usage(&self) -> Value {
        self.usage.map_or(json!({}), |[input, output, cached, reasoning]| {
            json!({
                "input_tokens": input - cached,
                "cache_read_input_tokens": cached,
                "output_tokens": output,
                "output_tokens_details": { "thinking_tokens": reasoning },
            })
        })
    }

    fn anthropic(&self) -> Value {
        json!({
            "type": "message", "role": "assistant", "model": "m-1",
            "content": self.blocks(), "stop_reason": self.stop(),
            "usage": self.anthropic_usage(),
        })
    }

    fn anthropic_events(&self) -> Vec<String> {
        let usage = self.anthropic_usage();
        let message = json!({ "model": "m-1", "usage": usage });
        let mut events = vec![json!({ "type": "message_start", "message": message })];
        for (index, mut block) in self.blocks().into_iter().enumerate() {
            let (kind, field, whole) = match block.get("input").map(Value::to_string) {
                Some(input) => ("input_json_delta", "partial_json", input),
                None => ("text_delta", "text", self.text.clone()),
            };
            if kind == "text_delta" {
                block["text"] = json!("");
            } else {
                block["input"] = json!({});
            }
            events.push(
                json!({ "type": "content_block_start", "index": index, "content_block": block }),
            );
            let (first, second) = halves(&whole);
            for piece in [first, second] {
                let delta = json!({ "type": kind, field: piece });
                events
                    .push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
            }
            events.push(json!({ "type": "content_block_stop", "index": index }));
        }
        let delta = json!({ "stop_reason": self.stop() });
        events.push(json!({ "type": "message_delta", "delta": delta, "usage": usage }));
        events.push(json!({ "type": "message_stop" }));
        events.iter().map(Value::to_string).collect()
    }

    fn parts(&self) -> Vec<Value> {
        let text = (!self.text.is_empty()).then(|| json!({ "text": self.text }));
        let call = self.call.as_ref().map(|(name, arguments)| {
            json!({ "functionCall": { "id": "call_1", "name": name, "args": arguments } })
        });
        text.into_iter().chain(call).collect()
    }

    fn google(&self, parts: &[Value]) -> Value {
        let content = json!({ "role": "model", "parts": parts });
        let mut body = json!({
            "candidates": [{ "content": content, "finishReason": "STOP" }],
            "modelVersion": "m-1",
        });
        if let Some([input, output, cached, reasoning]) = self.usage {
            body["usageMetadata"] = json!({
                "promptTokenCount": input, "candidatesTokenCount": output - reasoning,
                "cachedContentTokenCount": cached, "thoughtsTokenCount": reasoning,
            });
        }
        body
    }

    fn google_events(&self) -> Vec<String> {
        let (first, second) = halves(&self.text);
        let mut begin = json!({ "candidates": [{ "content": { "parts": [{ "text": first }] } }] });
        begin["modelVersion"] = json!("m-1");
        let rest = Self { text: second.to_owned(), ..self.clone() };
        let end = self.google(&rest.parts());
        vec![begin.to_string(), end.to_string()]
    }

    fn openai_usage(&self) -> Value {
        self.usage.map_or(Value::Null, |[input, output, cached, reasoning]| {
            json!({
                "prompt_tokens": input, "completion_tokens": output,
                "prompt_tokens_details": { "cached_tokens": cached },
                "completion_tokens_details": { "reasoning_tokens": reasoning },
            })
        })
    }

    fn openai_call(&self) -> Value {
        self.call.as_ref().map_or(json!([]), |(name, arguments)| {
            let function = json!({ "name": name, "arguments": arguments.to_string() });
            json!([{ "index": 0, "id": "call_1", "type": "function", "function": function }])
        })
    }

    fn reason(&self) -> &'static str {
        if self.call.is_some() { "tool_calls" } else { "stop" }
    }

    fn openai(&self) -> Value {
        let message =
            json!({ "role": "assistant", "content": self.text, "tool_calls": self.openai_call() });
        json!({
            "model": "m-1", "usage": self.openai_usage(),
            "choices": [{ "index": 0, "message": message, "finish_reason": self.reason() }],
        })
    }

    fn openai_events(&self) -> Vec<String> {
        let chunk = |delta: Value, reason: Value| json!({ "model": "m-1", "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
        let (first, second) = halves(&self.text);
        let mut events: Vec<_> =
            [first, second].map(|piece| chunk(json!({ "content": piece }), Value::Null)).into();
        events.push(chunk(json!({ "tool_calls": self.openai_call() }), Value::Null));
        events.push(chunk(json!({}), json!(self.reason())));
        events.push(json!({ "model": "m-1", "choices": [], "usage": self.openai_usage() }));
        events.iter().map(Value::to_string).chain(["[DONE]".to_owned()]).collect()
    }
}

fn halves(text: &str) -> (&str, &str) {
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at));
    text.split_at(middle.unwrap_or(0))
}
