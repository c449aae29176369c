//! The identities of tool calls, across vendors and within a conversation.

use runcor_core::{Message, Role};

/// The longest identity that every vendor takes.
#[cfg(any(feature = "anthropic", feature = "openai"))]
const MAX_LENGTH: usize = 40;

/// The identity that stands for `id` on the wire.
///
/// A conversation may have been begun by another vendor, whose identities have
/// characters or a length that this one refuses; such a one is replaced by one
/// that depends on it alone.
#[cfg(any(feature = "anthropic", feature = "openai"))]
pub(crate) fn wire_id(id: &str) -> String {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if plain && !id.is_empty() && id.len() <= MAX_LENGTH {
        return id.to_owned();
    }
    format!("call_{:016x}", fnv1a(id))
}

/// A small stable hash; it only needs to tell a conversation's few names apart.
pub(super) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Finds the call that a tool's turn answers where the turn does not say.
#[derive(Debug, Default)]
pub(crate) struct CallIds<'a> {
    open: Vec<(&'a str, &'a str)>,
}

impl<'a> CallIds<'a> {
    /// Takes note of one turn; for a tool's turn returns the identity and name
    /// of the call that it answers.
    pub(crate) fn turn(&mut self, message: &'a Message) -> (&'a str, &'a str) {
        if message.role == Role::Assistant {
            let calls = message.tool_calls.iter();
            self.open = calls.map(|call| (call.id.as_str(), call.name.as_str())).collect();
            return ("", "");
        }
        let id = message.tool_call_id.as_deref().filter(|id| !id.is_empty());
        let name = message.tool_name.as_deref().filter(|name| !name.is_empty());
        let at = self.open.iter().position(|(open_id, open_name)| match (id, name) {
            (Some(id), _) => id == *open_id,
            (None, Some(name)) => name == *open_name,
            (None, None) => true,
        });
        let open =
            if message.role == Role::Tool { at.map(|at| self.open.remove(at)) } else { None };
        let (open_id, open_name) = open.unwrap_or(("call_0", "unknown"));
        (id.unwrap_or(open_id), name.unwrap_or(open_name))
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::ToolCall;
    use serde_json::json;

    use super::*;

    #[cfg(any(feature = "anthropic", feature = "openai"))]
    #[test]
    fn foreign_identities_are_replaced_and_own_ones_kept() {
        assert_eq!(wire_id("toolu_01A09q90qw90lq917835lq9"), "toolu_01A09q90qw90lq917835lq9");
        let long = "call_0__thought__".to_owned() + &"AbC+/=".repeat(400);
        let wire = wire_id(&long);
        assert!(wire.len() <= MAX_LENGTH && wire == wire_id(&long));
        assert_ne!(wire_id(""), "");
    }

    #[test]
    fn a_result_without_identity_answers_the_open_call_of_its_name() {
        let call = |id: &str, name: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: json!({}),
        };
        let mut asks = Message::assistant("");
        asks.tool_calls = vec![call("1", "a"), call("2", "b")];
        let mut result = Message::new(Role::Tool, "done");
        result.tool_name = Some("b".to_owned());
        let bare = Message::new(Role::Tool, "done");
        let mut ids = CallIds::default();
        ids.turn(&asks);
        assert_eq!(ids.turn(&result), ("2", "b"));
        assert_eq!(ids.turn(&bare), ("1", "a"));
        assert_eq!(ids.turn(&bare), ("call_0", "unknown"));
    }
}
