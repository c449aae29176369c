//! `memory`: how much flows may remember.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much the memory of a flow, a user or an execution may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "MemorySection")]
pub struct Memory {
    /// The longest key, in bytes.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_key_bytes: u32,
    /// The largest value as JSON, in bytes.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_value_bytes: u32,
    /// The most keys of one memory.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_entries: u32,
}

impl Default for Memory {
    fn default() -> Self {
        Self { max_key_bytes: 512, max_value_bytes: 256 * 1024, max_entries: 10_000 }
    }
}
