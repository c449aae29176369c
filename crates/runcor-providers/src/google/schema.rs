//! JSON Schemas in the dialect that Gemini takes.

use serde_json::{Map, Value, json};

/// Deeper schemas than this are cut: what lies below may be anything.
const MAX_DEPTH: usize = 64;

/// The keywords that Google's `responseJsonSchema` and `parametersJsonSchema` take.
const KNOWN: [&str; 20] = [
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
];

/// Makes the copy of `schema` that has only keywords which Google takes.
///
/// `const` becomes an `enum` of one, `definitions` become `$defs`.
pub(super) fn keep_known(schema: &Value) -> Value {
    keep_known_at(schema, 0)
}

fn keep_known_at(schema: &Value, depth: usize) -> Value {
    let Some(fields) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return if schema.is_boolean() { schema.clone() } else { json!({}) };
    };
    let mut kept = Map::new();
    for (key, value) in fields {
        let (key, value) = match key.as_str() {
            "properties" => (key.as_str(), known_values(value, depth)),
            "$defs" | "definitions" => ("$defs", known_values(value, depth)),
            "items" | "additionalProperties" => (key.as_str(), keep_known_at(value, depth + 1)),
            "anyOf" | "oneOf" | "prefixItems" => {
                let items = value.as_array().into_iter().flatten();
                let items = items.map(|item| keep_known_at(item, depth + 1));
                (key.as_str(), items.collect())
            }
            "const" => ("enum", json!([value])),
            "$ref" => ("$ref", renamed_reference(value)),
            known if KNOWN.contains(&known) => (known, value.clone()),
            _ => continue,
        };
        kept.insert(key.to_owned(), value);
    }
    Value::Object(kept)
}

fn known_values(value: &Value, depth: usize) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, schema)| (name.clone(), keep_known_at(schema, depth + 1))).collect()
}

fn renamed_reference(value: &Value) -> Value {
    match value.as_str().and_then(|reference| reference.strip_prefix("#/definitions/")) {
        Some(name) => Value::String(format!("#/$defs/{name}")),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_gets_only_the_keywords_it_knows() {
        let schema = json!({
            "$schema": "x", "type": "object", "unevaluatedProperties": false,
            "properties": { "kind": { "const": "a" }, "pattern": { "type": "string", "pattern": "x" },
                "link": { "$ref": "#/definitions/d" } },
            "definitions": { "d": { "type": "integer", "exclusiveMinimum": 0 } },
        });
        let kept = json!({
            "type": "object",
            "properties": { "kind": { "enum": ["a"] }, "pattern": { "type": "string" },
                "link": { "$ref": "#/$defs/d" } },
            "$defs": { "d": { "type": "integer" } },
        });
        assert_eq!(keep_known(&schema), kept);
    }
}
