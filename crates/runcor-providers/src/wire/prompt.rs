//! The conversation of a request, before a vendor's format shapes it.

use std::borrow::Cow;

use runcor_core::{Message, ModelRequest, Role};

/// What is added to the instructions where a vendor can't be told to write JSON.
pub(crate) const JSON_INSTRUCTION: &str =
    "Answer with valid JSON only: no explanation, no code fence.";

/// The instructions above the conversation: the system prompt, or else all
/// system messages, with a blank line between two.
pub(crate) fn system_prompt(request: &ModelRequest) -> Option<String> {
    let own = request.system_prompt.as_deref().filter(|text| !text.is_empty());
    if let Some(own) = own {
        return Some(own.to_owned());
    }
    let system = request.messages.iter().filter(|message| message.role == Role::System);
    let texts: Vec<&str> =
        system.map(|message| message.content.as_str()).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() { None } else { Some(texts.join("\n\n")) }
}

/// The turns below the instructions; a prompt is one turn of the user.
pub(crate) fn turns(request: &ModelRequest) -> Cow<'_, [Message]> {
    if request.messages.is_empty() {
        return Cow::Owned(vec![Message::user(request.prompt.clone().unwrap_or_default())]);
    }
    let is_system = |message: &Message| message.role == Role::System;
    if request.messages.iter().any(is_system) {
        Cow::Owned(request.messages.iter().filter(|m| !is_system(m)).cloned().collect())
    } else {
        Cow::Borrowed(&request.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_prompt_replaces_the_system_messages() {
        let messages = [Message::system("a"), Message::user("b"), Message::system("c")];
        let request = ModelRequest::messages(messages);
        assert_eq!(system_prompt(&request).as_deref(), Some("a\n\nc"));
        assert_eq!(turns(&request).as_ref(), [Message::user("b")]);
        let request = request.with_system_prompt("only me");
        assert_eq!(system_prompt(&request).as_deref(), Some("only me"));
        assert_eq!(turns(&ModelRequest::prompt("p")).as_ref(), [Message::user("p")]);
    }
}
