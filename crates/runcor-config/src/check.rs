//! Checking nodes against the JSON Schema, every mistake with its place.
//!
//! The walk knows the few keywords that [`strict`](crate::schema::strict) has;
//! a property test holds it to the same verdicts as a full validator. It gives
//! the JSON that deserialises into [`Config`](crate::Config).

mod any;
#[cfg(test)]
mod laws;
mod scalar;
mod suggest;

use serde_json::{Map, Value};

use crate::findings::Findings;
use crate::node::{Content, Entry, Node};
use crate::path::{Path, shown};

/// Checks `root` against `schema` and turns it into JSON; mistakes go to `findings`.
pub(crate) fn check(root: &Node, schema: &Value, findings: &mut Findings) -> Value {
    let mut checker = Checker { root: schema, findings };
    checker.value(root, schema, Path::Root)
}

struct Checker<'s, 'f> {
    root: &'s Value,
    findings: &'f mut Findings,
}

impl<'s> Checker<'s, '_> {
    fn value(&mut self, node: &Node, schema: &'s Value, path: Path<'_>) -> Value {
        if matches!(node.content, Content::Broken) {
            return Value::Null;
        }
        let Some(schema) = self.resolve(schema).as_object() else { return Value::Null };
        if let Some(Value::Array(branches)) = schema.get("anyOf") {
            return self.alternative(node, branches, path);
        }
        if schema.get("type").is_some_and(Value::is_array) {
            return self.any(node, path);
        }
        match schema_type(schema) {
            "object" => self.mapping(node, schema, path),
            "array" => self.list(node, schema, path),
            _ => match scalar::read(node, schema) {
                Ok(value) => value,
                Err(fault) => {
                    self.findings.suggest(path, node.place, fault.message, fault.suggestion);
                    Value::Null
                }
            },
        }
    }

    /// Follows a reference into the definitions.
    fn resolve(&self, schema: &'s Value) -> &'s Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|to| self.root.pointer(to.strip_prefix('#')?));
        target.unwrap_or(schema)
    }

    /// Takes the branch that wants this kind of value.
    fn alternative(&mut self, node: &Node, branches: &'s [Value], path: Path<'_>) -> Value {
        let types: Vec<_> = branches
            .iter()
            .filter_map(|branch| self.resolve(branch).as_object().map(schema_type))
            .collect();
        match types.iter().position(|wanted| fits(node, wanted)) {
            Some(at) => match branches.get(at) {
                Some(branch) => self.value(node, branch, path),
                None => Value::Null,
            },
            None => {
                let wanted: Vec<_> = types.iter().map(|wanted| type_in_words(wanted)).collect();
                self.wrong_type(node, &wanted.join(" or "), path);
                Value::Null
            }
        }
    }

    /// Takes whatever there is.
    fn any(&mut self, node: &Node, path: Path<'_>) -> Value {
        if matches!(node.content, Content::Null) {
            self.wrong_type(node, "a value", path);
        }
        any::read(node)
    }

    fn mapping(&mut self, node: &Node, schema: &'s Map<String, Value>, path: Path<'_>) -> Value {
        let Content::Map(entries) = &node.content else {
            self.wrong_type(node, &mapping_in_words(schema), path);
            return Value::Null;
        };
        let mut object = Map::new();
        for entry in entries {
            if let Some(value) = self.entry(entry, schema, path) {
                object.insert(entry.key.to_string(), value);
            }
        }
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let Some(key) = key.as_str().filter(|key| node.get(key).is_none()) else { continue };
            let message = format!("the key \"{key}\" is missing");
            self.findings.problem(path.key(key), node.place, message);
        }
        Value::Object(object)
    }

    fn entry(
        &mut self,
        entry: &Entry,
        schema: &'s Map<String, Value>,
        path: Path<'_>,
    ) -> Option<Value> {
        let path = path.key(&entry.key);
        let known = schema.get("properties").and_then(Value::as_object);
        if let Some(schema) = known.and_then(|known| known.get(&*entry.key)) {
            return Some(self.value(&entry.value, schema, path));
        }
        if let Some(schema @ Value::Object(_)) = schema.get("additionalProperties") {
            return Some(self.value(&entry.value, schema, path));
        }
        let message = match &*entry.key {
            "<<" => "merge keys are not supported; write the keys out".to_owned(),
            key if key.contains(':') => "a space is missing after the ':' of this key".to_owned(),
            key => format!("there is no key \"{}\" here", shown(key)),
        };
        let candidates = known.into_iter().flat_map(Map::keys).map(String::as_str);
        let suggestion =
            (!self.findings.is_full()).then(|| suggest::nearest(&entry.key, candidates)).flatten();
        self.findings.suggest(path, entry.place, message, suggestion);
        None
    }

    fn list(&mut self, node: &Node, schema: &'s Map<String, Value>, path: Path<'_>) -> Value {
        let Content::List(items) = &node.content else {
            self.wrong_type(node, type_in_words("array"), path);
            return Value::Null;
        };
        let item_schema = schema.get("items").unwrap_or(&Value::Null);
        let values = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.value(item, item_schema, path.index(index)));
        Value::Array(values.collect())
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str, path: Path<'_>) {
        self.findings.problem(path, node.place, mismatch(node, wanted));
    }
}

/// Says which kind of value was wanted and which was found.
fn mismatch(node: &Node, wanted: &str) -> String {
    match node.content {
        Content::Null => {
            format!("expected {wanted}, found nothing; give a value or remove the key")
        }
        _ => format!("expected {wanted}, found {}", node.kind()),
    }
}

/// Says what a mapping has in it at least, since many write its main value alone.
fn mapping_in_words(schema: &Map<String, Value>) -> String {
    let required = schema.get("required").and_then(Value::as_array);
    match required.and_then(|keys| keys.first()).and_then(Value::as_str) {
        Some(key) => format!("a mapping, such as {{ {key}: … }}"),
        None => type_in_words("object").to_owned(),
    }
}

fn schema_type(schema: &Map<String, Value>) -> &str {
    schema.get("type").and_then(Value::as_str).unwrap_or("string")
}

fn type_in_words(name: &str) -> &'static str {
    match name {
        "object" => "a mapping",
        "array" => "a list",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "text",
    }
}

/// Returns whether a value of this kind may satisfy a schema of that type.
fn fits(node: &Node, wanted: &str) -> bool {
    match &node.content {
        Content::Map(_) => wanted == "object",
        Content::List(_) => wanted == "array",
        Content::Bool(_) => wanted == "boolean",
        Content::Int(_) | Content::Float(_) => matches!(wanted, "integer" | "number"),
        Content::Text(_) => wanted == "string",
        Content::Filled(_) => !matches!(wanted, "object" | "array"),
        Content::Null | Content::Broken => false,
    }
}
