//! `state`: where executions are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where executions are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "StateSection")]
pub struct State {
    /// The kind of store.
    #[serde(rename = "type")]
    pub kind: StateType,
    /// The database file; needed by `sqlite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// What an acknowledgement of the `sqlite` store survives.
    pub durability: Durability,
}

/// The kind of store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StateType {
    /// In memory: nothing survives the process.
    #[default]
    Memory,
    /// In a SQLite database file.
    Sqlite,
}

/// What an acknowledgement of the store survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power cut.
    #[default]
    Full,
    /// A crash of the process; a power cut may lose the last moments.
    Normal,
    /// Nothing is promised; for tests.
    Memory,
}
