//! What a finished step leaves behind: in the document, and in the journal.

use runcor_core::{FinishReason, ModelResponse, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a path may name behind `$.steps.<name>`.
pub(crate) const STEP_ENTRY_KEYS: &[&str] =
    &["status", "output", "usage", "model", "provider", "finish_reason"];

/// A finished step as the document shows it; the fields behind `output` are for agents only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StepRecord {
    pub(crate) output: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// The answer of a webhook as it is journaled: `{"output": …}`.
///
/// Somebody who decides that a webhook has happened gives its answer as it is;
/// what stands alone is taken for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Value", from = "Value")]
pub(crate) struct Posted(pub(crate) Value);

impl From<Posted> for Value {
    fn from(posted: Posted) -> Self {
        json!({ "output": posted.0 })
    }
}

impl From<Value> for Posted {
    fn from(mut value: Value) -> Self {
        let is_wrapped = value.as_object().is_some_and(|fields| fields.len() == 1);
        match value.get_mut("output").filter(|_| is_wrapped) {
            Some(output) => Self(output.take()),
            None => Self(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_from_the_journal_whatever_it_is() {
        for output in [json!(null), json!({ "id": 7 }), json!({ "output": 1 }), json!([1])] {
            let kept = json!(Posted(output.clone()));
            assert_eq!(serde_json::from_value::<Posted>(kept).unwrap(), Posted(output));
        }
    }

    #[test]
    fn what_somebody_decides_is_the_answer_as_it_is() {
        for result in [json!(null), json!({ "id": 7 }), json!({ "output": 1, "id": 7 })] {
            assert_eq!(serde_json::from_value::<Posted>(result.clone()).unwrap(), Posted(result));
        }
    }
}
