//! Reads an answer in pieces.

use std::collections::{BTreeMap, VecDeque};

use runcor_core::{ModelChunk, ModelResponse, ToolCall};
use serde_json::Value;

use super::response::{TokenCounts, finish_reason, settle_finish};
use super::structured::Structured;
use crate::http::{Decoder, Fault, Progress, from_error_object};
use crate::wire::{Answer, Asked, STRUCTURED_OUTPUT, append, arguments};

/// The most blocks that may be open at a time; the API opens one.
const MAX_OPEN: usize = 1024;

/// Puts an answer together from the Messages API's events.
#[derive(Debug)]
pub(super) struct EventDecoder {
    asked: Asked,
    structured: Structured,
    answer: Answer,
    counts: TokenCounts,
    open: BTreeMap<u64, Block>,
    /// Whether the answer came as the input of the tool that stands for it.
    given: bool,
    done: bool,
}

/// A block whose end has not come.
#[derive(Debug)]
enum Block {
    Text,
    Tool {
        id: String,
        name: String,
        json: String,
    },
    /// The tool that stands for the answer; its JSON is the answer's text.
    Answer {
        json: String,
    },
    Ignored,
}

impl EventDecoder {
    pub(super) fn new(asked: Asked, structured: Structured) -> Self {
        Self {
            asked,
            structured,
            answer: Answer::default(),
            counts: TokenCounts::default(),
            open: BTreeMap::new(),
            given: false,
            done: false,
        }
    }

    fn block_start(&mut self, event: &Value, out: &mut VecDeque<ModelChunk>) -> Result<(), Fault> {
        let field = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let name = field("/content_block/name").unwrap_or_default();
        let block = match field("/content_block/type") {
            Some("text") => Block::Text,
            // The first answer counts.
            Some("tool_use") if self.given && name == STRUCTURED_OUTPUT => Block::Ignored,
            Some("tool_use") if self.structured.is_tool() && name == STRUCTURED_OUTPUT => {
                self.begin_given();
                Block::Answer { json: String::new() }
            }
            Some("tool_use") => Block::Tool {
                id: field("/content_block/id").unwrap_or_default().to_owned(),
                name: self.asked.names.decode(name),
                json: String::new(),
            },
            _ => Block::Ignored,
        };
        let text = match (&block, field("/content_block/text")) {
            (Block::Text, Some(text)) => text.to_owned(),
            _ => String::new(),
        };
        if self.open.len() >= MAX_OPEN {
            return Err(Fault::malformed("the answer has too many open blocks"));
        }
        self.open.insert(index(event), block);
        self.text(&text, out)
    }

    /// What the model said before the answer proper is not part of it.
    fn begin_given(&mut self) {
        self.answer.text.clear();
        self.given = true;
    }

    /// Takes text; it is held back while a structured answer may still replace it.
    fn text(&mut self, text: &str, out: &mut VecDeque<ModelChunk>) -> Result<(), Fault> {
        if text.is_empty() || self.given {
            return Ok(());
        }
        self.answer.push_text(text)?;
        if !self.structured.is_tool() {
            out.push_back(ModelChunk::TextDelta { text: text.to_owned() });
        }
        Ok(())
    }

    fn block_delta(&mut self, event: &Value, out: &mut VecDeque<ModelChunk>) -> Result<(), Fault> {
        let field = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let piece = match field("/delta/type") {
            Some("text_delta") => return self.text(field("/delta/text").unwrap_or_default(), out),
            Some("input_json_delta") => field("/delta/partial_json").unwrap_or_default(),
            _ => return Ok(()),
        };
        match self.open.get_mut(&index(event)) {
            Some(Block::Tool { json, .. }) => append(json, piece),
            Some(Block::Answer { json }) if self.structured.is_wrapped() => append(json, piece),
            Some(Block::Answer { json }) => {
                append(json, piece)?;
                if !piece.is_empty() {
                    self.answer.push_text(piece)?;
                    out.push_back(ModelChunk::TextDelta { text: piece.to_owned() });
                }
                Ok(())
            }
            Some(Block::Text | Block::Ignored) | None => Ok(()),
        }
    }

    fn block_stop(&mut self, event: &Value, out: &mut VecDeque<ModelChunk>) -> Result<(), Fault> {
        match self.open.remove(&index(event)) {
            Some(Block::Tool { id, name, json }) => {
                let arguments = arguments(&json, &name, self.answer.finish)?;
                let tool_call = ToolCall { id, name, arguments };
                out.push_back(ModelChunk::ToolCall { tool_call: tool_call.clone() });
                self.answer.tool_calls.push(tool_call);
            }
            Some(Block::Answer { json }) if self.structured.is_wrapped() => {
                // What the token limit cut is given as it is; no schema will accept it.
                let input = serde_json::from_str(&json).map(|input| self.structured.unwrap(&input));
                let text = input.unwrap_or(json);
                self.answer.push_text(&text)?;
                out.push_back(ModelChunk::TextDelta { text });
            }
            Some(Block::Answer { .. } | Block::Text | Block::Ignored) | None => {}
        }
        Ok(())
    }

    fn message_start(&mut self, event: &Value) {
        let model = event.pointer("/message/model").and_then(Value::as_str);
        self.answer.model = model.map(str::to_owned);
        self.counts.merge(event.pointer("/message/usage"));
    }

    fn message_delta(&mut self, event: &Value) {
        self.counts.merge(event.get("usage"));
        let reason = event.pointer("/delta/stop_reason").and_then(finish_reason);
        self.answer.finish = reason.or(self.answer.finish);
    }
}

fn index(event: &Value) -> u64 {
    event.get("index").and_then(Value::as_u64).unwrap_or(0)
}

impl Decoder for EventDecoder {
    fn event(&mut self, data: &str, out: &mut VecDeque<ModelChunk>) -> Result<Progress, Fault> {
        let event: Value = serde_json::from_str(data)
            .map_err(|_| Fault::malformed("the event stream has an event that is not JSON"))?;
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => self.message_start(&event),
            "content_block_start" => self.block_start(&event, out)?,
            "content_block_delta" => self.block_delta(&event, out)?,
            "content_block_stop" => self.block_stop(&event, out)?,
            "message_delta" => self.message_delta(&event),
            "message_stop" => {
                self.done = true;
                return Ok(Progress::Done);
            }
            "error" => return Err(from_error_object(event.get("error").unwrap_or(&event))),
            // New kinds of events are no reason to fail; pings are none either.
            _ => {}
        }
        Ok(Progress::More)
    }

    fn finish(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<ModelResponse, Fault> {
        if !self.done && self.answer.finish.is_none() {
            return Err(Fault::cut());
        }
        // An answer without the call that it makes would pass for the model's last word.
        let is_call = |block: &Block| matches!(block, Block::Tool { .. } | Block::Answer { .. });
        if self.open.values().any(is_call) {
            return Err(Fault::cut());
        }
        let mut answer = std::mem::take(&mut self.answer);
        if self.structured.is_tool() && !self.given && !answer.text.is_empty() {
            out.push_back(ModelChunk::TextDelta { text: answer.text.clone() });
        }
        if self.given {
            settle_finish(&mut answer);
        }
        answer.usage = self.counts.total();
        Ok(answer.into_response(&self.asked))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::proptest;
    use runcor_core::ModelRequest;
    use serde_json::json;

    use super::super::response::answer;
    use super::*;
    use crate::wire::{chunks_add_up, events};

    const KEYS: &[&str] = &[
        "type",
        "index",
        "content_block",
        "delta",
        "text",
        "partial_json",
        "id",
        "name",
        "input",
        "stop_reason",
        "usage",
        "input_tokens",
        "output_tokens",
        "error",
        "message",
        "model",
        "content",
    ];
    const WORDS: &[&str] = &[
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "text",
        "tool_use",
        "text_delta",
        "input_json_delta",
        "__structured_output",
        "{\"value\":[1]}",
        "{",
        "end_turn",
        "tool_use",
        "error",
        "ä",
    ];

    const RECORDED: &str = concat!(
        include_str!("../../tests/it/cassettes/anthropic/a_streamed_tool_call/response.sse"),
        include_str!("../../tests/it/cassettes/anthropic/a_streamed_list/response.sse")
    );

    fn structured() -> Structured {
        Structured::Tool { schema: Value::Null, wrapped: true, forced: true }
    }

    fn asked() -> Asked {
        Asked::new(&Arc::from("test"), "m", &ModelRequest::prompt("x"))
    }

    #[test]
    fn a_tool_call_whose_end_never_came_is_not_left_out_of_the_answer() {
        for name in ["search", STRUCTURED_OUTPUT] {
            let mut decoder = EventDecoder::new(asked(), structured());
            let mut out = VecDeque::new();
            for event in [
                json!({ "type": "content_block_start", "index": 0,
                    "content_block": { "type": "tool_use", "id": "t", "name": name } }),
                json!({ "type": "content_block_delta", "index": 0,
                    "delta": { "type": "input_json_delta", "partial_json": "{\"a\":" } }),
                json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" } }),
                json!({ "type": "message_stop" }),
            ] {
                decoder.event(&event.to_string(), &mut out).unwrap();
            }
            assert!(decoder.finish(&mut out).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn strange_events_give_what_they_say_or_an_error(events in events(KEYS, WORDS, RECORDED)) {
            for event in &events {
                let _ = answer(event, &asked(), &structured());
            }
            chunks_add_up(EventDecoder::new(asked(), structured()), &events)?;
        }
    }
}
