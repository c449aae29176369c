//! What a guardrail says, and what becomes of it.

use async_trait::async_trait;
use runcor_core::{ExecutionId, FlowName, GuardPhase, GuardScope, Result, TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a finding does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardrailMode {
    /// It stops the content.
    #[default]
    Block,
    /// It is announced as `policy:warning`, and the content goes on as it is.
    Warn,
    /// It is replaced, and the content goes on.
    Transform,
}

/// What happens when a guardrail fails, panics, or takes too long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureMode {
    /// The content is stopped.
    #[default]
    Block,
    /// The content goes on, and that is announced as `policy:warning`.
    Pass,
}

/// What a handler says of content.
///
/// In mode [`Warn`](GuardrailMode::Warn) a handler changes and stops nothing:
/// whatever it finds is announced. In the other modes it is done as it says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum GuardrailAction {
    /// It may go on.
    Pass,
    /// It may go on, and somebody should hear of it.
    Warn {
        /// Why; it is announced, so it must not repeat the content.
        reason: String,
    },
    /// It may go on as this.
    Transform {
        /// The content in its place.
        content: Value,
    },
    /// It must not go on.
    Block {
        /// Why; callers read it, so it must not repeat the content.
        reason: String,
    },
}

/// Whose content a handler looks at, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailContext {
    /// Where the content is on its way.
    pub phase: GuardPhase,
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its flow.
    pub flow_name: FlowName,
    /// On whose behalf it runs.
    pub user_id: Option<UserId>,
    /// For which tenant.
    pub tenant_id: Option<TenantId>,
}

impl GuardrailContext {
    pub(super) fn new(phase: GuardPhase, scope: &GuardScope) -> Self {
        Self {
            phase,
            execution_id: scope.execution,
            flow_name: scope.flow.clone(),
            user_id: scope.caller.user.clone(),
            tenant_id: scope.caller.tenant.clone(),
        }
    }
}

/// A guardrail in Rust.
///
/// # Contract
/// It MUST NOT block its thread: a time budget ends what waits, not what computes.
#[async_trait]
pub trait GuardrailHandler: Send + Sync {
    /// Says what content may do.
    ///
    /// # Errors
    /// Any error is a failure, and the guardrail's [`FailureMode`] decides.
    async fn inspect(&self, content: &Value, context: &GuardrailContext)
    -> Result<GuardrailAction>;
}

/// A closure as a handler.
pub(super) struct Closure<F>(pub(super) F);

#[async_trait]
impl<F, R> GuardrailHandler for Closure<F>
where
    F: Fn(Value, GuardrailContext) -> R + Send + Sync,
    R: Future<Output = Result<GuardrailAction>> + Send,
{
    async fn inspect(
        &self,
        content: &Value,
        context: &GuardrailContext,
    ) -> Result<GuardrailAction> {
        (self.0)(content.clone(), context.clone()).await
    }
}
