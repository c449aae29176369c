//! JSON Schema: compiled once, asked often, every violation with its place.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most violations that one check reports.
const MAX_VIOLATIONS: usize = 64;

/// A compiled JSON Schema of any draft from 4 to 2020-12.
///
/// Formats are asserted, patterns run in linear time, and remote references
/// are refused. Clones share the compiled schema.
///
/// ```
/// # use runcor_core::Schema;
/// # use serde_json::json;
/// let schema = Schema::compile(&json!({ "type": "object", "required": ["id"] }))?;
/// assert!(schema.check(&json!({ "id": 1 })).is_ok());
/// assert_eq!(schema.check(&json!({})).unwrap_err()[0].keyword, "required");
/// # Ok::<(), runcor_core::SchemaError>(())
/// ```
#[derive(Clone)]
pub struct Schema {
    validator: Arc<jsonschema::Validator>,
}

/// A JSON Schema that can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a usable JSON Schema: {message}")]
pub struct SchemaError {
    message: String,
}

/// One place where a value does not match a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The place in the value, a JSON pointer; empty for the whole value.
    pub path: String,
    /// What is wrong, without the offending value.
    pub message: String,
    /// The schema keyword that was violated.
    pub keyword: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl Schema {
    /// Compiles `schema`.
    ///
    /// # Errors
    /// Returns [`SchemaError`] when the schema is malformed or refers to another document.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        refuse_remote_references(schema)?;
        jsonschema::options()
            .should_validate_formats(true)
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .offline()
            .build(schema)
            .map(|validator| Self { validator: Arc::new(validator) })
            .map_err(|error| SchemaError {
                message: format!("{} at \"{}\"", error.masked(), error.instance_path()),
            })
    }

    /// Checks `value` and lists what is wrong with it, up to 64 places.
    ///
    /// # Errors
    /// Returns the violations when the value does not match.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        Err(self
            .validator
            .iter_errors(value)
            .take(MAX_VIOLATIONS)
            .map(|error| Violation {
                path: error.instance_path().to_string(),
                message: error.masked().to_string(),
                keyword: error.kind().keyword().to_owned(),
            })
            .collect())
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

fn refuse_remote_references(schema: &Value) -> Result<(), SchemaError> {
    match schema {
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| match value.as_str() {
            Some(to)
                if key == "$ref" && (to.starts_with("http://") || to.starts_with("https://")) =>
            {
                Err(SchemaError {
                    message: format!("remote reference {to:?}; put it under \"$defs\""),
                })
            }
            _ => refuse_remote_references(value),
        }),
        Value::Array(items) => items.iter().try_for_each(refuse_remote_references),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formats_unknown_keywords_and_new_drafts_are_accepted() {
        let schema = Schema::compile(&json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "x-vendor": true,
            "properties": { "mail": { "type": "string", "format": "email" } },
        }))
        .unwrap();
        assert!(schema.check(&json!({ "mail": "a@example.com" })).is_ok());
        let wrong = schema.check(&json!({ "mail": "nobody" })).unwrap_err();
        assert_eq!((wrong[0].path.as_str(), wrong[0].keyword.as_str()), ("/mail", "format"));
    }

    #[test]
    fn a_remote_reference_is_refused_and_a_local_one_works() {
        assert!(Schema::compile(&json!({ "$ref": "https://example.com/a.json" })).is_err());
        let local = json!({ "$defs": { "n": { "type": "number" } }, "$ref": "#/$defs/n" });
        assert!(Schema::compile(&local).unwrap().check(&json!("x")).is_err());
    }

    #[test]
    fn violations_do_not_repeat_the_value() {
        let schema = Schema::compile(&json!({ "type": "integer" })).unwrap();
        let wrong = schema.check(&json!("sk-secret")).unwrap_err();
        assert!(!wrong[0].to_string().contains("sk-secret"));
    }
}
