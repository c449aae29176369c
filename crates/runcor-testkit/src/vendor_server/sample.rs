//! The least that a JSON Schema of the kind that vendors take accepts.

use serde_json::{Map, Value, json};

/// Deeper values than this become null.
const MAX_DEPTH: usize = 16;

/// Makes a value for `schema`, with `text` in its strings.
pub(super) fn sample(schema: &Value, text: &str) -> Value {
    value(schema, schema, text, 0)
}

fn value(schema: &Value, root: &Value, text: &str, depth: usize) -> Value {
    let keyword = |key: &str| schema.get(key);
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(only) = keyword("const").or_else(|| keyword("enum")?.get(0)) {
        return only.clone();
    }
    let target = keyword("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
    let target = target.and_then(|path| root.pointer(path));
    if let Some(other) = target.or_else(|| keyword("anyOf").or_else(|| keyword("oneOf"))?.get(0)) {
        return value(other, root, text, depth + 1);
    }
    let kind = keyword("type").map(|kind| kind.get(0).unwrap_or(kind));
    match kind.and_then(Value::as_str) {
        Some("string") => json!(text),
        Some("integer" | "number") => keyword("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        Some("array") => {
            keyword("items").map(|items| value(items, root, text, depth + 1)).into_iter().collect()
        }
        _ => {
            let properties = keyword("properties").and_then(Value::as_object).into_iter().flatten();
            let fields: Map<String, Value> = properties
                .map(|(name, field)| (name.clone(), value(field, root, text, depth + 1)))
                .collect();
            Value::Object(fields)
        }
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::Schema;

    use super::*;

    #[test]
    fn the_sample_matches_its_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "who": { "type": ["string", "null"] },
                "score": { "type": "number", "minimum": 3 },
                "kinds": { "type": "array", "items": { "enum": ["a", "b"] } },
                "next": { "$ref": "#/$defs/n" },
            },
            "required": ["who", "score", "kinds", "next"],
            "$defs": { "n": { "anyOf": [{ "type": "boolean" }] } },
        });
        Schema::compile(&schema).unwrap().check(&sample(&schema, "hi")).unwrap();
    }
}
