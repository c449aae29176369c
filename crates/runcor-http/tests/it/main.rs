//! The HTTP API over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;
mod fake;
mod log;

mod decisions;
mod durable;
mod engine;
mod health;
mod journals;
mod lifecycle;
mod limits;
mod routes;
mod security;
mod sse;
