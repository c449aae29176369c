//! Fuzz targets: what holds for every input, however strange. No part of the API.
//!
//! `cargo xtask fuzz` looks for inputs that break them; the tests below run them
//! over the inputs that are kept in `tests/fuzz`.

use serde_json::{Value, json};

use crate::expression::{Condition, Mapping, Path, See};
use crate::file::{FlowFile, Node};

/// A flow file is read, or refused with mistakes that lie within it, each on one line.
pub fn flow_file(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Err(error) = FlowFile::parse(text, "flow.yaml") else { return };
    assert!(!error.problems().is_empty(), "refused without a reason");
    let last = 1 + text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    for problem in error.problems() {
        let shown = problem.to_string();
        assert_eq!(shown.lines().count(), 1, "{shown:?}");
        assert!(!problem.message.contains("gave up"), "the parser panics");
        let line = problem.place.map_or(1, |place| place.line);
        assert!(usize::try_from(line).is_ok_and(|line| line <= last), "{shown} of {last} lines");
    }
}

/// A path, and on the next line a document: what is selected is what the value is made of.
pub fn json_path(data: &[u8]) {
    let Some((text, document)) = text_and_document(data) else { return };
    let Ok(path) = Path::parse(text) else { return };
    let selected = path.select(&document);
    match (selected.as_slice(), path.value(&document)) {
        ([], None) => {}
        ([one], Some(value)) => assert_eq!(**one, value),
        (several, Some(Value::Array(items))) => assert_eq!(several.len(), items.len()),
        (several, value) => assert_eq!(several.len(), 0, "{value:?}"),
    }
}

/// A condition, and on the next line a document: a list of two alike says what one says.
pub fn condition(data: &[u8]) {
    let Some((text, document)) = text_and_document(data) else { return };
    let Ok(condition) = Condition::parse(&[text]) else { return };
    let holds = condition.holds(&document);
    let twice = Condition::parse(&[text, text]).map(|both| both.holds(&document));
    assert_eq!(twice, Ok(holds));
    for (_, path) in condition.paths() {
        let finds = !path.select(&document).is_empty();
        assert!(finds || !holds, "a path that finds nothing holds");
    }
}

/// A mapping, and on the next line a document: any can be resolved, and what is escaped
/// resolves to itself.
pub fn mapping(data: &[u8]) {
    let Some((text, document)) = text_and_document(data) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let mut ignored = Ignored;
    let resolved = Mapping::read(&Node::from(&value), "input", &mut ignored).resolve(&document);
    assert!(resolved.is_some() || value.is_string(), "only a bare path may find nothing");
    let literal = Mapping::read(&Node::from(&escaped(&value)), "input", &mut ignored);
    assert_eq!(literal.resolve(&document), Some(value));
}

/// The first line, and the rest as JSON; a small document where it is none.
fn text_and_document(data: &[u8]) -> Option<(&str, Value)> {
    let text = str::from_utf8(data).ok()?;
    let (text, document) = text.split_once('\n').unwrap_or((text, ""));
    let document = serde_json::from_str(document).unwrap_or_else(
        |_| json!({ "input": { "a": [1, { "b-c": "d" }], "n": 2.5, "t": "ä" }, "steps": {} }),
    );
    Some((text, document))
}

fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('$') => Value::String(format!("${text}")),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), escaped(value))).collect()
        }
        other => other.clone(),
    }
}

/// Hears of paths and mistakes, and does nothing about them.
struct Ignored;

impl See for Ignored {
    fn path(&mut self, _: &Node, _: &str, _: &Path) {}
    fn mistake(&mut self, _: &Node, _: &str, _: String) {}
}

#[cfg(test)]
mod tests {
    use runcor_testkit::replay_inputs;

    const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

    #[test]
    fn flow_files_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/flow_file"), super::flow_file);
    }

    #[test]
    fn paths_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/json_path"), super::json_path);
    }

    #[test]
    fn conditions_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/condition"), super::condition);
    }

    #[test]
    fn mappings_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/mapping"), super::mapping);
    }
}
