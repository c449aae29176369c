//! An answer as it is gathered, and the response that is made of it.

use std::sync::Arc;

use runcor_core::{FinishReason, ModelRequest, ModelResponse, ToolCall, Usage};

use super::names::WireNames;
use crate::http::Fault;

/// The most bytes of text and arguments that an answer may have.
const MAX_ANSWER: usize = 16 << 20;

/// What the reading of an answer must know about its request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) provider: Arc<str>,
    pub(crate) model: String,
    pub(crate) names: WireNames,
    prompt_tokens: u64,
}

impl Asked {
    pub(crate) fn new(provider: &Arc<str>, model: &str, request: &ModelRequest) -> Self {
        Self {
            provider: Arc::clone(provider),
            model: model.to_owned(),
            names: WireNames::of(request),
            prompt_tokens: estimate(prompt_bytes(request)),
        }
    }
}

/// A vendor's answer, whole or so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) finish: Option<FinishReason>,
}

impl Answer {
    /// Appends text, within bounds.
    pub(crate) fn push_text(&mut self, text: &str) -> Result<(), Fault> {
        append(&mut self.text, text)
    }

    /// Makes the response; usage that the vendor left out is estimated.
    pub(crate) fn into_response(self, asked: &Asked) -> ModelResponse {
        let usage = self.usage.unwrap_or_else(|| {
            let arguments = self.tool_calls.iter().map(|call| call.arguments.to_string().len());
            Usage {
                prompt_tokens: asked.prompt_tokens,
                completion_tokens: estimate(self.text.len() + arguments.sum::<usize>()),
                estimated: true,
                ..Usage::default()
            }
        });
        ModelResponse {
            text: self.text,
            model: self.model.filter(|m| !m.is_empty()).unwrap_or_else(|| asked.model.clone()),
            provider: asked.provider.as_ref().to_owned(),
            usage,
            tool_calls: self.tool_calls,
            parsed: None,
            finish_reason: self.finish,
            cost: None,
            substituted: false,
        }
    }
}

/// Appends to what a stream gathers, within bounds.
pub(crate) fn append(to: &mut String, text: &str) -> Result<(), Fault> {
    if to.len() + text.len() > MAX_ANSWER {
        return Err(Fault::too_large(MAX_ANSWER));
    }
    to.push_str(text);
    Ok(())
}

/// The common rule of thumb: a token is four bytes.
fn estimate(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX)
}

fn prompt_bytes(request: &ModelRequest) -> usize {
    let said = if request.messages.is_empty() {
        request.prompt.as_ref().map_or(0, String::len)
    } else {
        request.messages.iter().map(|message| message.content.len()).sum()
    };
    said + request.system_prompt.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_that_the_vendor_left_out_is_estimated_and_says_so() {
        let request = ModelRequest::prompt("12345678");
        let asked = Asked::new(&Arc::from("p"), "m", &request);
        let answer = Answer { text: "12345".to_owned(), ..Answer::default() };
        let response = answer.into_response(&asked);
        assert!(response.usage.estimated);
        assert_eq!((response.usage.prompt_tokens, response.usage.completion_tokens), (2, 2));
        assert_eq!((response.model.as_str(), response.provider.as_str()), ("m", "p"));
    }
}
