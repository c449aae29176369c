//! How many tokens a request may use: the documented estimate, and the most that it can be.

use std::io;

use runcor_core::{ModelRequest, ResponseFormat, Usage};
use serde::Serialize;

/// Tokens that vendors put around a request.
const AROUND: u64 = 64;
/// Tokens that vendors put around a message: its role and its borders.
const AROUND_MESSAGE: u64 = 16;
/// Tokens with which vendors explain tools to a model; Anthropic's take some 800.
const FOR_TOOLS: u64 = 1_024;
/// Tokens that vendors put around one tool.
const AROUND_TOOL: u64 = 64;
/// Tokens with which vendors explain the form that an answer must have.
const FOR_FORMAT: u64 = 512;

/// Returns what a request is presumed to use: a token for four characters of
/// everything that is sent, and the limit of the answer or `default_output`.
///
/// Budgets that are not hard set aside its cost.
#[must_use]
pub fn estimate(request: &ModelRequest, default_output: u32) -> Usage {
    Volume::of(request).estimate(request, default_output)
}

/// Returns the most that a request can use: a token for each byte of everything
/// that is sent, room for what vendors put around it, and the limit of the answer.
///
/// Vendors' tokens are made of whole bytes, so that a text has at most as many
/// tokens as bytes. Hard budgets set aside its cost, and so can't be exceeded.
#[must_use]
pub fn ceiling(request: &ModelRequest) -> Usage {
    Volume::of(request).ceiling(request)
}

fn around(request: &ModelRequest) -> u64 {
    let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    // The prompt and the system prompt become messages.
    let messages = (count(request.messages.len()) + 2) * AROUND_MESSAGE;
    let tools = match count(request.tools.len()) {
        0 => 0,
        tools => FOR_TOOLS + tools * AROUND_TOOL,
    };
    let format = if request.response_format.is_text() { 0 } else { FOR_FORMAT };
    AROUND + messages + tools + format
}

/// How much text a request has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Volume {
    chars: u64,
    bytes: u64,
}

impl Volume {
    pub(crate) fn estimate(self, request: &ModelRequest, default_output: u32) -> Usage {
        Usage {
            prompt_tokens: self.chars.div_ceil(4),
            completion_tokens: u64::from(request.max_tokens.unwrap_or(default_output)),
            estimated: true,
            ..Usage::default()
        }
    }

    pub(crate) fn ceiling(self, request: &ModelRequest) -> Usage {
        let output = request.max_tokens.unwrap_or(ModelRequest::DEFAULT_MAX_TOKENS);
        Usage {
            prompt_tokens: self.bytes + around(request),
            completion_tokens: u64::from(output),
            estimated: true,
            ..Usage::default()
        }
    }

    pub(crate) fn of(request: &ModelRequest) -> Self {
        let mut volume = Self::default();
        volume.text(request.system_prompt.as_deref().unwrap_or_default());
        if request.messages.is_empty() {
            volume.text(request.prompt.as_deref().unwrap_or_default());
        }
        for message in &request.messages {
            volume.text(&message.content);
            volume.text(message.tool_call_id.as_deref().unwrap_or_default());
            volume.text(message.tool_name.as_deref().unwrap_or_default());
            for call in &message.tool_calls {
                volume.text(&call.id);
                volume.text(&call.name);
                volume.json(&call.arguments);
            }
        }
        for tool in &request.tools {
            volume.text(&tool.name);
            volume.text(&tool.description);
            volume.json(&tool.input_schema);
        }
        if let ResponseFormat::Schema(schema) = &request.response_format {
            volume.json(schema);
        }
        volume
    }

    fn text(&mut self, text: &str) {
        self.add(text.chars().count(), text.len());
    }

    fn json(&mut self, value: &impl Serialize) {
        // Counting can't fail, and a value is JSON already.
        let _ = serde_json::to_writer(self, value);
    }

    fn add(&mut self, chars: usize, bytes: usize) {
        self.chars += u64::try_from(chars).unwrap_or(u64::MAX);
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}

/// Counts what is written.
impl io::Write for &mut Volume {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        // A character of UTF-8 begins with a byte that continues none.
        let chars = text.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
        self.add(chars, text.len());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::{Message, ToolCall, ToolDefinition};
    use serde_json::json;

    use super::*;

    fn tool() -> ToolDefinition {
        ToolDefinition {
            name: "find".to_owned(),
            description: "Finds.".to_owned(),
            input_schema: json!({ "type": "object" }),
        }
    }

    #[test]
    fn a_token_is_presumed_for_four_characters_and_the_default_for_the_answer() {
        let usage = estimate(&ModelRequest::prompt("äöü12"), 1_000);
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (2, 1_000));
        let usage = estimate(&ModelRequest::prompt("").with_max_tokens(7), 1_000);
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (0, 7));
    }

    #[test]
    fn everything_that_is_sent_is_counted() {
        let call =
            ToolCall { id: "c1".to_owned(), name: "find".to_owned(), arguments: json!({ "q": 1 }) };
        let answer = Message::tool(&call, "found");
        let asked = Message { tool_calls: vec![call], ..Message::assistant("hm") };
        let request = ModelRequest::messages([asked, answer])
            .with_system_prompt("be brief")
            .with_tools([tool()])
            .with_response_format(ResponseFormat::Schema(json!({ "type": "string" })));
        let texts = ["be brief", "hm", "c1", "find", r#"{"q":1}"#, "c1", "find", "found"];
        let tools = ["find", "Finds.", r#"{"type":"object"}"#, r#"{"type":"string"}"#];
        let chars: usize = texts.iter().chain(&tools).map(|text| text.len()).sum();
        assert_eq!(Volume::of(&request).chars, chars as u64);
    }

    #[test]
    fn a_prompt_beside_messages_is_not_sent_and_not_counted() {
        let mut request = ModelRequest::messages([Message::user("four")]);
        request.prompt = Some("not sent".to_owned());
        assert_eq!(estimate(&request, 0).prompt_tokens, 1);
    }

    #[test]
    fn the_ceiling_has_a_token_for_each_byte_and_room_for_what_vendors_add() {
        let bare = ceiling(&ModelRequest::prompt("äöü"));
        assert_eq!(bare.prompt_tokens, 6 + 64 + 2 * 16);
        assert_eq!(bare.completion_tokens, 1_024);
        let with_tool = ceiling(&ModelRequest::prompt("äöü").with_tools([tool()]));
        assert_eq!(with_tool.prompt_tokens - bare.prompt_tokens, 27 + 1_024 + 64);
    }
}
