//! Content that must have a shape.

use runcor_core::{GuardPhase, Schema};
use serde_json::Value;

/// Finds content that does not match a JSON Schema.
///
/// A text must be JSON that matches, unless it matches as it is. Of a model's
/// answer it is the text that counts, or what was made of it.
#[derive(Debug, Clone)]
pub struct JsonSchema {
    schema: Value,
}

impl JsonSchema {
    /// Asks for content that matches `schema`.
    #[must_use]
    pub fn new(schema: Value) -> Self {
        Self { schema }
    }

    pub(in crate::guardrail) fn build(&self) -> Result<Schema, String> {
        Schema::compile(&self.schema).map_err(|error| error.to_string())
    }
}

/// Returns the first thing that is wrong with content, without the content.
pub(in crate::guardrail) fn problem(
    schema: &Schema,
    phase: GuardPhase,
    content: &Value,
) -> Option<String> {
    let content = match content {
        Value::Object(answer) if phase == GuardPhase::ModelResponse => {
            let parsed = answer.get("parsed").filter(|parsed| !parsed.is_null());
            parsed.or_else(|| answer.get("text")).unwrap_or(content)
        }
        other => other,
    };
    let Err(violations) = schema.check(content) else { return None };
    let violations = match content {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(value) => schema.check(&value).err()?,
            Err(_) => return Some("not JSON".to_owned()),
        },
        _ => violations,
    };
    // Its path would tell names of fields, which are content.
    let first = violations.first().map_or("", |violation| &violation.keyword);
    Some(format!("does not match its JSON Schema ({first})"))
}
