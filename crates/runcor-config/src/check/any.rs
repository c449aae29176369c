//! Values of any kind, as they stand.

use serde_json::{Map, Number, Value};

use crate::node::{Content, Node};

/// Turns a node into JSON; what the environment filled in stays a text.
pub(super) fn read(node: &Node) -> Value {
    match &node.content {
        Content::Null | Content::Broken => Value::Null,
        Content::Bool(flag) => Value::from(*flag),
        Content::Int(number) => Value::from(*number),
        Content::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Content::Text(text) | Content::Filled(text) => Value::from(&**text),
        Content::List(items) => Value::Array(items.iter().map(read).collect()),
        Content::Map(entries) => {
            let field = |entry: &crate::node::Entry| (entry.key.to_string(), read(&entry.value));
            Value::Object(entries.iter().map(field).collect::<Map<_, _>>())
        }
    }
}
