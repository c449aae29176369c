//! The limits and habits of an engine.

use std::time::Duration;

use runcor_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

/// The limits and habits of an engine; the default is the documented one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// How many handlers run at once.
    pub concurrency: usize,
    /// How many executions may be queued before triggers are refused with `QUEUE_FULL`.
    pub max_queued: usize,
    /// How long a shutdown lets handlers finish.
    pub drain_timeout: Duration,
    /// How long ended executions are kept; zero is for ever.
    pub retention: Duration,
    /// The size of the store, in bytes, above which the oldest ended executions
    /// go before their retention is over; a store in memory does not know its size.
    pub max_bytes: Option<u64>,
    /// How many rows of the ledger are kept, the newest ones; totals stay. All when absent.
    pub max_ledger_entries: Option<u64>,
    /// How many evaluations are kept, the newest ones; all when absent.
    pub max_evaluations: Option<u64>,
    /// What becomes of executions whose process vanished while they ran.
    pub on_orphan: OrphanPolicy,
    /// How long this engine owns its executions without a sign of life.
    pub lease: Duration,
    /// How long the store may leave commits without an answer before the engine
    /// counts as degraded (`STORAGE_SLOW`); zero is for ever.
    pub slow_commit: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            concurrency: 100,
            max_queued: 100_000,
            drain_timeout: Duration::from_secs(10),
            retention: Duration::from_secs(3_600),
            max_bytes: None,
            max_ledger_entries: None,
            max_evaluations: Some(10_000),
            on_orphan: OrphanPolicy::Requeue,
            lease: Duration::from_secs(30),
            slow_commit: Duration::from_secs(5),
        }
    }
}

impl EngineConfig {
    /// Checks that an engine can live with the limits.
    ///
    /// # Errors
    /// `INVALID_CONFIG` names the limit and the reason.
    pub fn check(&self) -> Result<()> {
        let problem = if self.concurrency == 0 {
            "concurrency must be at least 1"
        } else if self.max_queued == 0 {
            "max_queued must be at least 1"
        } else if self.lease < Duration::from_secs(1) {
            "lease must be at least one second"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorCode::InvalidConfig, problem))
    }

    /// Returns how long ended executions stay beyond their retention at most,
    /// so that many are removed in one commit.
    pub(crate) fn sweep_interval(&self) -> Duration {
        (self.retention / 10).clamp(Duration::from_millis(1), Duration::from_secs(60))
    }
}

/// What becomes of executions whose process vanished while they ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrphanPolicy {
    /// They run again; finished steps are not repeated.
    #[default]
    Requeue,
    /// They fail with `PROCESS_TERMINATED`.
    Fail,
    /// They are left as they are.
    Ignore,
}
