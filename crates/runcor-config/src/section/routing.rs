//! `routing`: which provider answers, and when one is left alone.

use std::collections::BTreeMap;

use runcor_core::Strategy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;

/// Which provider answers, and when one is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "RoutingSection")]
pub struct Routing {
    /// In which order providers are asked.
    pub strategy: RoutingStrategy,
    /// How many further providers are asked after the first failed; all of them when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_fallback_attempts: Option<u32>,
    /// How many failures in a row open a provider's circuit breaker.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub failure_threshold: u32,
    /// How long an open breaker keeps requests away, in milliseconds.
    #[schemars(range(min = 0, max = MAX_MILLIS))]
    pub cooldown_ms: u64,
    /// How long one request to a provider may take, in milliseconds; as the provider says when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub timeout_ms: Option<u64>,
    /// Names of models that stand for another model at each provider.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether a second request is made when the first takes long; the first answer counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge: Option<Hedge>,
}

/// When a second request is made beside the first; both are paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Hedge {
    /// The part of recent answers that were faster; 0.95 is the slowest twentieth.
    #[schemars(range(min = 0, max = 1))]
    pub percentile: f64,
    /// The shortest time before it, in milliseconds.
    #[schemars(range(min = 0, max = MAX_MILLIS))]
    pub at_least_ms: u64,
    /// The most further requests.
    #[schemars(range(min = 1, max = 10))]
    pub max_extra: u32,
}

impl Eq for Hedge {}

impl Default for Hedge {
    fn default() -> Self {
        Self { percentile: 0.95, at_least_ms: 500, max_extra: 1 }
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            strategy: RoutingStrategy::Priority,
            max_fallback_attempts: None,
            failure_threshold: 5,
            cooldown_ms: 30_000,
            timeout_ms: None,
            aliases: BTreeMap::new(),
            hedge: None,
        }
    }
}

/// In which order providers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoutingStrategy {
    /// By ascending priority.
    Priority,
    /// In turn.
    RoundRobin,
    /// By ascending price, unpriced ones last.
    LowestCost,
    /// By ascending latency as lately measured.
    LeastLatency,
    /// Shared by `weight`.
    Weighted,
}

impl From<RoutingStrategy> for Strategy {
    fn from(strategy: RoutingStrategy) -> Self {
        match strategy {
            RoutingStrategy::Priority => Self::Priority,
            RoutingStrategy::RoundRobin => Self::RoundRobin,
            RoutingStrategy::LowestCost => Self::LowestCost,
            RoutingStrategy::LeastLatency => Self::LeastLatency,
            RoutingStrategy::Weighted => Self::Weighted,
        }
    }
}
