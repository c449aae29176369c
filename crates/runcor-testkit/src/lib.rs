//! Fakes and conformance suites for runcor and for applications built on it.
//!
//! - [`store_suite!`] makes one test of every [`Scenario`] that a
//!   [`Store`](runcor_core::Store) owes its users, each on a fresh [`StoreFixture`].
//! - [`ExecutionBuilder`] makes executions in which everything has a default.
//! - [`ScriptedProvider`] is a model that says what a test tells it to say.
//! - [`FaultStore`] makes any store fail, or wait, at the call that a test chooses.
//! - [`LossyStore`] loses power when a test wants it, and what was not yet synced with it.
//! - [`RecordingSink`] remembers the events that were announced.
//! - [`replay_inputs`] gives a fuzz target the inputs that are kept for it.
//! - [`ManualClock`] is time that stands still until a test moves it.
//!
//! ```
//! use runcor_testkit::ExecutionBuilder;
//!
//! let execution = ExecutionBuilder::new("refund").user("ada").build();
//! assert_eq!(execution.spec.flow.as_str(), "refund");
//! ```

mod builder;
mod closed;
mod fault_store;
mod lossy_store;
mod recording_sink;
mod replay_inputs;
mod scripted_provider;
mod store_suite;
pub mod vendor_server;

pub use builder::ExecutionBuilder;
pub use fault_store::{Fate, FaultStore, Gate, StoreCall};
pub use lossy_store::LossyStore;
pub use recording_sink::RecordingSink;
pub use replay_inputs::replay_inputs;
pub use runcor_core::ManualClock;
pub use scripted_provider::{ScriptStep, ScriptedProvider};
pub use store_suite::{Scenario, StoreFixture, run_scenario, scenarios};
