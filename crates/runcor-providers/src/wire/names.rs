//! Tool names on the wire: vendors allow letters, digits, `_` and `-` only.

use std::collections::{HashMap, HashSet};

use runcor_core::ModelRequest;

/// The longest name that every vendor takes.
const MAX_LENGTH: usize = 64;

/// The name of the tool by which a vendor without structured answers gives one.
pub(crate) const RESERVED: &str = "__structured_output";

/// Both directions of the translation, for one request.
///
/// A name that vendors take stays itself. Of any other, what they don't take
/// becomes `_`; a name that is taken already, and one that had to be cut, gets
/// a mark that depends on the name alone, so that the same tool has the same
/// name in every turn and the vendor's prompt cache keeps working.
#[derive(Debug, Default)]
pub(crate) struct WireNames {
    to_wire: HashMap<String, String>,
    from_wire: HashMap<String, String>,
}

impl WireNames {
    /// Collects the names of a request's tools and of the calls in its history.
    pub(crate) fn of(request: &ModelRequest) -> Self {
        let called = request.messages.iter().flat_map(|message| &message.tool_calls);
        let results = request.messages.iter().filter_map(|message| message.tool_name.as_deref());
        let all = request.tools.iter().map(|tool| tool.name.as_str());
        let all = all.chain(called.map(|call| call.name.as_str())).chain(results);
        let strange: Vec<&str> = all.clone().filter(|name| !is_plain(name)).collect();
        if strange.is_empty() {
            return Self::default();
        }
        let mut taken: HashSet<String> =
            all.filter(|name| is_plain(name)).map(str::to_owned).collect();
        let mut names = Self::default();
        for name in strange {
            if names.to_wire.contains_key(name) {
                continue;
            }
            let wire = choose(name, &taken);
            taken.insert(wire.clone());
            names.to_wire.insert(name.to_owned(), wire.clone());
            names.from_wire.insert(wire, name.to_owned());
        }
        names
    }

    /// The name that stands for `name` on the wire.
    pub(crate) fn encode<'a>(&'a self, name: &'a str) -> &'a str {
        self.to_wire.get(name).map_or(name, String::as_str)
    }

    /// The name that stands on the wire as `wire`.
    pub(crate) fn decode(&self, wire: &str) -> String {
        self.from_wire.get(wire).map_or(wire, String::as_str).to_owned()
    }
}

fn is_plain(name: &str) -> bool {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins_well && name.len() <= MAX_LENGTH && name.chars().all(is_allowed) && name != RESERVED
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn choose(name: &str, taken: &HashSet<String>) -> String {
    let mut wire: String = name.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
    if !wire.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        wire.insert(0, '_');
    }
    if is_plain(&wire) && !taken.contains(&wire) {
        return wire;
    }
    let mark = format!("_{:016x}", super::call_id::fnv1a(name));
    wire.truncate(MAX_LENGTH - mark.len());
    wire + &mark
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use runcor_core::ToolDefinition;
    use serde_json::json;

    use super::*;

    fn names(tools: &[&str]) -> WireNames {
        let tools: Vec<_> = tools
            .iter()
            .map(|name| ToolDefinition {
                name: (*name).to_owned(),
                description: String::new(),
                input_schema: json!({}),
            })
            .collect();
        WireNames::of(&ModelRequest::prompt("x").with_tools(tools))
    }

    #[test]
    fn plain_names_stay_and_dots_are_translated_both_ways() {
        let names = names(&["search", "gmail.send"]);
        assert_eq!(names.encode("search"), "search");
        assert_eq!(names.encode("gmail.send"), "gmail_send");
        assert_eq!(names.decode("gmail_send"), "gmail.send");
        assert_eq!(names.decode("unheard_of"), "unheard_of");
    }

    #[test]
    fn two_names_never_become_one() {
        let names = names(&["a.b", "a_b", "a:b", RESERVED]);
        assert_eq!(names.encode("a_b"), "a_b");
        let mut wires: Vec<_> = ["a.b", "a_b", "a:b"].map(|name| names.encode(name)).to_vec();
        wires.sort_unstable();
        wires.dedup();
        assert_eq!(wires.len(), 3);
        assert_ne!(names.encode(RESERVED), RESERVED);
    }

    proptest! {
        #[test]
        fn any_names_survive_the_round_trip(tools in vec(any::<String>(), 1..8)) {
            let borrowed: Vec<&str> = tools.iter().map(String::as_str).collect();
            let names = names(&borrowed);
            for tool in &tools {
                let wire = names.encode(tool);
                prop_assert!(is_plain(wire), "{wire}");
                prop_assert_eq!(&names.decode(wire), tool);
            }
        }
    }
}
