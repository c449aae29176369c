//! How long a call may take.

use std::time::Duration;

use serde::Deserialize;

/// The time limits of one provider's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    /// How long connecting may take; 10 s unless set. In configuration: `connectMs`.
    #[serde(rename = "connectMs", with = "runcor_core::millis")]
    pub connect: Duration,
    /// How long the vendor may be silent between two pieces; 120 s unless set.
    /// In configuration: `readMs`.
    #[serde(rename = "readMs", with = "runcor_core::millis")]
    pub read: Duration,
    /// How long the whole call may take, streaming included; 600 s unless set.
    /// In configuration: `totalMs`.
    #[serde(rename = "totalMs", with = "runcor_core::millis")]
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(120),
            total: Duration::from_secs(600),
        }
    }
}
