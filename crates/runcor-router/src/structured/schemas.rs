//! Compiled schemas, kept for the next request.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use runcor_core::{Schema, Violation};

/// The most schemas that are kept.
const MOST_SCHEMAS: usize = 500;

/// The schemas compiled last, the oldest of which makes room.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    compiled: HashMap<Arc<Value>, Schema>,
    by_age: VecDeque<Arc<Value>>,
}

impl Schemas {
    /// Returns the compiled form of `schema`.
    ///
    /// # Errors
    /// Returns a violation of the keyword `schema`, or `$ref` where another
    /// document is referred to.
    pub(super) fn compiled(&self, schema: &Value) -> Result<Schema, Violation> {
        if let Some(known) = self.kept.lock().compiled.get(schema) {
            return Ok(known.clone());
        }
        // Compiled outside the lock: it may take a while, and twice does no harm.
        let compiled = Schema::compile(schema).map_err(|error| Violation {
            path: String::new(),
            message: error.to_string(),
            keyword: if refers_elsewhere(schema) { "$ref" } else { "schema" }.to_owned(),
        })?;
        self.kept.lock().keep(Arc::new(schema.clone()), compiled.clone());
        Ok(compiled)
    }
}

impl Kept {
    fn keep(&mut self, schema: Arc<Value>, compiled: Schema) {
        if self.compiled.insert(Arc::clone(&schema), compiled).is_some() {
            return;
        }
        self.by_age.push_back(schema);
        while self.by_age.len() > MOST_SCHEMAS
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.compiled.remove(&oldest);
        }
    }
}

fn refers_elsewhere(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            let target = value.as_str().filter(|_| key == "$ref");
            target.is_some_and(|to| to.starts_with("http://") || to.starts_with("https://"))
                || refers_elsewhere(value)
        }),
        Value::Array(items) => items.iter().any(refers_elsewhere),
        _ => false,
    }
}

/// Takes the schema out of the wrappers in which people know it.
///
/// The format is the schema itself, but the documentation also writes
/// `{"type": "json_schema", "jsonSchema": {…}}`, and vendors
/// `{"type": "json_schema", "json_schema": {"schema": {…}}}`. `json_schema` is
/// no type of JSON Schema, so nothing that could be a schema is taken for a wrapper.
pub(super) fn unwrap(schema: &mut Value) {
    if schema.get("type").and_then(Value::as_str) != Some("json_schema") {
        return;
    }
    let wrapped = schema
        .get_mut("jsonSchema")
        .map(Value::take)
        .or_else(|| schema.pointer_mut("/json_schema/schema").map(Value::take));
    if let Some(wrapped) = wrapped {
        *schema = wrapped;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_cache_is_bounded_and_drops_the_oldest() {
        let schemas = Schemas::default();
        for n in 0..=MOST_SCHEMAS {
            schemas.compiled(&json!({ "const": n })).unwrap();
            schemas.compiled(&json!({ "const": n })).unwrap();
        }
        let kept = schemas.kept.lock();
        assert_eq!((kept.compiled.len(), kept.by_age.len()), (MOST_SCHEMAS, MOST_SCHEMAS));
        assert!(!kept.compiled.contains_key(&json!({ "const": 0 })));
        assert!(kept.compiled.contains_key(&json!({ "const": MOST_SCHEMAS })));
    }

    #[test]
    fn unusable_schemas_are_told_apart() {
        let keyword = |schema: Value| Schemas::default().compiled(&schema).unwrap_err().keyword;
        assert_eq!(keyword(json!({ "type": "nonsense" })), "schema");
        assert_eq!(keyword(json!({ "items": { "$ref": "https://example.com/a" } })), "$ref");
    }

    #[test]
    fn a_schema_is_found_in_its_wrappers() {
        for mut format in [
            json!({ "type": "json_schema", "jsonSchema": { "type": "integer" } }),
            json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "integer" } } }),
            json!({ "type": "integer" }),
        ] {
            unwrap(&mut format);
            assert_eq!(format, json!({ "type": "integer" }));
        }
    }
}
