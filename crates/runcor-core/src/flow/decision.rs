//! Decisions: what people answer to a waiting execution.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What somebody answers to an execution that waits for a decision.
///
/// On the wire the word stands in `decision`:
/// `{"decision": "approve", "token": "…", "by": "ann"}`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Decision {
    /// The action may go ahead.
    Approve {
        /// The approval's token.
        token: String,
        /// Who decides.
        #[serde(default)]
        by: Option<String>,
        /// What they have to say.
        #[serde(default)]
        note: Option<String>,
    },
    /// The action may not go ahead.
    Reject {
        /// The approval's token.
        token: String,
        /// Who decides.
        #[serde(default)]
        by: Option<String>,
        /// What they have to say.
        #[serde(default)]
        note: Option<String>,
    },
    /// The step in doubt has happened, with this result; it is not run again.
    Happened {
        /// The step's result.
        #[serde(default)]
        result: Value,
    },
    /// The step in doubt has not happened; it is run again.
    DidNotHappen,
    /// The execution fails.
    GiveUp {
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
}

/// Names the decision alone: its token is a secret, and the rest is people's business.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve { .. } => "Approve",
            Self::Reject { .. } => "Reject",
            Self::Happened { .. } => "Happened",
            Self::DidNotHappen => "DidNotHappen",
            Self::GiveUp { .. } => "GiveUp",
        })
    }
}
