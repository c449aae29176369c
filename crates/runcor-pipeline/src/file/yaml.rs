//! YAML as a tree in which every value knows its place.
//!
//! Reading into a tree instead of into types is what allows all mistakes of a
//! file to be reported at once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

use super::syntax::explain;
use crate::error::Place;

/// The longest flow file that is read, in bytes.
pub(crate) const MAX_FILE_BYTES: usize = 1 << 20;

/// How deep a flow file may nest.
const MAX_DEPTH: usize = 64;
/// The parser takes up to 60 KiB of stack a level without optimisation, and
/// the caller's thread may have little left.
const STACK_BYTES: usize = 16 << 20;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Option<Place>,
    pub(crate) value: Yaml,
}

#[derive(Debug, Clone)]
pub(crate) enum Yaml {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) at: Option<Place>,
    pub(crate) text: String,
}

/// A text that is not YAML within the limits.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) at: Option<Place>,
    pub(crate) message: String,
}

impl Node {
    /// Parses one YAML document, on a stack of its own.
    pub(crate) fn parse(text: &str) -> Result<Self, YamlError> {
        let failed = |message: &str| YamlError { at: None, message: message.to_owned() };
        if text.len() > MAX_FILE_BYTES {
            return Err(failed("is longer than 1 MiB"));
        }
        let threads =
            std::thread::Builder::new().name("flow-file".to_owned()).stack_size(STACK_BYTES);
        std::thread::scope(|scope| {
            let parser = threads
                .spawn_scoped(scope, || Self::parse_here(text))
                .map_err(|_| failed("can't be read now: the machine is out of threads"))?;
            parser.join().unwrap_or_else(|_| Err(failed("can't be read: the YAML parser gave up")))
        })
    }

    fn parse_here(text: &str) -> Result<Self, YamlError> {
        let options = serde_saphyr::options! {
            strict_booleans: true,
            with_snippet: false,
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: 100_000 },
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| YamlError {
            at: error.location().and_then(place),
            message: explain(&error.without_snippet().to_string()),
        })
    }

    /// Names the kind of the value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "true or false",
            Yaml::Number(_) => "a number",
            Yaml::Text(_) => "a text",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a map",
        }
    }

    /// Returns the value as JSON.
    pub(crate) fn to_json(&self) -> Value {
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(truth) => Value::Bool(*truth),
            Yaml::Number(number) => Value::Number(number.clone()),
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Yaml::Map(entries) => Value::Object(
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect(),
            ),
        }
    }
}

/// Makes a tree without places, for expressions that do not come from a file.
impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        let value = match value {
            Value::Null => Yaml::Null,
            Value::Bool(truth) => Yaml::Bool(*truth),
            Value::Number(number) => Yaml::Number(number.clone()),
            Value::String(text) => Yaml::Text(text.clone()),
            Value::Array(items) => Yaml::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => Yaml::Map(map_entries(fields)),
        };
        Self { at: None, value }
    }
}

fn map_entries(fields: &Map<String, Value>) -> Vec<(Key, Node)> {
    let key = |text: &String| Key { at: None, text: text.clone() };
    fields.iter().map(|(name, value)| (key(name), Node::from(value))).collect()
}

fn place(location: Location) -> Option<Place> {
    let place = Place { line: location.line(), column: location.column() };
    (place.line > 0).then_some(place)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Raw>::deserialize(deserializer)?;
        Ok(Self { at: place(spanned.referenced), value: spanned.value.0 })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { at: place(spanned.referenced), text: spanned.value })
    }
}

struct Raw(Yaml);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Yaml, E> {
        Number::from_f64(number)
            .map(Yaml::Number)
            .ok_or_else(|| E::custom("infinity and not-a-number have no place in a flow"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Yaml, E> {
        Ok(Yaml::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Yaml::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(node: &Node, into: &mut Vec<(u64, u64)>) {
        let mut push = |at: Option<Place>| into.push(at.map_or((0, 0), |at| (at.line, at.column)));
        push(node.at);
        match &node.value {
            Yaml::List(items) => items.iter().for_each(|item| places(item, into)),
            Yaml::Map(entries) => {
                for (key, node) in entries {
                    into.push(key.at.map_or((0, 0), |at| (at.line, at.column)));
                    places(node, into);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_value_and_every_key_knows_its_place() {
        let node = Node::parse("a: 1\nb:\n  - x\n  - { c: yes }\n").unwrap();
        let mut found = Vec::new();
        places(&node, &mut found);
        assert_eq!(
            found,
            [(1, 1), (1, 1), (1, 4), (2, 1), (3, 3), (3, 5), (4, 5), (4, 7), (4, 10)]
        );
    }

    #[test]
    fn a_variable_is_left_as_it_stands() {
        let node = Node::parse("a: ${HOME} $$x").unwrap();
        assert_eq!(node.to_json(), serde_json::json!({ "a": "${HOME} $$x" }));
    }

    #[test]
    fn a_syntax_error_has_a_place_and_one_line() {
        let error = Node::parse("a: [1, 2\nb: }").unwrap_err();
        assert!(error.at.is_some(), "{error:?}");
        assert!(!error.message.contains('\n') && !error.message.starts_with("line"), "{error:?}");
    }

    #[test]
    fn a_bomb_of_aliases_and_deep_nesting_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let previous = n - 1;
            bomb.push_str(&format!("a{n}: &a{n} ["));
            bomb.push_str(&vec![format!("*a{previous}"); 10].join(", "));
            bomb.push_str("]\n");
        }
        assert!(Node::parse(&bomb).is_err());
    }

    #[test]
    fn deep_nesting_is_refused_and_allowed_nesting_is_read() {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert!(Node::parse(&nested(40)).is_ok(), "{open}");
            for depth in [80, 5_000, 100_000] {
                assert!(Node::parse(&nested(depth)).is_err(), "{open} {depth}");
            }
            assert!(Node::parse(&open.repeat(100_000)).is_err(), "{open}");
        }
    }
}
