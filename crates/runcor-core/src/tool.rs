//! Tools: what a flow, or a model through it, can have done.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};

/// Offers tools and calls them; adapters implement it.
///
/// # Contract
/// - Dropping a returned future MUST cancel the call as far as that is possible.
/// - A tool that is not `idempotent` is called at most once for each place in a
///   flow; one that is MUST treat calls with one idempotency key as one.
#[async_trait]
pub trait ToolProvider: fmt::Debug + Send + Sync {
    /// Returns every tool, in a stable order.
    async fn tools(&self) -> Result<Vec<ToolInfo>>;

    /// Calls a tool.
    ///
    /// # Errors
    /// `TOOL_NOT_FOUND`, `INVALID_INPUT` (the arguments), `TOOL_FAILED`; retryable
    /// where the same call may succeed later.
    async fn call(&self, request: &ToolRequest) -> Result<Value>;
}

/// A tool, as it is offered to models and people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolInfo {
    /// The name by which it is called.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// Whether calling it again with the same key is the same as calling it once.
    #[serde(default)]
    pub idempotent: bool,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolRequest {
    /// The tool.
    pub name: String,
    /// The arguments, an object.
    pub arguments: Value,
    /// The same whenever this call is made again.
    pub idempotency_key: String,
}

/// No tools at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTools;

#[async_trait]
impl ToolProvider for NoTools {
    async fn tools(&self) -> Result<Vec<ToolInfo>> {
        Ok(Vec::new())
    }

    async fn call(&self, request: &ToolRequest) -> Result<Value> {
        let message = format!("there is no tool {:?}; the engine has none", request.name);
        Err(Error::new(ErrorCode::ToolNotFound, message))
    }
}
