//! `evaluation`: how results are judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;
use super::any::Any;

/// How results are judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "EvaluationSection")]
pub struct Evaluation {
    /// The score below which a result is put before a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub auto_flag_score_threshold: Option<f64>,
    /// How many executions are judged at the same time; 8 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub concurrency: Option<u32>,
    /// How many evaluations are kept, the newest ones; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_evaluations: Option<u64>,
    /// The judges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evaluators: Vec<Evaluator>,
}

/// One judge of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evaluator {
    /// What is looked at.
    #[serde(rename = "type")]
    pub kind: EvaluatorType,
    /// The name of the judge; its type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The place in the order of judges; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub priority: Option<u32>,
    /// How much its score counts; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: Option<f64>,
    /// The part of the executions that it judges; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub sample: Option<f64>,
    /// The only flows that it judges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow_names: Vec<String>,
    /// How many milliseconds it may take; 30 seconds when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub timeout_ms: Option<u64>,
    /// What its scores say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<ScoreThresholds>,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<EvaluatorConfig>,
}

/// What a judge looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EvaluatorType {
    /// How long a text is.
    Length,
    /// What kind of value a result is.
    Format,
    /// Which words a text has.
    Keyword,
    /// Whether a result is the one that was expected.
    Exact,
    /// How near a text comes to the one that was expected.
    Similarity,
    /// What a model says of it.
    Judge,
}

/// The scores from which on a result is good, or will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ScoreThresholds {
    /// From here on it can be relied upon.
    #[schemars(range(min = 0, max = 1))]
    pub high: f64,
    /// From here on it may do.
    #[schemars(range(min = 0, max = 1))]
    pub medium: f64,
}

impl Default for ScoreThresholds {
    fn default() -> Self {
        Self { high: 0.8, medium: 0.5 }
    }
}

/// The settings of a judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct EvaluatorConfig {
    /// Where the judge looks in a result, as a JSON pointer; see the documentation when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// `length`: the shortest good text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub min_length: Option<u32>,
    /// `length`: the longest good text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub max_length: Option<u32>,
    /// `format`: the kind of a good value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_format: Option<ExpectedFormat>,
    /// `format`: what a text matches, for the format `regex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// `format`: what a value matches, for the format `schema`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Any>,
    /// `keyword`: the words that must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_keywords: Option<Vec<String>>,
    /// `keyword`: the words that must not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forbidden_keywords: Option<Vec<String>>,
    /// `keyword`: another name of `requiredKeywords`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Vec<String>>,
    /// `keyword`: another name of `forbiddenKeywords`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<Vec<String>>,
    /// `keyword`, `exact`: whether upper and lower case differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    /// `exact`, `similarity`: the right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Any>,
    /// `exact`, `similarity`: where the input has the right answer, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_input: Option<String>,
    /// `exact`, `similarity`: where the metadata has the right answer, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_metadata: Option<String>,
    /// `similarity`: by what texts are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<SimilarityMethod>,
    /// `judge`: what is good, in words for a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rubric: Option<String>,
    /// `judge`: the model; the provider's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `judge`: the only provider that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `judge`: the temperature; the vendor's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2))]
    pub temperature: Option<f64>,
    /// `judge`: the dimension that is scored; `quality` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub dimension: Option<String>,
}

impl EvaluatorConfig {
    /// Returns the words that must be there, whichever name they were given under.
    #[must_use]
    pub fn required_words(&self) -> Vec<String> {
        self.required_keywords.iter().chain(&self.required).flatten().cloned().collect()
    }

    /// Returns the words that must not be there, whichever name they were given under.
    #[must_use]
    pub fn forbidden_words(&self) -> Vec<String> {
        self.forbidden_keywords.iter().chain(&self.forbidden).flatten().cloned().collect()
    }
}

/// The kind of a good value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedFormat {
    /// Any text.
    String,
    /// A JSON value, or a text of one.
    Json,
    /// A JSON object.
    JsonObject,
    /// A list.
    Array,
    /// A text with Markdown in it.
    Markdown,
    /// A text that matches `pattern`.
    Regex,
    /// A value that matches `schema`.
    Schema,
}

/// By what texts are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SimilarityMethod {
    /// The words that they share.
    Words,
    /// The letters that have to be changed.
    Edits,
}
