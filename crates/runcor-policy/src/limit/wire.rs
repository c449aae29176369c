//! A rate limit as configurations write it.

use std::time::Duration;

use runcor_core::{FlowName, RateScope};
use serde::Deserialize;

use super::{QUEUE_DEPTH, QUEUE_TIMEOUT, RateLimit, counted_by_default};
use crate::error::Error;
use crate::operations::Operations;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wire {
    name: String,
    scope: RateScope,
    limit: u32,
    window_ms: u64,
    #[serde(default)]
    behavior: Behavior,
    max_queue_depth: Option<u32>,
    queue_timeout_ms: Option<u64>,
    flow_name: Option<FlowName>,
    operations: Option<Operations>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Behavior {
    #[default]
    Reject,
    Queue,
}

impl TryFrom<Wire> for RateLimit {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        let window = Duration::from_millis(wire.window_ms);
        let mut limit = Self::new(wire.name, wire.scope, wire.limit, window);
        if wire.behavior == Behavior::Queue {
            let timeout = wire.queue_timeout_ms.map_or(QUEUE_TIMEOUT, Duration::from_millis);
            limit = limit.with_queue(wire.max_queue_depth.unwrap_or(QUEUE_DEPTH), timeout);
        }
        limit.flow = wire.flow_name;
        limit.operations = wire.operations.unwrap_or_else(counted_by_default);
        limit.check()?;
        Ok(limit)
    }
}
