//! The JSON Schema of a flow file, for editors; made of the tables that the reader goes by.

use serde_json::{Map, Value, json};

use super::duration;
use super::keys::{BUDGET, FLOW, Field, MOST_DOLLARS, Shape, WINDOWS};
use super::step_keys::{KINDS, STEP};

/// How steps and branches may be called.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_-]{0,63}$";

/// Returns the JSON Schema (draft 2020-12) of a flow file.
///
/// Editors complete and check flow files with it. It is coarser than
/// [`FlowFile::parse`](crate::FlowFile::parse): it knows nothing of names that
/// refer to one another.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(&[FLOW]);
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("runcor flow"));
    schema.insert("description".to_owned(), json!("A flow of runcor: steps that run in order."));
    schema.insert("$defs".to_owned(), json!({ "step": { "oneOf": step_kinds() } }));
    Value::Object(schema)
}

/// The schema of a map with the given keys and no others.
fn object(tables: &[&[Field]]) -> Map<String, Value> {
    let fields = || tables.iter().copied().flatten();
    let mut properties = Map::new();
    for field in fields() {
        properties.insert(field.name.to_owned(), property(field));
        for alias in field.aliases {
            let doc = format!("Another spelling of {:?}.", field.name);
            let mut property = shape(field.shape);
            property.insert("description".to_owned(), json!(doc));
            properties.insert((*alias).to_owned(), Value::Object(property));
        }
    }
    let required: Vec<Value> = fields().filter(|field| field.required).map(requirement).collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), Value::Object(properties));
    object.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        object.insert("allOf".to_owned(), Value::Array(required));
    }
    object
}

/// All keys of a set must be there.
fn whole(tables: &[&[Field]], set: &[&str]) -> Value {
    let fields = tables.iter().copied().flatten().filter(|field| set.contains(&field.name));
    json!({ "allOf": fields.map(requirement).collect::<Vec<_>>() })
}

/// One of the spellings must be there.
fn requirement(field: &Field) -> Value {
    let spellings = std::iter::once(&field.name).chain(field.aliases);
    json!({ "anyOf": spellings.map(|name| json!({ "required": [name] })).collect::<Vec<_>>() })
}

fn property(field: &Field) -> Value {
    let mut property = shape(field.shape);
    property.insert("description".to_owned(), json!(field.doc));
    Value::Object(property)
}

fn shape(shape: Shape) -> Map<String, Value> {
    let schema = match shape {
        Shape::Text => json!({ "type": "string", "minLength": 1 }),
        Shape::StepName => json!({ "type": "string", "pattern": NAME }),
        Shape::Kind => {
            json!({ "enum": KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>() })
        }
        Shape::Url => json!({ "type": "string", "pattern": "^https?://" }),
        Shape::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Decimal(least, most) => {
            json!({ "type": "number", "minimum": least, "maximum": most })
        }
        Shape::JsonSchema => json!({ "type": ["object", "boolean"] }),
        Shape::Mapping => json!({}),
        Shape::Condition => json!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] }),
        Shape::Headers => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Shape::Steps => json!({ "type": "array", "items": { "$ref": "#/$defs/step" } }),
        Shape::Branches => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/step" } },
        }),
        Shape::Duration => {
            json!({ "type": "string", "minLength": 2, "pattern": duration::PATTERN })
        }
        Shape::Truth => json!({ "type": "boolean" }),
        Shape::FlowName => json!({ "type": "string", "minLength": 1 }),
        Shape::Budget => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": MOST_DOLLARS },
            object(&[BUDGET]),
        ] }),
        Shape::Window => json!({ "anyOf": [
            { "enum": WINDOWS },
            { "type": "string", "minLength": 2, "pattern": duration::PATTERN },
        ] }),
        Shape::Word(words) => json!({ "enum": words }),
    };
    match schema {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn step_kinds() -> Vec<Value> {
    KINDS
        .iter()
        .map(|kind| {
            let tables: Vec<_> = std::iter::once(STEP).chain(kind.tables.iter().copied()).collect();
            let mut step = object(&tables);
            if let Some(Value::Object(properties)) = step.get_mut("properties") {
                properties.insert("kind".to_owned(), json!({ "const": kind.name }));
            }
            if !kind.either.is_empty() {
                step.insert(
                    "oneOf".to_owned(),
                    kind.either.iter().map(|set| whole(&tables, set)).collect(),
                );
            }
            step.insert("title".to_owned(), json!(format!("{} step", kind.name)));
            Value::Object(step)
        })
        .collect()
}
