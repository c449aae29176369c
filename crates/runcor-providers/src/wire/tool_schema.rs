//! The schemas of tools' arguments, which vendors want to be objects'.

use std::borrow::Cow;

use runcor_core::ToolDefinition;
use serde_json::{Map, Value, json};

/// The schema of a tool's arguments, with what vendors insist on.
///
/// A tool without arguments is often described by `{}` or `{"type":"object"}`;
/// vendors refuse the first and some refuse the second.
pub(crate) fn tool_schema(tool: &ToolDefinition) -> Cow<'_, Value> {
    let schema = &tool.input_schema;
    if schema.get("type").is_some() && schema.get("properties").is_some() {
        return Cow::Borrowed(schema);
    }
    let mut fields = schema.as_object().cloned().unwrap_or_else(Map::new);
    fields.entry("type").or_insert_with(|| json!("object"));
    fields.entry("properties").or_insert_with(|| json!({}));
    Cow::Owned(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_always_an_object() {
        let schema = |input_schema: Value| {
            let (name, description) = ("t".to_owned(), String::new());
            tool_schema(&ToolDefinition { name, description, input_schema }).into_owned()
        };
        let empty = json!({ "type": "object", "properties": {} });
        for none in [json!({}), json!(null), json!(true), json!({ "type": "object" })] {
            assert_eq!(schema(none), empty);
        }
        let full = json!({ "type": "object", "properties": { "a": {} }, "required": ["a"] });
        assert_eq!(schema(full.clone()), full);
    }
}
