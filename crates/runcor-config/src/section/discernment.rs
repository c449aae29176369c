//! `discernment` and `objectives`: whether flows are worth running, and for what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_SECONDS;

/// Whether flows are worth running.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "DiscernmentSection")]
pub struct Discernment {
    /// Whether the analysis runs.
    pub enabled: bool,
    /// What the analysis may do by itself.
    pub autonomy: Autonomy,
    /// When it runs: `hourly`, `daily`, `weekly` or a cron expression; `daily` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub schedule: Option<String>,
    /// The provider that is asked; any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub provider: Option<String>,
    /// How far it looks back, in seconds; a week when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_SECONDS))]
    pub lookback_period: Option<u64>,
    /// How long a recommendation rests before it is carried out, in seconds; a day when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = MAX_SECONDS))]
    pub grace_period: Option<u64>,
    /// What the model is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub prompt: Option<String>,
    /// From when on something is remarkable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
}

/// What the analysis may do by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Autonomy {
    /// Collect signals.
    Observe,
    /// Recommend.
    #[default]
    Recommend,
    /// Recommend, and wait for an answer.
    Advise,
    /// Carry recommendations out.
    Enforce,
}

/// From when on something is remarkable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Thresholds {
    /// Days without an execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 36_500))]
    pub idle_flow_days: Option<f64>,
    /// The share of all costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub disproportionate_cost_percent: Option<f64>,
    /// The share by which scores fell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub quality_decline_percent: Option<f64>,
    /// The share of agents that were stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub agent_hard_stop_percent: Option<f64>,
}

/// What flows are run for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objective {
    /// The name by which flows refer to it.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// What is to be reached.
    #[schemars(length(min = 1))]
    pub description: String,
}
