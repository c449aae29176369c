//! The states of an execution and the legal edges between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an execution stands.
///
/// ```text
/// queued ──▶ running ──▶ complete
///    │        │ ▲ ▲ └──▶ failed
///    │        │ │ └── retrying ──▶ failed
///    ▼        ▼ │
///  failed   waiting ──▶ failed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutionState {
    /// Accepted, waiting for a free slot.
    Queued,
    /// Its handler has begun and has not paused.
    Running,
    /// Paused until somebody resumes it.
    Waiting,
    /// Waiting out the delay before the next attempt.
    Retrying,
    /// Ended with a result.
    Complete,
    /// Ended with an error.
    Failed,
}

impl ExecutionState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Retrying, Self::Complete, Self::Failed];

    /// Returns the state as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }

    /// Returns whether the state is final.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }

    /// Returns whether the state machine has an edge from this state to `to`.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Queued | Self::Waiting | Self::Retrying => {
                matches!(to, Self::Running | Self::Failed)
            }
            Self::Running => {
                matches!(to, Self::Complete | Self::Waiting | Self::Retrying | Self::Failed)
            }
            Self::Complete | Self::Failed => false,
        }
    }
}

impl fmt::Display for ExecutionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state {0:?}; use queued, running, waiting, retrying, complete or failed")]
pub struct UnknownState(String);

impl FromStr for ExecutionState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}
