//! `flows` and `webhooks`: where flow files lie, and which addresses their steps may call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the flow files lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "FlowsSection")]
pub struct Flows {
    /// The folder of the flow files.
    #[schemars(length(min = 1))]
    pub dir: String,
}

impl Default for Flows {
    fn default() -> Self {
        Self { dir: "flows".to_owned() }
    }
}

/// Which addresses the webhook steps of flows may call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "WebhooksSection")]
pub struct Webhooks {
    /// Whether addresses of this machine and of private networks may be called: all, or the listed hosts.
    pub allow_private_addresses: AllowPrivate,
    /// The only hosts that may be called; any public host when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
}

/// Which private addresses a webhook may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AllowPrivate {
    /// All or none.
    All(bool),
    /// Those of these hosts.
    Hosts(Vec<String>),
}

impl Default for AllowPrivate {
    fn default() -> Self {
        Self::All(false)
    }
}
