//! `engine`: how much runs at once, how long records stay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_MILLIS, MAX_SECONDS};

/// How much runs at once, how long records stay, what a restart does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "EngineSection")]
pub struct Engine {
    /// The most executions that run at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrency: u32,
    /// How long a shutdown waits for running executions, in milliseconds.
    #[schemars(range(min = 0, max = MAX_MILLIS))]
    pub drain_timeout: u64,
    /// How long finished executions are kept, in seconds; 0 keeps them for ever.
    #[schemars(range(min = 0, max = MAX_SECONDS))]
    pub retention_period: u64,
    /// What happens at a start to executions that a crash left running; the store decides when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_orphaned_execution: Option<OnOrphanedExecution>,
    /// The most executions that wait for a free slot; more are refused with `QUEUE_FULL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub max_queued: Option<u32>,
    /// The size of the database, in bytes, above which the oldest finished executions go early.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_048_576))]
    pub max_store_bytes: Option<u64>,
    /// How long a process owns its executions without a sign of life, in milliseconds.
    #[schemars(range(min = 1_000, max = MAX_MILLIS))]
    pub lease: u64,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            concurrency: 100,
            drain_timeout: 10_000,
            retention_period: 3_600,
            on_orphaned_execution: None,
            max_queued: None,
            max_store_bytes: None,
            lease: 30_000,
        }
    }
}

/// What happens at a start to executions that a crash left running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOrphanedExecution {
    /// They run again; results that the journal holds are reused.
    Requeue,
    /// They fail with `PROCESS_TERMINATED`.
    Fail,
    /// They stay as they are.
    Ignore,
}
