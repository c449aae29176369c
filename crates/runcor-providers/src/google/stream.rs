//! Reads an answer in pieces.

use std::collections::VecDeque;

use runcor_core::{ModelChunk, ModelResponse};
use serde_json::Value;

use super::response::{read_into, settle_finish};
use crate::http::{Decoder, Fault, Progress, from_error_object};
use crate::wire::{Answer, Asked};

/// Puts an answer together from pieces that look like whole answers.
#[derive(Debug)]
pub(super) struct ContentDecoder {
    asked: Asked,
    answer: Answer,
}

impl ContentDecoder {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, answer: Answer::default() }
    }
}

impl Decoder for ContentDecoder {
    fn event(&mut self, data: &str, out: &mut VecDeque<ModelChunk>) -> Result<Progress, Fault> {
        let piece: Value = serde_json::from_str(data)
            .map_err(|_| Fault::malformed("the event stream has an event that is not JSON"))?;
        if let Some(error) = piece.get("error").filter(|error| !error.is_null()) {
            return Err(from_error_object(error));
        }
        let known = self.answer.tool_calls.len();
        let text = read_into(&mut self.answer, &piece, &self.asked)?;
        if !text.is_empty() {
            out.push_back(ModelChunk::TextDelta { text });
        }
        let new = self.answer.tool_calls.iter().skip(known).cloned();
        out.extend(new.map(|tool_call| ModelChunk::ToolCall { tool_call }));
        Ok(Progress::More)
    }

    fn finish(&mut self, _out: &mut VecDeque<ModelChunk>) -> Result<ModelResponse, Fault> {
        // There is no end mark: the last piece says why the model stopped.
        if self.answer.finish.is_none() {
            return Err(Fault::cut());
        }
        let mut answer = std::mem::take(&mut self.answer);
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
        "candidates",
        "content",
        "parts",
        "text",
        "thought",
        "functionCall",
        "name",
        "args",
        "id",
        "thoughtSignature",
        "finishReason",
        "usageMetadata",
        "promptTokenCount",
        "candidatesTokenCount",
        "error",
        "promptFeedback",
        "blockReason",
        "responseId",
        "modelVersion",
    ];
    const WORDS: &[&str] = &["STOP", "MAX_TOKENS", "text", "{}", "", "id_1", "search", "ä"];

    const RECORDED: &str = concat!(
        include_str!("../../tests/it/cassettes/google/a_streamed_function_call/response.sse"),
        include_str!("../../tests/it/cassettes/google/a_streamed_answer/response.sse")
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
            chunks_add_up(ContentDecoder::new(asked()), &events)?;
        }
    }
}
