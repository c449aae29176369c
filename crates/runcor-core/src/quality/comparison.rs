//! Two sets of executions beside each other.

use serde::{Deserialize, Serialize};

use crate::id::{ExecutionId, FlowName};
use crate::time::Timestamp;

/// A set of executions: those that are named, or else those of a flow and a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ExecutionSet {
    /// These and no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executions: Vec<ExecutionId>,
    /// Those of this flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowName>,
    /// Those that were triggered at this instant or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Those that were triggered before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// How two sets of executions differ; everything is of the second against the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// How many executions the sets have.
    pub sizes: [usize; 2],
    /// How many pairs of one execution of each set have the same origin or the
    /// same input; `None` when the sets are compared as wholes.
    pub pairs: Option<usize>,
    /// What was compared: the overall score, each dimension, the rate of
    /// success, cost and latency.
    pub rows: Vec<ComparisonRow>,
}

/// How two sets of executions differ in one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonRow {
    /// What is compared: `overall`, `score:<dimension>`, `successRate`, `cost` or `latency`.
    pub metric: String,
    /// How many executions of each set have a value.
    pub counts: [usize; 2],
    /// The mean of each set; `None` of nothing. Cost is in dollars, latency in milliseconds.
    pub means: [Option<f64>; 2],
    /// The mean of the second less that of the first.
    pub difference: Option<f64>,
    /// Where the true difference lies with a confidence of 95 %.
    pub interval: Option<[f64; 2]>,
    /// How the interval was worked out: `paired t`, `welch t`, `newcombe`.
    pub method: Option<String>,
    /// What follows for the second set.
    pub verdict: ComparisonVerdict,
}

/// What a comparison says about the second set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonVerdict {
    /// It is better: the interval lies on the good side of zero.
    Better,
    /// It is worse: the interval lies on the bad side of zero.
    Worse,
    /// There may be no difference: the interval has zero in it.
    NoEvidence,
    /// There are too few executions to say anything.
    TooFew,
}

impl ComparisonVerdict {
    /// Returns the verdict in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoEvidence => "no evidence",
            Self::TooFew => "too few",
        }
    }
}
