//! The JSON of columns that hold several fields which no query asks for.

use runcor_core::{
    ExecutionId, ExecutionSpec, ForkOrigin, Parent, Timestamp, WaitContext, WaitKind,
};
use serde::{Deserialize, Serialize};

/// What is stored of a [`WaitContext`] beside its data.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WaitRow {
    pub(crate) reason: Option<String>,
    pub(crate) resume_by: Option<i64>,
    pub(crate) since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<WaitKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wake_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) awaits: Vec<ExecutionId>,
}

impl WaitRow {
    pub(crate) fn of(wait: &WaitContext) -> Self {
        Self {
            reason: wait.reason.clone(),
            resume_by: wait.expected_resume_by.map(Timestamp::as_millis),
            since: wait.waiting_since.as_millis(),
            kind: Some(wait.kind).filter(|kind| *kind != WaitKind::default()),
            path: wait.path.clone(),
            wake_at: wait.wake_at.map(Timestamp::as_millis),
            awaits: wait.awaits.clone(),
        }
    }

    pub(crate) fn into_context(self, wait_data: Option<serde_json::Value>) -> WaitContext {
        WaitContext {
            reason: self.reason,
            expected_resume_by: self.resume_by.map(Timestamp::from_millis),
            wait_data,
            waiting_since: Timestamp::from_millis(self.since),
            kind: self.kind.unwrap_or_default(),
            path: self.path,
            wake_at: self.wake_at.map(Timestamp::from_millis),
            awaits: self.awaits,
        }
    }
}

/// Where an execution comes from.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OriginRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Parent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fork: Option<Box<ForkOrigin>>,
}

impl OriginRow {
    /// Returns `None` for an execution that was simply triggered.
    pub(crate) fn of(spec: &ExecutionSpec) -> Option<Self> {
        let (parent, fork) = (spec.parent.clone(), spec.fork.clone());
        (parent.is_some() || fork.is_some()).then_some(Self { parent, fork })
    }
}
