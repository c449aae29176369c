//! JSON Schemas as strict modes want them: closed.

use serde_json::{Map, Value};

/// Deeper schemas are left to the vendor's good will.
const MAX_DEPTH: usize = 64;

/// What a vendor's strict mode wants of a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    /// Every property must be required.
    pub(crate) all_required: bool,
    /// Bounds on lengths, sizes and numbers must be left out.
    pub(crate) no_bounds: bool,
}

/// Makes the copy of `schema` that a strict mode takes: every object closed.
///
/// Returns none where that can't be done without changing what the schema
/// means: open maps, and keywords that strict modes don't know. What the copy
/// allows, the original allows, apart from bounds that were left out; the
/// caller checks answers against the original anyhow.
pub(crate) fn close(schema: &Value, closing: Closing) -> Option<Value> {
    let closed = close_at(schema, closing, 0)?;
    let is_object = closed.get("type").and_then(Value::as_str) == Some("object");
    is_object.then_some(closed)
}

fn close_at(schema: &Value, closing: Closing, depth: usize) -> Option<Value> {
    let fields = schema.as_object().filter(|_| depth < MAX_DEPTH)?;
    let mut closed = Map::new();
    for (key, value) in fields {
        let value = match key.as_str() {
            "properties" | "$defs" | "definitions" => each_value(value, closing, depth)?,
            "items" => close_at(value, closing, depth + 1)?,
            "anyOf" => each_item(value, closing, depth)?,
            "type" | "enum" | "const" | "$ref" | "description" | "title" | "required" => {
                value.clone()
            }
            "format" if is_strict_format(value) => value.clone(),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
            | "minItems" | "maxItems" | "minLength" | "maxLength" | "pattern"
                if closing.no_bounds =>
            {
                continue;
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
            | "minItems" | "maxItems" | "pattern" => value.clone(),
            "additionalProperties" if value == &Value::Bool(false) => continue,
            "$schema" | "$id" | "$comment" | "default" | "examples" | "format" | "minLength"
            | "maxLength" | "deprecated" | "readOnly" | "writeOnly" => continue,
            _ => return None,
        };
        closed.insert(key.clone(), value);
    }
    let says_something = ["type", "enum", "const", "$ref", "anyOf"];
    if !says_something.iter().any(|key| closed.contains_key(*key)) {
        return None;
    }
    if is_of_type(&closed, "array") && !closed.contains_key("items") {
        return None;
    }
    if is_of_type(&closed, "object") {
        let properties = closed.get("properties")?.as_object()?;
        let names: Vec<Value> = properties.keys().cloned().map(Value::String).collect();
        if closing.all_required {
            closed.insert("required".to_owned(), Value::Array(names));
        }
        closed.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Some(Value::Object(closed))
}

fn each_value(value: &Value, closing: Closing, depth: usize) -> Option<Value> {
    let closed: Option<Map<_, _>> = value
        .as_object()?
        .iter()
        .map(|(name, schema)| Some((name.clone(), close_at(schema, closing, depth + 1)?)))
        .collect();
    closed.map(Value::Object)
}

fn each_item(value: &Value, closing: Closing, depth: usize) -> Option<Value> {
    let items = value.as_array()?.iter().map(|item| close_at(item, closing, depth + 1));
    items.collect::<Option<Vec<_>>>().map(Value::Array)
}

fn is_of_type(schema: &Map<String, Value>, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

fn is_strict_format(format: &Value) -> bool {
    let known =
        ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
    format.as_str().is_some_and(|format| known.contains(&format))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STRICT: Closing = Closing { all_required: true, no_bounds: false };

    #[test]
    fn objects_are_closed_on_every_level() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "name": { "type": "string", "minLength": 1, "format": "uri" },
                "tags": { "type": "array", "items": { "$ref": "#/$defs/tag" } },
            },
            "required": ["name"],
            "$defs": { "tag": { "type": "object", "properties": { "t": { "type": "string" } } } },
        });
        let closed = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "tags": { "type": "array", "items": { "$ref": "#/$defs/tag" } },
            },
            "required": ["name", "tags"],
            "$defs": { "tag": {
                "type": "object",
                "properties": { "t": { "type": "string" } },
                "required": ["t"],
                "additionalProperties": false,
            } },
            "additionalProperties": false,
        });
        assert_eq!(close(&schema, STRICT), Some(closed));
    }

    #[test]
    fn what_can_not_be_closed_is_left_open() {
        for open in [
            json!({ "type": "object" }),
            json!({ "type": "string" }),
            json!({ "type": "object", "properties": {}, "additionalProperties": true }),
            json!({ "type": "object", "properties": { "any": {} } }),
            json!({ "type": "object", "properties": { "map": { "type": "object",
                "additionalProperties": { "type": "string" } } } }),
            json!({ "type": "object", "properties": { "a": { "allOf": [] } } }),
            json!({ "type": "object", "properties": { "a": { "type": "array" } } }),
            json!(true),
        ] {
            assert_eq!(close(&open, STRICT), None, "{open}");
        }
    }
}
