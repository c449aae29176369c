//! Estimates of tokens, for vendors that do not tell them.

use std::io;

use runcor_core::{ModelRequest, ModelResponse, ToolCall, Usage};
use serde_json::Value;

/// The characters that make a token, as vendors' own rule of thumb has it.
const CHARS_PER_TOKEN: u64 = 4;

/// The tokens that each turn and each tool takes beside its text.
const TOKENS_PER_TURN: u64 = 4;

/// Returns whether a vendor has told nothing.
pub(crate) fn is_missing(usage: &Usage) -> bool {
    usage.prompt_tokens == 0 && usage.completion_tokens == 0
}

/// Estimates what an answer has used: the prompt as it was reserved, where it
/// was, and no more tokens than that.
pub(crate) fn usage(
    request: &ModelRequest,
    response: &ModelResponse,
    ceiling: Option<&Usage>,
) -> Usage {
    let reserved = ceiling.filter(|ceiling| ceiling.prompt_tokens > 0);
    let most = reserved.map_or(u64::MAX, |reserved| reserved.completion_tokens);
    let calls: u64 = response.tool_calls.iter().map(chars_of_call).sum();
    Usage {
        prompt_tokens: reserved.map_or_else(|| prompt(request), |reserved| reserved.prompt_tokens),
        completion_tokens: tokens(chars(&response.text) + calls).min(most),
        estimated: true,
        ..Usage::default()
    }
}

/// Returns the tokens of so many characters.
pub(crate) fn tokens(chars: u64) -> u64 {
    chars.div_ceil(CHARS_PER_TOKEN)
}

/// Counts the characters of a text.
pub(crate) fn chars(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

/// Counts the characters in which a model writes a tool call.
pub(crate) fn chars_of_call(call: &ToolCall) -> u64 {
    chars(&call.name) + size(&call.arguments)
}

fn prompt(request: &ModelRequest) -> u64 {
    let single = request.prompt.iter().chain(&request.system_prompt);
    let single = single.map(|text| TOKENS_PER_TURN + tokens(chars(text)));
    let turns = request.messages.iter().map(|turn| {
        let calls: u64 = turn.tool_calls.iter().map(chars_of_call).sum();
        TOKENS_PER_TURN + tokens(chars(&turn.content) + calls)
    });
    let tools = request.tools.iter().map(|tool| {
        let text = chars(&tool.name) + chars(&tool.description) + size(&tool.input_schema);
        TOKENS_PER_TURN + tokens(text)
    });
    single.chain(turns).chain(tools).sum()
}

/// Returns how many bytes a value has as JSON, without writing it down.
fn size(value: &Value) -> u64 {
    let mut count = Count(0);
    // Counting can't fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn four_characters_are_a_token_and_a_part_of_one_counts_whole() {
        assert_eq!([0, 1, 4, 5].map(tokens), [0, 1, 1, 2]);
        assert_eq!(tokens(chars("äöüß")), 1);
    }

    #[test]
    fn an_answer_is_estimated_with_its_tool_calls_and_the_prompt_as_it_was_reserved() {
        let request = ModelRequest::prompt("12345678").with_system_prompt("1234");
        let call =
            ToolCall { id: "c".to_owned(), name: "look".to_owned(), arguments: json!({ "q": 1 }) };
        let response = ModelResponse {
            text: "12345".to_owned(),
            tool_calls: vec![call],
            ..ModelResponse::default()
        };
        let alone = usage(&request, &response, None);
        assert_eq!((alone.prompt_tokens, alone.completion_tokens), (6 + 5, 4));
        let ceiling = Usage { prompt_tokens: 99, completion_tokens: 3, ..Usage::default() };
        let reserved = usage(&request, &response, Some(&ceiling));
        assert_eq!((reserved.prompt_tokens, reserved.completion_tokens), (99, 3));
        assert!(alone.estimated && reserved.estimated);
    }
}
