//! Reads an answer in pieces.

use std::collections::{BTreeMap, VecDeque};

use runcor_core::{FinishReason, ModelChunk, ModelResponse};
use serde_json::Value;

use super::response::{complete_call, finish_reason, settle_finish, text, usage};
use crate::http::{Decoder, Fault, Progress, from_error_object};
use crate::wire::{Answer, Asked};

/// The most tool calls that one answer may have.
const MAX_CALLS: u64 = 1024;

/// Puts an answer together from `chat.completion.chunk`s.
#[derive(Debug)]
pub(super) struct ChunkDecoder {
    asked: Asked,
    answer: Answer,
    calls: BTreeMap<u64, Parts>,
    done: bool,
}

/// A tool call so far.
#[derive(Debug, Default)]
struct Parts {
    id: String,
    name: String,
    arguments: String,
}

impl ChunkDecoder {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, answer: Answer::default(), calls: BTreeMap::new(), done: false }
    }

    fn choice(&mut self, choice: &Value, out: &mut VecDeque<ModelChunk>) -> Result<(), Fault> {
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        let mut piece = delta.get("content").map(text).unwrap_or_default();
        if let Some(refusal) = delta.get("refusal").and_then(Value::as_str) {
            piece.push_str(refusal);
            self.answer.finish = Some(FinishReason::ContentFilter);
        }
        if !piece.is_empty() {
            self.answer.push_text(&piece)?;
            out.push_back(ModelChunk::TextDelta { text: piece });
        }
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.call_delta(call)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(finish_reason) {
            let refused = self.answer.finish == Some(FinishReason::ContentFilter);
            self.answer.finish = if refused { self.answer.finish } else { Some(reason) };
        }
        Ok(())
    }

    fn call_delta(&mut self, delta: &Value) -> Result<(), Fault> {
        let field = |pointer: &str| delta.pointer(pointer).and_then(Value::as_str);
        let id = field("/id").unwrap_or_default();
        let index = delta.get("index").and_then(Value::as_u64);
        let index = index.unwrap_or_else(|| self.index_without_number(id));
        if index >= MAX_CALLS {
            return Err(Fault::malformed("the answer calls too many tools"));
        }
        let parts = self.calls.entry(index).or_default();
        if parts.id.is_empty() {
            parts.id.push_str(id);
        }
        if parts.name.is_empty() {
            parts.name.push_str(field("/function/name").unwrap_or_default());
        }
        match delta.pointer("/function/arguments") {
            Some(Value::String(piece)) => crate::wire::append(&mut parts.arguments, piece),
            Some(Value::Null) | None => Ok(()),
            Some(whole) => crate::wire::append(&mut parts.arguments, &whole.to_string()),
        }
    }

    /// Some servers number nothing: a new identity begins a new call.
    fn index_without_number(&self, id: &str) -> u64 {
        let Some((last, parts)) = self.calls.last_key_value() else { return 0 };
        if id.is_empty() || parts.id == id { *last } else { last.saturating_add(1) }
    }
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, data: &str, out: &mut VecDeque<ModelChunk>) -> Result<Progress, Fault> {
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(Progress::Done);
        }
        let chunk: Value = serde_json::from_str(data)
            .map_err(|_| Fault::malformed("the event stream has an event that is not JSON"))?;
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(from_error_object(error));
        }
        if self.answer.model.as_ref().is_none_or(String::is_empty) {
            self.answer.model = chunk.get("model").and_then(Value::as_str).map(str::to_owned);
        }
        if let Some(usage) = chunk.get("usage").and_then(usage) {
            self.answer.usage = Some(usage);
        }
        if let Some(choice) = chunk.pointer("/choices/0") {
            self.choice(choice, out)?;
        }
        Ok(Progress::More)
    }

    fn finish(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<ModelResponse, Fault> {
        // Some servers say why they stop and then forget the end mark.
        if !self.done && self.answer.finish.is_none() {
            return Err(Fault::cut());
        }
        let mut answer = std::mem::take(&mut self.answer);
        let calls = std::mem::take(&mut self.calls).into_values();
        for (index, call) in calls.enumerate() {
            let Parts { id, name, arguments } = &call;
            let names = &self.asked.names;
            let tool_call = complete_call(id, name, arguments, index, answer.finish, names)?;
            out.push_back(ModelChunk::ToolCall { tool_call: tool_call.clone() });
            answer.tool_calls.push(tool_call);
        }
        settle_finish(&mut answer);
        Ok(answer.into_response(&self.asked))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::proptest;
    use runcor_core::ModelRequest;

    use super::super::response::answer;
    use super::*;
    use crate::wire::{chunks_add_up, events};

    const KEYS: &[&str] = &[
        "choices",
        "delta",
        "content",
        "text",
        "tool_calls",
        "index",
        "id",
        "function",
        "name",
        "arguments",
        "finish_reason",
        "usage",
        "prompt_tokens",
        "completion_tokens",
        "error",
        "message",
        "refusal",
        "model",
    ];
    const WORDS: &[&str] = &[
        "stop",
        "length",
        "tool_calls",
        "text",
        "{}",
        "{\"a\":1}",
        "{",
        "",
        "call_1",
        "search",
        "ä",
    ];

    const RECORDED: &str = concat!(
        include_str!("../../tests/it/cassettes/openai/streamed_tool_calls/response.sse"),
        include_str!("../../tests/it/cassettes/openai/a_streamed_answer/response.sse")
    );

    fn asked() -> Asked {
        Asked::new(&Arc::from("test"), "m", &ModelRequest::prompt("x"))
    }

    proptest! {
        #[test]
        fn strange_events_give_what_they_say_or_an_error(events in events(KEYS, WORDS, RECORDED)) {
            for event in &events {
                let _ = answer(event, &asked());
            }
            chunks_add_up(ChunkDecoder::new(asked()), &events)?;
        }
    }
}
