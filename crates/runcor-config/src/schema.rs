//! The JSON Schema of the file, made from the structs that it is read into.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::config::Config;

/// Returns the JSON Schema of `runcor.yaml`, for editors.
///
/// Where a number, a truth value or one of several words stands, a text with a
/// `${…}` placeholder is allowed too.
///
/// ```
/// let schema = runcor_config::schema();
/// assert_eq!(schema["title"], "runcor.yaml");
/// assert!(schema["properties"]["providers"].is_object());
/// ```
#[must_use]
pub fn schema() -> Value {
    let mut schema = strict();
    allow_placeholders(&mut schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert(
            "Placeholder".to_owned(),
            json!({
                "description": "A text that the environment fills in.",
                "type": "string",
                "pattern": r"\$\{",
            }),
        );
    }
    schema
}

/// Returns the schema that values satisfy once placeholders are filled in.
pub(crate) fn strict() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Config>();
    let mut schema = schema.to_value();
    forbid_null(&mut schema);
    schema
}

/// Takes `null` out: an absent setting is absent, not empty.
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            forbid_null_here(fields);
            fields.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

fn forbid_null_here(fields: &mut Map<String, Value>) {
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(branches)) = fields.get_mut("anyOf") {
        branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            fields.remove("anyOf");
            fields.extend(only);
        }
    }
}

/// Lets a placeholder stand where something other than free text is wanted.
fn allow_placeholders(schema: &mut Value) {
    let fields = match schema {
        Value::Object(fields) => fields,
        Value::Array(items) => return items.iter_mut().for_each(allow_placeholders),
        _ => return,
    };
    let is_scalar = matches!(
        fields.get("type").and_then(Value::as_str),
        Some("integer" | "number" | "boolean")
    );
    if is_scalar || words(fields).is_some() {
        let constraint = take_constraint(fields);
        fields.insert("anyOf".to_owned(), json!([constraint, { "$ref": "#/$defs/Placeholder" }]));
        return;
    }
    fields.values_mut().for_each(allow_placeholders);
}

/// Moves all but the words for people out of a schema.
fn take_constraint(fields: &mut Map<String, Value>) -> Map<String, Value> {
    let (told, constraint) = std::mem::take(fields)
        .into_iter()
        .partition(|(key, _)| matches!(key.as_str(), "title" | "description" | "default"));
    *fields = told;
    constraint
}

/// Returns the words that a schema allows, where it allows only some.
pub(crate) fn words(schema: &Map<String, Value>) -> Option<Vec<&str>> {
    if let Some(Value::Array(values)) = schema.get("enum") {
        return values.iter().map(Value::as_str).collect();
    }
    let Some(Value::Array(branches)) = schema.get("oneOf") else {
        return schema.get("const").and_then(Value::as_str).map(|word| vec![word]);
    };
    branches.iter().map(|branch| branch.get("const").and_then(Value::as_str)).collect()
}
