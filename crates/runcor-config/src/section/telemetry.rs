//! `telemetry`: how the engine names itself in traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the engine names itself in traces, and what it traces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "TelemetrySection")]
pub struct Telemetry {
    /// The name of the service; `runcor` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// The version of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_version: Option<String>,
    /// Whether reads and writes of memory get spans.
    pub memory_spans: bool,
}
