//! The HTTP API over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;
mod doubles;
mod fake;
mod house;
mod log;

mod costs;
mod decisions;
mod durable;
mod engine;
mod health;
mod identities;
mod journals;
mod lifecycle;
mod limits;
mod quality;
mod routes;
mod security;
mod sse;
mod tenants;
