//! Makes data that a JSON Schema accepts, with the input quoted in it.

mod format;
mod number;
mod object;
mod string;

use serde_json::{Map, Value};

use super::quote::excerpt;

/// Where recursion stops adding what is optional, and where it stops at all.
const SHALLOW: usize = 6;
const DEEPEST: usize = 32;
/// The most items that a minimum is followed to.
const MAX_ITEMS: u64 = 64;

/// Makes a value for `schema`; for the usual keywords it is one that validates.
pub(super) fn sample(schema: &Value, prompt: &str) -> Value {
    let excerpt = excerpt(prompt);
    Sampler { root: schema, excerpt: &excerpt }.value(schema, 0, 0)
}

struct Sampler<'a> {
    root: &'a Value,
    excerpt: &'a str,
}

impl Sampler<'_> {
    /// Makes a value; `nth` tells apart the items of one list.
    fn value(&self, schema: &Value, nth: u64, depth: usize) -> Value {
        let Some(fields) = schema.as_object() else {
            return Value::Object(Map::new());
        };
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(known) = self.given(fields, nth) {
            return known;
        }
        if let Some(joined) = self.joined(fields, depth) {
            return self.value(&joined, nth, depth + 1);
        }
        match kind(fields) {
            "string" => string::sample(fields, self.excerpt, nth),
            "integer" => number::integer(fields, nth),
            "number" => number::number(fields, nth),
            "boolean" => Value::Bool(false),
            "null" => Value::Null,
            "array" => self.array(fields, depth),
            _ => self.object(fields, depth),
        }
    }

    /// The value that the schema names itself.
    fn given(&self, fields: &Map<String, Value>, nth: u64) -> Option<Value> {
        if let Some(only) = fields.get("const") {
            return Some(only.clone());
        }
        let choices = fields.get("enum")?.as_array()?;
        let nth = usize::try_from(nth).unwrap_or(0);
        choices.get(nth).or_else(|| choices.first()).cloned()
    }

    /// The schema with its references and the first of its choices put in place.
    fn joined(&self, fields: &Map<String, Value>, depth: usize) -> Option<Value> {
        let mut parts: Vec<&Value> = Vec::new();
        let mut own = fields.clone();
        if let Some(Value::String(reference)) = own.remove("$ref") {
            parts.extend(reference.strip_prefix('#').and_then(|path| self.root.pointer(path)));
            if reference == "#" {
                parts.push(self.root);
            }
        }
        for key in ["anyOf", "oneOf"] {
            own.remove(key);
            let branches = fields.get(key).and_then(Value::as_array);
            parts.extend(branches.and_then(|branches| shortest(branches, depth)));
        }
        own.remove("allOf");
        parts.extend(fields.get("allOf").and_then(Value::as_array).into_iter().flatten());
        if parts.is_empty() && own.len() == fields.len() {
            return None;
        }
        Some(Value::Object(parts.into_iter().fold(own, merge)))
    }

    fn array(&self, fields: &Map<String, Value>, depth: usize) -> Value {
        let count = |key: &str| fields.get(key).and_then(Value::as_u64);
        let first: Vec<&Value> =
            fields.get("prefixItems").and_then(Value::as_array).into_iter().flatten().collect();
        let rest = fields.get("items").filter(|items| items.is_object());
        // One item shows more than none, where there is room and an idea of it.
        let wish = if depth < SHALLOW && (rest.is_some() || !first.is_empty()) { 1 } else { 0 };
        let length = u64::try_from(first.len()).unwrap_or(0).max(wish);
        let length =
            length.max(count("minItems").unwrap_or(0)).min(count("maxItems").unwrap_or(MAX_ITEMS));
        let items = (0..length.min(MAX_ITEMS)).map(|nth| {
            let prefix = usize::try_from(nth).ok().and_then(|at| first.get(at).copied());
            self.value(prefix.or(rest).unwrap_or(&Value::Null), nth, depth + 1)
        });
        items.collect()
    }
}

/// The first branch; deep in a recursion rather one that ends it.
fn shortest(branches: &[Value], depth: usize) -> Option<&Value> {
    let ends = |branch: &&Value| {
        branch.get("$ref").is_none()
            && branch.get("properties").is_none()
            && branch.get("items").is_none()
    };
    let ending = branches.iter().find(ends).filter(|_| depth >= SHALLOW);
    ending.or_else(|| branches.first())
}

/// Adds `other`'s keywords; of both, properties and requirements are united.
fn merge(mut into: Map<String, Value>, other: &Value) -> Map<String, Value> {
    for (key, value) in other.as_object().into_iter().flatten() {
        match (into.get_mut(key), value) {
            (Some(Value::Object(mine)), Value::Object(theirs)) => {
                for (name, schema) in theirs {
                    mine.entry(name.clone()).or_insert_with(|| schema.clone());
                }
            }
            (Some(Value::Array(mine)), Value::Array(theirs)) if key == "required" => {
                mine.extend(theirs.iter().cloned());
            }
            (Some(_), _) => {}
            (None, _) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
    into
}

/// The type, as the schema says or as its keywords suggest.
fn kind(fields: &Map<String, Value>) -> &str {
    match fields.get("type") {
        Some(Value::String(one)) => return one,
        Some(Value::Array(several)) => {
            let mut words = several.iter().filter_map(Value::as_str);
            return words
                .clone()
                .find(|word| *word != "null")
                .or_else(|| words.next())
                .unwrap_or("object");
        }
        _ => {}
    }
    let hints = [
        ("string", ["pattern", "minLength", "maxLength", "format"].as_slice()),
        ("array", ["items", "prefixItems", "minItems"].as_slice()),
        ("number", ["minimum", "maximum", "multipleOf", "exclusiveMinimum"].as_slice()),
    ];
    let fits = hints.iter().find(|(_, keys)| keys.iter().any(|key| fields.contains_key(*key)));
    if fields.contains_key("properties") {
        "object"
    } else {
        fits.map_or("object", |(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
    use runcor_core::Schema;
    use serde_json::json;

    use super::*;

    fn check(schema: &Value) -> Value {
        let value = sample(schema, "Summarise the incident of 3 May\nin two lines");
        if let Err(violations) = Schema::compile(schema).unwrap().check(&value) {
            panic!("{value} does not match {schema}: {violations:?}");
        }
        value
    }

    #[test]
    fn every_primitive_validates_and_is_as_documented() {
        assert_eq!(check(&json!({ "type": "integer" })), json!(42));
        assert_eq!(check(&json!({ "type": "number" })), json!(42));
        assert_eq!(check(&json!({ "type": "boolean" })), json!(false));
        assert_eq!(check(&json!({ "type": "null" })), json!(null));
        let text = check(&json!({ "type": "string" }));
        assert_eq!(text, "mock-string: Summarise the incident of 3 May in two lines");
        assert_eq!(sample(&json!({ "type": "string" }), ""), "mock-string");
    }

    #[test]
    fn choices_constants_and_bounds_are_respected() {
        assert_eq!(check(&json!({ "enum": ["red", "green"] })), "red");
        assert_eq!(check(&json!({ "const": { "a": [1] } })), json!({ "a": [1] }));
        assert_eq!(check(&json!({ "type": "integer", "minimum": 100 })), json!(100));
        assert_eq!(check(&json!({ "type": "integer", "maximum": 5 })), json!(5));
        check(&json!({ "type": "integer", "exclusiveMaximum": 42 }));
        check(&json!({ "type": "integer", "multipleOf": 5, "minimum": 43 }));
        check(&json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }));
        check(&json!({ "type": "number", "minimum": 0, "maximum": 1 }));
        assert_eq!(check(&json!({ "type": "string", "maxLength": 5 })), "mock-");
        check(&json!({ "type": "string", "minLength": 300 }));
        check(&json!({ "type": ["null", "string"] }));
    }

    #[test]
    fn formats_and_patterns_validate() {
        for format in [
            "date-time",
            "date",
            "time",
            "email",
            "uri",
            "uuid",
            "ipv4",
            "ipv6",
            "hostname",
            "duration",
            "unheard-of",
        ] {
            check(&json!({ "type": "string", "format": format }));
        }
        for pattern in
            ["^[a-z]+$", "^[A-Z]{3}$", "^\\d+$", "^#[0-9a-f]{6}$", "^\\d{4}-\\d{2}-\\d{2}$"]
        {
            check(&json!({ "type": "string", "pattern": pattern }));
        }
    }

    #[test]
    fn objects_lists_and_references_validate() {
        let value = check(&json!({
            "type": "object",
            "properties": {
                "title": { "type": "string" },
                "tags": { "type": "array", "items": { "type": "string" }, "minItems": 2, "uniqueItems": true },
                "author": { "$ref": "#/$defs/person" },
                "pair": { "type": "array", "prefixItems": [{ "type": "integer" }, { "type": "boolean" }] },
                "either": { "anyOf": [{ "type": "integer" }, { "type": "string" }] },
                "one": { "oneOf": [{ "type": "boolean" }, { "type": "string" }] },
                "both": { "allOf": [{ "type": "object", "properties": { "a": { "type": "integer" } },
                    "required": ["a"] }, { "properties": { "b": { "type": "string" } }, "required": ["b"] }] },
            },
            "required": ["title", "tags", "author", "extra"],
            "$defs": { "person": { "type": "object", "properties": {
                "name": { "type": "string" }, "boss": { "$ref": "#/$defs/person" } }, "required": ["name"] } },
        }));
        assert!(value["title"].as_str().unwrap().contains("incident"));
        assert_eq!(value["author"]["name"], value["title"]);
    }

    #[test]
    fn endless_schemas_end() {
        check(&json!({ "$defs": { "n": { "anyOf": [
            { "type": "object", "properties": { "next": { "$ref": "#/$defs/n" } }, "required": ["next"] },
            { "type": "null" },
        ] } }, "$ref": "#/$defs/n" }));
        let hopeless = json!({ "$ref": "#" });
        assert_eq!(sample(&hopeless, "x"), Value::Null);
        check(
            &json!({ "type": "object", "properties": { "kids": { "type": "array", "items": { "$ref": "#" } } } }),
        );
        check(&json!({}));
        assert_eq!(sample(&json!(true), "x"), json!({}));
    }

    /// Schemas of the kinds that people write, satisfiable all of them.
    fn schemas() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (0_u64..300, 0_u64..300).prop_map(|(least, more)| {
                json!({ "type": "string", "minLength": least, "maxLength": least + more })
            }),
            (-1000_i64..1000, 0_i64..1000).prop_map(|(least, more)| {
                json!({ "type": "integer", "minimum": least, "maximum": least + more })
            }),
            (-1e3..1e3, 1e-3..1e3).prop_map(|(least, more): (f64, f64)| {
                json!({ "type": "number", "exclusiveMinimum": least, "exclusiveMaximum": least + more })
            }),
            Just(json!({ "type": "boolean" })),
            Just(json!({ "type": ["null", "string"], "format": "date-time" })),
            Just(json!({ "enum": ["a", 2, null] })),
            Just(json!({ "const": "only" })),
            Just(json!({ "$ref": "#/$defs/shared" })),
        ];
        let tree = leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                btree_map("[a-d]", inner.clone(), 0..4).prop_map(|fields| {
                    let names: Vec<_> = fields.keys().cloned().collect();
                    json!({ "type": "object", "properties": fields, "required": names,
                        "additionalProperties": false })
                }),
                (inner.clone(), 0_u64..4).prop_map(|(items, least)| {
                    json!({ "type": "array", "items": items, "minItems": least, "maxItems": least + 1 })
                }),
                vec(inner.clone(), 1..3).prop_map(|all| json!({ "anyOf": all })),
            ]
        });
        tree.prop_map(|mut schema| {
            schema["$defs"] = json!({ "shared": { "type": "object", "additionalProperties": true,
                "properties": { "again": { "$ref": "#/$defs/shared" } } } });
            schema
        })
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_validates(schema in schemas()) {
            check(&schema);
        }
    }
}
