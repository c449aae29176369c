//! JSON Schemas as strict modes want them: closed.

use serde_json::{Map, Value, json};

/// Deeper schemas are left to the vendor's good will.
const MAX_DEPTH: usize = 64;

/// What a vendor's strict mode wants of a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    /// Every property must be required; one that need not be there may be null.
    pub(crate) all_required: bool,
    /// Bounds on lengths, sizes and numbers must be left out.
    pub(crate) no_bounds: bool,
}

/// Makes the copy of `schema` that a strict mode takes: every object closed.
///
/// Returns none where that can't be done without changing what the schema
/// means: open maps, and keywords that strict modes don't know. What the copy
/// allows, the original allows, apart from bounds that were left out, and from
/// null in place of what need not be there. Answers are checked against the
/// original anyhow, and such nulls are taken out there.
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
            let required = closed.insert("required".to_owned(), Value::Array(names));
            allow_null(&mut closed, required.as_ref())?;
        }
        closed.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Some(Value::Object(closed))
}

/// Lets every property be null that `required` does not name.
fn allow_null(object: &mut Map<String, Value>, required: Option<&Value>) -> Option<()> {
    let required = required.and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    for (name, schema) in object.get_mut("properties")?.as_object_mut()? {
        if !is_required(name) {
            *schema = or_null(schema.take());
        }
    }
    Some(())
}

fn or_null(mut schema: Value) -> Value {
    let Some(fields) = schema.as_object_mut() else { return schema };
    let is_plain = !["const", "$ref", "anyOf"].iter().any(|key| fields.contains_key(*key));
    if let (true, Some(kind)) = (is_plain, fields.get_mut("type")) {
        match kind {
            Value::Array(kinds) if kinds.iter().any(|kind| kind == "null") => {}
            Value::Array(kinds) => kinds.push(json!("null")),
            one => *one = json!([one, "null"]),
        }
        if let Some(Value::Array(words)) = fields.get_mut("enum")
            && !words.contains(&Value::Null)
        {
            words.push(Value::Null);
        }
        return schema;
    }
    json!({ "anyOf": [schema, { "type": "null" }] })
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
                "tags": { "type": ["array", "null"], "items": { "$ref": "#/$defs/tag" } },
            },
            "required": ["name", "tags"],
            "$defs": { "tag": {
                "type": "object",
                "properties": { "t": { "type": ["string", "null"] } },
                "required": ["t"],
                "additionalProperties": false,
            } },
            "additionalProperties": false,
        });
        assert_eq!(close(&schema, STRICT), Some(closed));
    }

    #[test]
    fn what_need_not_be_there_may_be_null() {
        let schema = json!({
            "type": "object",
            "properties": {
                "must": { "type": "string" },
                "word": { "type": "string", "enum": ["a"] },
                "one": { "const": 1 },
                "link": { "$ref": "#/$defs/d" },
                "none": { "type": ["integer", "null"] },
            },
            "required": ["must"],
            "$defs": { "d": { "type": "integer" } },
        });
        let closed = close(&schema, STRICT).unwrap();
        let or_null = |schema: Value| json!({ "anyOf": [schema, { "type": "null" }] });
        let properties = json!({
            "must": { "type": "string" },
            "word": { "type": ["string", "null"], "enum": ["a", null] },
            "one": or_null(json!({ "const": 1 })),
            "link": or_null(json!({ "$ref": "#/$defs/d" })),
            "none": { "type": ["integer", "null"] },
        });
        assert_eq!(closed["properties"], properties);
        assert_eq!(closed["required"].as_array().map(Vec::len), Some(5));
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
