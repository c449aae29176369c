//! `evaluation`: how results are judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How results are judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "EvaluationSection")]
pub struct Evaluation {
    /// The score below which a result is put before a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub auto_flag_score_threshold: Option<f64>,
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
    /// The place in the order of judges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub priority: Option<u32>,
    /// How much its score counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: Option<f64>,
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
}

/// The settings of a judge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct EvaluatorConfig {
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
    /// `keyword`: the words that must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_keywords: Option<Vec<String>>,
    /// `keyword`: the words that must not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forbidden_keywords: Option<Vec<String>>,
    /// `keyword`: whether upper and lower case differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
}

/// The kind of a good value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedFormat {
    /// Any text.
    String,
    /// A JSON object.
    Json,
    /// A JSON object.
    JsonObject,
    /// A list.
    Array,
}
