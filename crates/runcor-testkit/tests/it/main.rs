//! The public API of the testkit, and controls of its suite.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod broken_store;
mod durable_double;
mod fault_store;
mod lossy_store;
mod negative_control;
mod positive_control;
mod scripted_provider;
mod thrifty;
