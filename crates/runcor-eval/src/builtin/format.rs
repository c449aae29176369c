//! What kind of value a result is.

use async_trait::async_trait;
use runcor_core::{Result, Schema};
use serde_json::{Value, json};

use super::invalid;
use super::text::TextPart;
use crate::evaluator::{EvalContext, Evaluator, Judgement};

/// What is said of a pattern that can't be compiled.
const NO_PATTERN: &str = "has a pattern that is no regular expression; look for an open bracket, \
                          and use neither look-around nor back references";

/// What a result should be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Format {
    /// A text.
    Text,
    /// Anything but `null`; a text has to be JSON.
    Json,
    /// A JSON object, and no text of one.
    JsonObject,
    /// A list, and no text of one.
    Array,
    /// A text with Markdown in it, whose fences are all closed.
    Markdown,
    /// A text that matches a regular expression somewhere.
    Regex(String),
    /// What matches a JSON Schema; a text that does not, but is JSON that does, matches too.
    Schema(Value),
}

/// Scores `accuracy`: 1 when the result is what it should be, else 0.
#[derive(Debug, Clone)]
pub struct FormatEvaluator {
    name: String,
    part: TextPart,
    format: Format,
    /// What `Regex` and `Schema` were compiled to.
    schema: Option<Schema>,
}

impl FormatEvaluator {
    /// Makes one that expects a format.
    ///
    /// # Errors
    /// `INVALID_EVALUATOR_CONFIG` when the expression or the schema can't be compiled.
    pub fn new(name: impl Into<String>, format: Format) -> Result<Self> {
        let name = name.into();
        let schema = match &format {
            // A pattern of a schema is a regular expression that runs in linear time.
            Format::Regex(pattern) => Some(json!({ "type": "string", "pattern": pattern })),
            Format::Schema(schema) => Some(schema.clone()),
            _ => None,
        };
        let schema = schema.map(|schema| Schema::compile(&schema)).transpose();
        let schema = schema.map_err(|error| match &format {
            Format::Regex(_) => invalid(&name, NO_PATTERN),
            _ => invalid(&name, &format!("has {error}")),
        })?;
        Ok(Self { name, part: TextPart::default(), format, schema })
    }

    /// Says where the text is, for a format that is about one; the default
    /// looks for it in results that are no text.
    #[must_use]
    pub fn part(mut self, part: TextPart) -> Self {
        self.part = part;
        self
    }

    fn fits(&self, output: &Value) -> bool {
        match &self.format {
            Format::Text => output.is_string(),
            Format::Json => match output {
                Value::Null => false,
                Value::String(text) => serde_json::from_str::<Value>(text).is_ok(),
                _ => true,
            },
            Format::JsonObject => output.is_object(),
            Format::Array => output.is_array(),
            Format::Markdown => self.part.of(output).is_some_and(|text| is_markdown(&text)),
            Format::Regex(_) => {
                let text = self.part.of(output);
                text.is_some_and(|text| self.matches(&Value::String(text.into_owned())))
            }
            Format::Schema(_) => {
                let parsed = || serde_json::from_str(output.as_str()?).ok();
                self.matches(output) || parsed().is_some_and(|value| self.matches(&value))
            }
        }
    }

    fn matches(&self, value: &Value) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.check(value).is_ok())
    }
}

#[async_trait]
impl Evaluator for FormatEvaluator {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement> {
        let fits = self.fits(ctx.output());
        Ok(Judgement::score("accuracy", f64::from(u8::from(fits))))
    }
}

/// Returns whether a text has something that Markdown shows differently from
/// plain words, and no fence that is left open.
fn is_markdown(text: &str) -> bool {
    let fences = text.lines().filter(|line| line.trim_start().starts_with("```")).count();
    let has_block = text.lines().any(is_block);
    let has_span = ["**", "__", "`"].iter().any(|mark| text.matches(mark).nth(1).is_some())
        || (text.contains('[') && text.contains("]("));
    fences % 2 == 0 && (fences > 0 || has_block || has_span)
}

/// Returns whether a line begins a heading, a list, a quotation or a row of a table.
fn is_block(line: &str) -> bool {
    let line = line.trim_start();
    let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
    let is_heading =
        (1..=6).contains(&hashes) && line.get(hashes..).is_some_and(|rest| rest.starts_with(' '));
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_numbered =
        (1..=9).contains(&digits) && line.get(digits..).is_some_and(|rest| rest.starts_with(". "));
    let is_row = line.len() > 2 && line.starts_with('|') && line.trim_end().ends_with('|');
    is_heading
        || is_numbered
        || is_row
        || ["- ", "* ", "+ ", "> "].iter().any(|m| line.starts_with(m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a test writes values, not references")]
    fn fits(format: Format, output: Value) -> bool {
        FormatEvaluator::new("f", format).unwrap().fits(&output)
    }

    #[test]
    fn the_documented_kinds_are_told_apart() {
        let outputs = [json!("{}"), json!({}), json!([]), json!(1), Value::Null, json!("a b")];
        let all = |format: Format| outputs.clone().map(|output| fits(format.clone(), output));
        assert_eq!(all(Format::Text), [true, false, false, false, false, true]);
        assert_eq!(all(Format::JsonObject), [false, true, false, false, false, false]);
        assert_eq!(all(Format::Array), [false, false, true, false, false, false]);
        assert_eq!(all(Format::Json), [true, true, true, true, false, false]);
    }

    #[test]
    fn a_schema_looks_at_values_and_at_texts_of_values() {
        let schema = Format::Schema(json!({ "type": "object", "required": ["id"] }));
        assert!(fits(schema.clone(), json!({ "id": 1 })));
        assert!(fits(schema.clone(), json!(r#"{"id": 1}"#)));
        assert!(!fits(schema.clone(), json!("{}")));
        assert!(!fits(schema, json!("id")));
        assert!(fits(Format::Schema(json!({ "type": "string" })), json!("id")));
    }

    #[test]
    fn an_expression_looks_at_the_text_and_a_broken_one_is_refused() {
        let order = Format::Regex(r"\bORD-\d{4}\b".to_owned());
        assert!(fits(order.clone(), json!("your ORD-1234 is here")));
        assert!(fits(order.clone(), json!({ "text": "ORD-1234" })));
        assert!(!fits(order.clone(), json!("ORD-12345")));
        assert!(!fits(order, Value::Null));
        let broken = FormatEvaluator::new("f", Format::Regex("(".to_owned())).unwrap_err();
        assert_eq!(broken.code(), runcor_core::ErrorCode::InvalidEvaluatorConfig);
    }

    #[test]
    fn markdown_has_marks_and_closes_its_fences() {
        let good =
            ["# Title", "a\n- b", "1. one", "```\nx\n```", "**bold**", "[a](b)", "| a | b |"];
        assert!(good.iter().all(|text| fits(Format::Markdown, json!(text))));
        let bad = ["", "plain words", "#hash", "```\nx", "1.5 apples", "-5 degrees"];
        assert!(!bad.iter().any(|text| fits(Format::Markdown, json!(text))));
    }
}
