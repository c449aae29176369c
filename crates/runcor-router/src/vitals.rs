//! What the router knows of a provider's condition; it outlives a reload.

use parking_lot::Mutex;

use crate::breaker::Breaker;
use crate::latency::Latency;

/// A provider's breaker and latencies.
///
/// Routers that follow each other share them, so that requests of the old one
/// that are still under way count for the new one as well.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) breaker: Mutex<Breaker>,
    pub(crate) latency: Latency,
}

impl Vitals {
    pub(crate) fn new() -> Self {
        Self { breaker: Mutex::new(Breaker::NEW), latency: Latency::default() }
    }
}
