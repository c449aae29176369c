//! The conformance suite of stores: named scenarios, each on a fresh store.
//!
//! [`store_suite!`](crate::store_suite!) makes one test of each scenario. A
//! scenario that needs what a store does not promise
//! ([`StoreCapabilities`](runcor_core::StoreCapabilities)) says on stderr that
//! it was skipped.

mod chance;
mod fixture;
mod kept_ops;
mod money_ops;
mod ops;
mod quality_ops;
mod registry;
mod scenarios;
mod subject;

pub use fixture::StoreFixture;
pub use registry::{Scenario, run_scenario, scenarios};
