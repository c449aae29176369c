//! Tool calls of a flow: done once, and remembered.

use serde_json::{Value, json};

use super::context::FlowContext;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::JournalKind;
use super::step::StepBuilder;
use crate::error::{Error, ErrorCode};
use crate::guard::GuardPhase;
use crate::tool::{ToolInfo, ToolRequest};

/// The tools as a flow sees them: every result is remembered in the journal.
#[derive(Debug, Clone)]
pub struct FlowTools {
    ctx: FlowContext,
}

impl FlowContext {
    /// Returns the tools.
    #[must_use]
    pub fn tools(&self) -> FlowTools {
        FlowTools { ctx: self.clone() }
    }
}

impl FlowTools {
    /// Returns every tool that there is at present.
    ///
    /// # Errors
    /// Fails as the provider of the tools does.
    pub async fn list(&self) -> Result<Vec<ToolInfo>, FlowError> {
        Ok(self.ctx.tool_provider().tools().await?)
    }

    /// Calls a tool, or returns what it gave before.
    ///
    /// A tool that does not call itself idempotent is called at most once: see
    /// [`StepBuilder::non_idempotent`].
    ///
    /// # Errors
    /// `TOOL_NOT_FOUND`, and as the tool fails; else as [`FlowContext::step`].
    pub async fn call(&self, name: &str, arguments: Value) -> Result<Value, FlowError> {
        let asked = json!([name, arguments]);
        if let Some(result) = self.remembered(name, &asked).await? {
            return Ok(result);
        }
        self.ctx.check_tool_call(name, &arguments).await?;
        let tool = self.list().await?.into_iter().find(|tool| tool.name == name);
        let is_idempotent = tool.as_ref().is_some_and(|tool| tool.idempotent);
        let step = StepBuilder::new(&self.ctx, name, JournalKind::Tool).request(&asked);
        let step = if is_idempotent { step } else { step.non_idempotent() };
        step.run(|step| async move {
            if tool.is_none() {
                let message = format!("there is no tool {name:?}");
                return Err(Error::new(ErrorCode::ToolNotFound, message).into());
            }
            let idempotency_key = step.idempotency_key;
            let arguments = self.ctx.guarded(GuardPhase::ToolArguments, arguments).await?;
            let request = ToolRequest { name: name.to_owned(), arguments, idempotency_key };
            let result = self.ctx.tool_provider().call(&request).await?;
            Ok(self.ctx.guarded(GuardPhase::ToolResult, result).await?)
        })
        .await
    }

    /// Returns the result of the next call of a tool, if it is remembered: that
    /// needs no provider, which may be away by now.
    async fn remembered(&self, name: &str, asked: &Value) -> Result<Option<Value>, FlowError> {
        let met = self.ctx.meet(name, JournalKind::Tool, Some(RequestHash::of(asked))).await?;
        let remembered = met.remembered()?;
        if remembered.is_none() {
            met.give_back();
        }
        Ok(remembered)
    }
}
