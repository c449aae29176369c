//! Judging executions that ended long ago, a chunk at a time.

use super::Evaluation;
use crate::id::{ExecutionId, FlowName};
use crate::store::Cursor;
use crate::time::Timestamp;

/// Which executions of the past are to be judged; newest first.
///
/// One call looks at `limit` executions. Whoever wants all of them calls again
/// with the `after` that the last call gave, and can tell how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastQuery {
    /// Only those of this flow.
    pub flow: Option<FlowName>,
    /// Only those that were triggered at this instant or later.
    pub since: Option<Timestamp>,
    /// Only those that were triggered before this instant.
    pub until: Option<Timestamp>,
    /// Whether those are judged again that were judged before.
    pub again: bool,
    /// Where the last call ended.
    pub after: Option<Cursor>,
    /// How many executions are looked at; at most 500.
    pub limit: usize,
}

impl Default for PastQuery {
    fn default() -> Self {
        Self { flow: None, since: None, until: None, again: false, after: None, limit: 50 }
    }
}

/// What came of judging executions of the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastEvaluations {
    /// How many executions were looked at.
    pub looked_at: usize,
    /// What evaluators thought of those that were judged now.
    pub evaluations: Vec<Evaluation>,
    /// How many were passed over: not complete, outside of the time, judged
    /// before, or of a flow to which no evaluator applies.
    pub skipped: usize,
    /// Those that could not be judged, and why.
    pub failed: Vec<(ExecutionId, String)>,
    /// Where the next call goes on; `None` when there is nothing more.
    pub next: Option<Cursor>,
}
