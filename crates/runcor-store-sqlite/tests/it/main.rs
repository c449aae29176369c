//! The store through its public API: conformance, files, locks, crashes, damage, space.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

mod conformance;
mod crash;
mod damage;
mod events;
mod files;
mod locking;
mod order;
mod records;
mod space;
