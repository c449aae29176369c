//! The public API of the router, against scripted providers and a manual clock.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod aliases;
mod breaker;
mod building;
mod chance;
mod fakes;
mod hedging;
mod latencies;
mod limits;
mod meter;
mod metering;
mod models;
mod ordering;
mod pins;
mod reloads;
mod requests;
mod retries;
mod streams;
mod structured;
