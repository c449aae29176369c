//! `connections`: the MCP servers whose tools flows use.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;
use crate::secret;

/// One MCP server whose tools flows use.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ConnectionSection")]
pub struct Connection {
    /// The name that goes before its tools.
    #[schemars(length(min = 1))]
    pub name: String,
    /// A known server whose settings are taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// How the server is reached; needed without a preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// The program to start; needed by `stdio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub command: Option<String>,
    /// The arguments of the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables of the program.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "secret::masked_values"
    )]
    #[schemars(with = "BTreeMap<String, String>")]
    pub env: BTreeMap<String, SecretString>,
    /// The address of the server; needed by `sse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub url: Option<String>,
    /// HTTP headers for the server.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "secret::masked_values"
    )]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, SecretString>,
    /// How long a call of a tool may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub timeout_ms: Option<u64>,
    /// How often a lost connection is made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub retry_attempts: Option<u32>,
    /// How long to wait before the first of these attempts, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = MAX_MILLIS))]
    pub retry_delay_ms: Option<u64>,
    /// How often the server is asked whether it is well, in milliseconds; 0 never asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = MAX_MILLIS))]
    pub health_check_interval_ms: Option<u64>,
}

/// A known MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Mail at Gmail.
    Gmail,
    /// Messages at Slack.
    Slack,
    /// Events at Google Calendar.
    Calendar,
}

/// How an MCP server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A child process, by its standard input and output.
    Stdio,
    /// HTTP with server-sent events.
    Sse,
}
