//! Objects: every property, and whatever else is required.

use serde_json::{Map, Value, json};

use super::{SHALLOW, Sampler};

impl Sampler<'_> {
    pub(super) fn object(&self, fields: &Map<String, Value>, depth: usize) -> Value {
        let required: Vec<&str> = fields
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut object = Map::new();
        for (name, schema) in
            fields.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            // A recursion is followed for a while, then only as far as it must.
            let wanted = depth < SHALLOW || required.contains(&name.as_str());
            if wanted && schema != &Value::Bool(false) {
                object.insert(name.clone(), self.value(schema, 0, depth + 1));
            }
        }
        let any = json!({ "type": "string" });
        let other =
            fields.get("additionalProperties").filter(|schema| schema.is_object()).unwrap_or(&any);
        for name in required {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.value(other, 0, depth + 1));
            }
        }
        Value::Object(object)
    }
}
