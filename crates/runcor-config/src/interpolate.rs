//! Filling in `${NAME}` and `${NAME:-default}` from the environment.
//!
//! It happens on texts after the YAML is parsed, so a value can't inject YAML,
//! and only once, so a value can't name further variables. A variable that is
//! set counts as set even when it is empty. `$${` stands for a plain `${`.

use std::rc::Rc;

use crate::findings::Findings;
use crate::load::Env;
use crate::node::{Content, Node};
use crate::path::{Path, shown_variable};

/// The most bytes that all filled-in texts of a file may have together.
const MAX_FILLED_BYTES: usize = 4 * 1024 * 1024;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Plain(&'a str),
    /// `$${`, which stands for `${`.
    Escape,
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
    /// A `${` that is not a placeholder.
    Malformed,
}

/// Fills in the texts of `node` and below it; what can't be filled in is reported.
pub(crate) fn fill(node: &mut Node, env: Env<'_>, findings: &mut Findings) {
    let mut filler = Filler { env, findings, room: MAX_FILLED_BYTES };
    filler.node(node, Path::Root);
}

struct Filler<'e, 'f> {
    env: Env<'e>,
    findings: &'f mut Findings,
    room: usize,
}

impl Filler<'_, '_> {
    fn node(&mut self, node: &mut Node, path: Path<'_>) {
        match &mut node.content {
            Content::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, path.index(index));
                }
            }
            Content::Map(entries) => {
                for entry in entries {
                    self.node(&mut entry.value, path.key(&entry.key));
                }
            }
            Content::Text(text) if text.contains("${") => {
                let text = Rc::clone(text);
                node.content = self.text(&text, node, path);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, node: &Node, path: Path<'_>) -> Content {
        let (mut filled, mut is_filled, mut sound) = (String::new(), false, true);
        for piece in pieces(text) {
            match piece {
                Piece::Plain(plain) => filled.push_str(plain),
                Piece::Escape => filled.push_str("${"),
                Piece::Variable { name, default } => {
                    is_filled = true;
                    match (self.env)(name).as_deref().or(default) {
                        Some(value) if value.len() <= self.room => {
                            self.room -= value.len();
                            filled.push_str(value);
                        }
                        Some(_) => sound = self.report(node, path, too_large(name)),
                        None => sound = self.report(node, path, missing(name)),
                    }
                }
                Piece::Malformed => sound = self.report(node, path, MALFORMED.to_owned()),
            }
        }
        match (sound, is_filled) {
            (false, _) => Content::Broken,
            (true, true) => Content::Filled(filled.into()),
            (true, false) => Content::Text(filled.into()),
        }
    }

    fn report(&mut self, node: &Node, path: Path<'_>, message: String) -> bool {
        self.findings.problem(path, node.place, message);
        false
    }
}

const MALFORMED: &str = "\"${\" begins a placeholder that is not whole; write ${NAME}, ${NAME:-default}, or $${ for a plain ${";

fn missing(name: &str) -> String {
    let name = shown_variable(name);
    format!("the environment variable {name} is not set; set it or give a default: ${{{name}:-…}}")
}

fn too_large(name: &str) -> String {
    format!("the environment variable {} is too large to be filled in here", shown_variable(name))
}

/// Cuts a text into pieces.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Plain(before), Piece::Escape]);
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        pieces.push(Piece::Plain(before));
        let Some((inside, after)) = from.get(2..).and_then(|inside| inside.split_once('}')) else {
            pieces.push(Piece::Malformed);
            return pieces;
        };
        pieces.push(placeholder(inside));
        rest = after;
    }
    pieces.push(Piece::Plain(rest));
    pieces
}

fn placeholder(inside: &str) -> Piece<'_> {
    let (name, default) = match inside.split_once(':') {
        None => (inside, None),
        Some((name, default)) => match default.strip_prefix('-') {
            Some(default) => (name, Some(default)),
            None => return Piece::Malformed,
        },
    };
    if name.is_empty() { Piece::Malformed } else { Piece::Variable { name, default } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, prop_assert_eq, proptest};

    use super::*;
    use crate::node::Place;

    fn filled(text: &str) -> Result<String, Vec<String>> {
        let env = |name: &str| match name {
            "A" => Some("alpha".to_owned()),
            "EMPTY" => Some(String::new()),
            "EVIL" => Some("${A}\nx: [".to_owned()),
            _ => None,
        };
        let mut node = Node { place: Place::START, content: Content::Text(text.into()) };
        let mut findings = Findings::default();
        fill(&mut node, &env, &mut findings);
        match findings.finish() {
            Ok(_) => Ok(node.text().unwrap().to_owned()),
            Err((problems, _)) => Err(problems.into_iter().map(|p| p.message).collect()),
        }
    }

    #[test]
    fn several_placeholders_of_one_text_are_filled_in() {
        assert_eq!(filled("x-${A}-${B:-beta}-${A}").unwrap(), "x-alpha-beta-alpha");
    }

    #[test]
    fn a_variable_that_is_set_but_empty_counts_as_set() {
        assert_eq!(filled("[${EMPTY:-no}]").unwrap(), "[]");
        assert_eq!(filled("[${B:-}]").unwrap(), "[]");
    }

    #[test]
    fn a_default_may_have_colons() {
        assert_eq!(filled("${B:-http://x:1/}").unwrap(), "http://x:1/");
    }

    #[test]
    fn two_dollars_stand_for_a_plain_placeholder() {
        assert_eq!(filled("$${A} $$${A} ${A}").unwrap(), "${A} $${A} alpha");
        assert_eq!(filled("costs $5 {x}").unwrap(), "costs $5 {x}");
    }

    #[test]
    fn a_value_is_not_filled_in_again() {
        assert_eq!(filled("${EVIL}").unwrap(), "${A}\nx: [");
    }

    #[test]
    fn every_missing_variable_of_a_text_is_reported() {
        let messages = filled("${B} ${C}").unwrap_err();
        assert_eq!(messages.len(), 2);
        assert!(messages[0].contains("variable B is not set"), "{messages:?}");
    }

    #[test]
    fn a_placeholder_that_is_not_whole_is_reported() {
        for text in ["${", "${A", "${}", "${A:x}", "${:-x}"] {
            assert_eq!(filled(text).unwrap_err(), [MALFORMED], "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_placeholder_stays_as_it_is(
            text in ".*".prop_filter("no placeholder", |text| !text.contains("${"))
        ) {
            prop_assert_eq!(filled(&text).unwrap(), text);
        }

        #[test]
        fn an_escaped_text_comes_out_as_it_was(text in "[a${}:-]*") {
            let escaped = text.replace("${", "$${");
            prop_assert_eq!(filled(&escaped).unwrap(), text);
        }
    }
}
