//! The public API of the router, against scripted providers and a manual clock.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod breaker;
mod building;
mod fakes;
mod meter;
mod metering;
mod models;
mod ordering;
mod pins;
mod requests;
mod retries;
mod streams;
mod structured;
