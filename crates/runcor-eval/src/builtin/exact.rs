//! Whether a result is the one that was expected.

use async_trait::async_trait;
use runcor_core::Result;
use serde_json::Value;

use crate::evaluator::{EvalContext, Evaluator, Judgement};

/// Where the right answer is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expected {
    /// It is always this.
    Value(Value),
    /// It stands at a JSON pointer into the input.
    Input(String),
    /// It stands at a JSON pointer into the metadata of the trigger.
    Metadata(String),
}

impl Expected {
    /// Returns the right answer for an execution; `None` where nobody gave one.
    pub(super) fn of<'c>(&'c self, ctx: &'c EvalContext) -> Option<&'c Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Input(pointer) => ctx.input().pointer(pointer),
            Self::Metadata(pointer) => ctx.metadata()?.pointer(pointer),
        }
    }
}

/// The label of an execution for which nobody gave a right answer.
pub(super) const NO_EXPECTATION: &str = "no-expectation";

/// Scores `accuracy`: 1 when the result, or a part of it, equals what was expected, else 0.
///
/// Texts are compared without white space around them. Where nobody gave a
/// right answer there is no score, and the label `no-expectation`.
#[derive(Debug, Clone)]
pub struct ExactMatch {
    name: String,
    expected: Expected,
    pointer: Option<String>,
    is_case_sensitive: bool,
}

impl ExactMatch {
    /// Makes one.
    #[must_use]
    pub fn new(name: impl Into<String>, expected: Expected) -> Self {
        Self { name: name.into(), expected, pointer: None, is_case_sensitive: true }
    }

    /// Compares what stands at a JSON pointer into the result, instead of the whole.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Sets whether upper and lower case of texts differ.
    #[must_use]
    pub fn case_sensitive(mut self, is_case_sensitive: bool) -> Self {
        self.is_case_sensitive = is_case_sensitive;
        self
    }

    fn is_same(&self, found: &Value, expected: &Value) -> bool {
        match (found, expected) {
            (Value::String(found), Value::String(expected)) if self.is_case_sensitive => {
                found.trim() == expected.trim()
            }
            (Value::String(found), Value::String(expected)) => {
                found.trim().to_lowercase() == expected.trim().to_lowercase()
            }
            (Value::Number(found), Value::Number(expected)) => {
                found == expected || found.as_f64() == expected.as_f64()
            }
            (found, expected) => found == expected,
        }
    }
}

#[async_trait]
impl Evaluator for ExactMatch {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement> {
        let Some(expected) = self.expected.of(ctx) else {
            return Ok(Judgement::none().with_label(NO_EXPECTATION));
        };
        let found = match &self.pointer {
            Some(pointer) => ctx.output().pointer(pointer),
            None => Some(ctx.output()),
        };
        let is_same = found.is_some_and(|found| self.is_same(found, expected));
        Ok(Judgement::score("accuracy", f64::from(u8::from(is_same))))
    }
}
