//! The JSON shape of an execution, as the HTTP API documents it.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::record::{Execution, ExecutionError, ForkOrigin, Parent, Transition, WaitContext};
use super::state::ExecutionState;
use crate::id::{ExecutionId, FlowName, IdempotencyKey, SessionId, TenantId, UserId};
use crate::time::Timestamp;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireExecution<'a> {
    id: ExecutionId,
    flow_name: &'a FlowName,
    idempotency_key: &'a IdempotencyKey,
    state: ExecutionState,
    input: &'a Value,
    result: Option<&'a Value>,
    error: Option<WireError<'a>>,
    retry_count: u32,
    timestamps: WireTimestamps<'a>,
    wait_context: Option<&'a WaitContext>,
    resume_data: Option<&'a Value>,
    replay_of: Option<ExecutionId>,
    user_id: Option<&'a UserId>,
    session_id: Option<&'a SessionId>,
    tenant_id: Option<&'a TenantId>,
    metadata: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a Parent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fork: Option<&'a ForkOrigin>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireError<'a> {
    message: &'a str,
    /// Always null: the field is part of the documented shape.
    stack: Option<()>,
    retryable: bool,
    retry_count: u32,
    code: Option<&'a str>,
}

#[derive(Serialize)]
struct WireTimestamps<'a> {
    queued: Timestamp,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
    transitions: &'a [Transition],
}

impl<'a> From<&'a ExecutionError> for WireError<'a> {
    fn from(error: &'a ExecutionError) -> Self {
        Self {
            message: &error.message,
            stack: None,
            retryable: error.retryable,
            retry_count: error.retry_count,
            code: error.code.as_deref(),
        }
    }
}

/// Serialises an optional error in the documented shape, `stack` included.
pub(crate) fn error<S: Serializer>(
    error: &Option<ExecutionError>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    error.as_ref().map(WireError::from).serialize(serializer)
}

impl Serialize for Execution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (spec, status) = (&*self.spec, &self.status);
        WireExecution {
            id: spec.id,
            flow_name: &spec.flow,
            idempotency_key: &spec.idempotency_key,
            state: status.state,
            input: &spec.input,
            result: status.result.as_deref(),
            error: status.error.as_ref().map(WireError::from),
            retry_count: status.retry_count,
            timestamps: WireTimestamps {
                queued: spec.queued_at,
                started: status.started,
                completed: status.completed,
                transitions: &status.transitions,
            },
            wait_context: status.wait.as_ref(),
            resume_data: status.resume_data.as_ref(),
            replay_of: spec.replay_of,
            user_id: spec.user_id.as_ref(),
            session_id: spec.session_id.as_ref(),
            tenant_id: spec.tenant_id.as_ref(),
            metadata: spec.metadata.as_ref(),
            parent: spec.parent.as_ref(),
            fork: spec.fork.as_deref(),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::execution::{Change, ExecutionSpec};
    use crate::id::WorkerId;

    #[test]
    fn an_execution_has_the_documented_keys_in_the_documented_order() {
        let at = Timestamp::from_millis(1_763_667_325_593);
        let mut execution = Execution::queued(ExecutionSpec::new(
            ExecutionId::mint(at),
            FlowName::new("hello").unwrap(),
            IdempotencyKey::new("k1").unwrap(),
            json!({ "n": 1 }),
            at,
        ));
        let claim = Change::Claim { worker: WorkerId::mint(at) };
        execution.status = execution.apply(claim, at).unwrap().status;
        let error = ExecutionError {
            message: "because".to_owned(),
            retryable: false,
            retry_count: 0,
            code: Some("CANCELLED".to_owned()),
        };
        let fail = Change::Fail { error, expires: None };
        execution.status = execution.apply(fail, at).unwrap().status;

        let text = serde_json::to_string(&execution).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys[..13],
            [
                "id",
                "flowName",
                "idempotencyKey",
                "state",
                "input",
                "result",
                "error",
                "retryCount",
                "timestamps",
                "waitContext",
                "resumeData",
                "replayOf",
                "userId",
            ]
        );
        assert_eq!(
            value["error"],
            json!({ "message": "because", "stack": null, "retryable": false, "retryCount": 0, "code": "CANCELLED" })
        );
        assert_eq!(
            value["timestamps"]["transitions"][0],
            json!({ "from": "queued", "to": "running", "at": "2025-11-20T19:35:25.593Z" })
        );
    }
}
