//! `routing`: which provider answers, and when one is left alone.

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
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            strategy: RoutingStrategy::Priority,
            max_fallback_attempts: None,
            failure_threshold: 5,
            cooldown_ms: 30_000,
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
}

impl From<RoutingStrategy> for Strategy {
    fn from(strategy: RoutingStrategy) -> Self {
        match strategy {
            RoutingStrategy::Priority => Self::Priority,
            RoutingStrategy::RoundRobin => Self::RoundRobin,
            RoutingStrategy::LowestCost => Self::LowestCost,
        }
    }
}
