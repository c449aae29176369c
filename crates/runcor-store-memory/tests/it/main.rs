//! The public API of the memory store.

mod conformance;
mod store;
