//! The mapping of a step's input: literals and paths, resolved once.
//!
//! A text that begins with `$` is a path, `$$…` is the literal text `$…`, and
//! everything else stands for itself. Maps and lists are mapped recursively.
//! A path without a match leaves its key out of a map and is `null` in a list,
//! where leaving it out would move the others.

use std::borrow::Cow;

use serde_json::Value;

use super::path::Path;
use crate::file::{Node, Yaml};

/// A parsed mapping.
#[derive(Debug, Clone)]
pub(crate) enum Mapping {
    Path(Path),
    Literal(Value),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Mapping {
    /// Parses the mapping that stands at `path` in its file.
    ///
    /// `report` is told every mistake, and `found` every path, each with its node and place.
    pub(crate) fn read(node: &Node, path: &str, see: &mut impl See) -> Self {
        match &node.value {
            Yaml::Text(text) => read_text(node, text, path, see),
            Yaml::List(items) => Self::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Self::read(item, &format!("{path}[{index}]"), see))
                    .collect(),
            ),
            Yaml::Map(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, node)| {
                        let path = format!("{path}.{}", key.text);
                        (key.text.clone(), Self::read(node, &path, see))
                    })
                    .collect(),
            ),
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) => Self::Literal(node.to_json()),
        }
    }

    /// Returns the value for `document`; nothing when the mapping is a path without a match.
    pub(crate) fn resolve(&self, document: &Value) -> Option<Value> {
        match self {
            Self::Path(path) => path.value(document),
            Self::Literal(value) => Some(value.clone()),
            Self::List(items) => Some(Value::Array(
                items.iter().map(|item| item.resolve(document).unwrap_or_default()).collect(),
            )),
            Self::Map(entries) => Some(Value::Object(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), value.resolve(document)?)))
                    .collect(),
            )),
        }
    }
}

impl Mapping {
    /// Returns the items of the list that stands here: the elements of a list,
    /// or all that a path finds which may find several.
    ///
    /// # Errors
    /// Says what it is when it is no list; nothing and null are a list without items.
    pub(crate) fn items(&self, document: &Value) -> Result<Vec<Value>, &'static str> {
        if let Self::Path(path) = self
            && path.is_plural()
        {
            return Ok(path.select(document).into_iter().map(Cow::into_owned).collect());
        }
        match self.resolve(document) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(Value::Bool(_)) => Err("true or false"),
            Some(Value::Number(_)) => Err("a number"),
            Some(Value::String(_)) => Err("a text"),
            Some(Value::Object(_)) => Err("a map"),
        }
    }
}

/// Who is told what a mapping contains.
pub(crate) trait See {
    /// A path stands here.
    fn path(&mut self, node: &Node, place: &str, path: &Path);
    /// A mistake stands here.
    fn mistake(&mut self, node: &Node, place: &str, mistake: String);
}

fn read_text(node: &Node, text: &str, place: &str, see: &mut impl See) -> Mapping {
    let Some(rest) = text.strip_prefix('$') else {
        return Mapping::Literal(Value::String(text.to_owned()));
    };
    if rest.starts_with('$') {
        return Mapping::Literal(Value::String(rest.to_owned()));
    }
    match Path::parse(text) {
        Ok(path) => {
            see.path(node, place, &path);
            Mapping::Path(path)
        }
        Err(mistake) => {
            see.mistake(node, place, mistake);
            Mapping::Literal(Value::Null)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Seen {
        mistakes: Vec<String>,
        paths: usize,
    }

    impl See for Seen {
        fn path(&mut self, _: &Node, _: &str, _: &Path) {
            self.paths += 1;
        }
        fn mistake(&mut self, _: &Node, place: &str, mistake: String) {
            self.mistakes.push(format!("{place}: {mistake}"));
        }
    }

    fn resolve(mapping: &Value, document: &Value) -> Option<Value> {
        let mut seen = Seen::default();
        let mapping = Mapping::read(&Node::from(mapping), "input", &mut seen);
        assert_eq!(seen.mistakes, Vec::<String>::new());
        mapping.resolve(document)
    }

    #[test]
    fn paths_literals_and_escapes_are_told_apart() {
        let document = json!({ "input": { "url": "u", "tags": ["a", "b"] } });
        let mapping = json!({
            "source": "$.input.url",
            "tags": "$.input.tags[*]",
            "missing": "$.input.nothing",
            "price": "$$5.00",
            "dollar": "$$",
            "word": "plain",
            "number": 7,
        });
        let expected = json!({
            "source": "u", "tags": ["a", "b"], "price": "$5.00", "dollar": "$", "word": "plain", "number": 7,
        });
        assert_eq!(resolve(&mapping, &document), Some(expected));
    }

    #[test]
    fn maps_and_lists_are_mapped_recursively() {
        let document = json!({ "input": { "a": 1 } });
        let mapping =
            json!({ "deep": { "list": ["$.input.a", "$.input.b", { "x": "$.input.b" }] } });
        let expected = json!({ "deep": { "list": [1, null, {}] } });
        assert_eq!(resolve(&mapping, &document), Some(expected));
    }

    #[test]
    fn a_value_that_looks_like_a_path_is_not_read_again() {
        let document = json!({ "input": { "a": "$.input.secret", "secret": "s" } });
        assert_eq!(
            resolve(&json!({ "x": "$.input.a" }), &document),
            Some(json!({ "x": "$.input.secret" }))
        );
    }

    #[test]
    fn a_mapping_may_be_one_path_and_then_may_find_nothing() {
        assert_eq!(resolve(&json!("$.input"), &json!({ "input": [1] })), Some(json!([1])));
        assert_eq!(resolve(&json!("$.input"), &json!({})), None);
    }

    #[test]
    fn a_list_has_its_elements_and_a_path_to_several_values_has_them_all() {
        let document = json!({ "one": [[7]], "many": [1, 2], "n": null, "text": "t", "map": {} });
        let items = |mapping: Value| {
            Mapping::read(&Node::from(&mapping), "x", &mut Seen::default()).items(&document)
        };
        assert_eq!(items(json!("$.many")), Ok(vec![json!(1), json!(2)]));
        assert_eq!(items(json!("$.one")), Ok(vec![json!([7])]));
        assert_eq!(items(json!("$.one[*]")), Ok(vec![json!([7])]));
        assert_eq!(items(json!(["$.text", 2])), Ok(vec![json!("t"), json!(2)]));
        assert_eq!(items(json!("$.n")), Ok(vec![]));
        assert_eq!(items(json!("$.gone")), Ok(vec![]));
        assert_eq!(items(json!("$.text")), Err("a text"));
        assert_eq!(items(json!({ "a": 1 })), Err("a map"));
    }

    #[test]
    fn every_malformed_path_is_told_with_its_place() {
        let mut seen = Seen::default();
        let node = Node::from(&json!({ "a": "$.", "b": ["ok", "$[", "$.c"] }));
        Mapping::read(&node, "input", &mut seen);
        assert!(seen.mistakes[0].starts_with("input.a: not a JSONPath"), "{:?}", seen.mistakes);
        assert!(seen.mistakes[1].starts_with("input.b[1]: not a JSONPath"));
        assert_eq!((seen.mistakes.len(), seen.paths), (2, 1));
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z$. ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn escaped(value: &Value) -> Value {
        match value {
            Value::String(text) if text.starts_with('$') => json!(format!("${text}")),
            Value::Array(items) => items.iter().map(escaped).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), escaped(value))).collect(),
            ),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn an_escaped_value_resolves_to_itself(value in json_value()) {
            prop_assert_eq!(resolve(&escaped(&value), &json!({})), Some(value));
        }

        #[test]
        fn any_mapping_is_read_without_panic(value in json_value(), document in json_value()) {
            let mapping = Mapping::read(&Node::from(&value), "input", &mut Seen::default());
            let _ = mapping.resolve(&document);
        }
    }
}
