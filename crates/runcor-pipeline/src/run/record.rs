//! What the journal keeps of a finished step.

use runcor_core::{FinishReason, ModelResponse, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a path may name behind `$.steps.<name>`.
pub(crate) const STEP_ENTRY_KEYS: &[&str] =
    &["status", "output", "usage", "model", "provider", "finish_reason"];

/// A finished step as it is journaled; the fields behind `output` are for agents only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepRecord {
    pub(crate) output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finish_reason: Option<FinishReason>,
}

impl StepRecord {
    /// Keeps an output that cost no tokens.
    pub(crate) fn plain(output: Value) -> Self {
        Self { output, usage: None, model: None, provider: None, finish_reason: None }
    }

    /// Keeps a model's answer as `output` beside who gave it and what it cost.
    pub(crate) fn of_answer(output: Value, answer: ModelResponse) -> Self {
        Self {
            output,
            usage: Some(answer.usage),
            model: Some(answer.model),
            provider: Some(answer.provider),
            finish_reason: answer.finish_reason,
        }
    }

    /// Returns the entry of the run's document.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = json!({ "status": "completed" });
        if let (Some(entry), Ok(Value::Object(fields))) =
            (entry.as_object_mut(), serde_json::to_value(self))
        {
            entry.extend(fields);
        }
        entry
    }
}
