//! `server`: flows served as MCP tools.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Flows served as MCP tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "ServerSection")]
pub struct McpServer {
    /// Whether the server starts.
    pub enabled: bool,
    /// How the server names itself; `runcor` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which version the server tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
