//! Executions to measure with.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking and documents itself")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runcor_core::{
    Change, Clock, Execution, ExecutionId, ExecutionSpec, FlowName, IdempotencyKey, SystemClock,
};
use serde_json::json;

static KEYS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn fresh() -> Execution {
    let now = SystemClock.now();
    let key = KEYS.fetch_add(1, Ordering::Relaxed);
    Execution::queued(ExecutionSpec::new(
        ExecutionId::mint(now),
        FlowName::new("morning-brief").unwrap(),
        IdempotencyKey::new(format!(
            "request-{key:x}-{:016x}",
            key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ))
        .unwrap(),
        json!({ "topic": "weather", "city": "Lisbon", "days": 3, "units": ["C", "mm"] }),
        now,
    ))
}

pub(crate) fn completion() -> Change {
    Change::Complete {
        result: json!({ "text": "Sunny, with a light wind from the north.", "tokens": 132 }),
        expires: Some(SystemClock.now().after(Duration::from_secs(3_600))),
    }
}
