//! How an answer is held to a schema, and how it is taken out again.

use runcor_core::{ModelRequest, ResponseFormat};
use serde_json::{Map, Value, json};

use super::config::StructuredOutput;
use super::model::refuses_forced_tools;
use crate::wire::{Closing, STRUCTURED_OUTPUT, close};

/// The field of the tool's input that holds an answer which is no object.
const FIELD: &str = "value";

const INSTRUCTION: &str = "Give your final answer by calling the tool __structured_output.";

/// What is done about a request's schema.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Structured {
    /// There is no schema.
    #[default]
    No,
    /// The API enforces it; the answer is plain text.
    Native(Value),
    /// The answer is the input of a tool.
    Tool {
        /// The tool's `input_schema`.
        schema: Value,
        /// Whether the answer is in the input's one field, since inputs are objects.
        wrapped: bool,
        /// Whether the model may be forced to call it.
        forced: bool,
    },
}

impl Structured {
    pub(super) fn of(request: &ModelRequest, model: &str, way: StructuredOutput) -> Self {
        let ResponseFormat::Schema(schema) = &request.response_format else { return Self::No };
        let native = match way {
            StructuredOutput::Auto => refuses_forced_tools(model),
            StructuredOutput::Tool => false,
            StructuredOutput::Native => true,
        };
        let closing = Closing { all_required: false, no_bounds: true };
        match close(schema, closing).filter(|_| native) {
            Some(closed) => Self::Native(closed),
            None => Self::tool(schema, !native),
        }
    }

    fn tool(schema: &Value, forced: bool) -> Self {
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        let schema = if is_object { schema.clone() } else { wrap(schema) };
        Self::Tool { schema, wrapped: !is_object, forced }
    }

    pub(super) fn is_tool(&self) -> bool {
        matches!(self, Self::Tool { .. })
    }

    pub(super) fn is_wrapped(&self) -> bool {
        matches!(self, Self::Tool { wrapped: true, .. })
    }

    /// What the instructions must say beside the request's own.
    pub(super) fn instruction(&self) -> Option<&'static str> {
        matches!(self, Self::Tool { forced: false, .. }).then_some(INSTRUCTION)
    }

    /// Adds the schema to a request's body.
    pub(super) fn write(&self, body: &mut Value) {
        match self {
            Self::No => {}
            Self::Native(schema) => {
                body["output_config"] =
                    json!({ "format": { "type": "json_schema", "schema": schema } });
            }
            Self::Tool { schema, forced, .. } => {
                let tool = json!({
                    "name": STRUCTURED_OUTPUT,
                    "description": "Takes the final answer.",
                    "input_schema": schema,
                });
                // Beside real tools the model may choose, yet must choose one of all.
                let choice = match body.get_mut("tools").and_then(Value::as_array_mut) {
                    Some(tools) => {
                        tools.push(tool);
                        json!({ "type": "any" })
                    }
                    None => {
                        body["tools"] = json!([tool]);
                        json!({ "type": "tool", "name": STRUCTURED_OUTPUT })
                    }
                };
                if *forced {
                    body["tool_choice"] = choice;
                }
            }
        }
    }

    /// Takes the answer out of the tool's input.
    pub(super) fn unwrap(&self, input: &Value) -> String {
        let inner = if self.is_wrapped() { input.get(FIELD) } else { None };
        inner.unwrap_or(input).to_string()
    }
}

/// Makes an object's schema around any other; definitions stay at the root,
/// where references look for them.
fn wrap(schema: &Value) -> Value {
    let mut outer = Map::new();
    let mut inner = schema.clone();
    outer.insert("type".to_owned(), json!("object"));
    if let Some(fields) = inner.as_object_mut() {
        for key in ["$defs", "definitions"] {
            if let Some(definitions) = fields.remove(key) {
                outer.insert(key.to_owned(), definitions);
            }
        }
        fields.remove("$schema");
    }
    outer.insert("properties".to_owned(), json!({ FIELD: inner }));
    outer.insert("required".to_owned(), json!([FIELD]));
    Value::Object(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structured(schema: Value, model: &str) -> Structured {
        let request =
            ModelRequest::prompt("x").with_response_format(ResponseFormat::Schema(schema));
        Structured::of(&request, model, StructuredOutput::Auto)
    }

    #[test]
    fn an_answer_that_is_no_object_is_wrapped_and_unwrapped() {
        let schema = json!({ "type": "array", "items": { "$ref": "#/$defs/n" },
            "$defs": { "n": { "type": "integer" } } });
        let structured = structured(schema, "claude-sonnet-4-6");
        assert!(structured.is_wrapped());
        assert_eq!(structured.unwrap(&json!({ "value": [1, 2] })), "[1,2]");
        let mut body = json!({});
        structured.write(&mut body);
        assert_eq!(body["tools"][0]["input_schema"]["$defs"]["n"]["type"], "integer");
    }

    #[test]
    fn models_that_refuse_to_be_forced_get_the_apis_own_way() {
        let closable = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
        assert!(matches!(structured(closable, "claude-opus-5-5"), Structured::Native(_)));
        let open = structured(json!({ "type": "object" }), "claude-opus-5-5");
        assert!(open.instruction().is_some());
        let mut body = json!({});
        open.write(&mut body);
        assert!(body.get("tool_choice").is_none());
    }
}
