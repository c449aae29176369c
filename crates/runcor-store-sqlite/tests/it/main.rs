//! The store through its public API: conformance, files, locks, crashes, damage, space.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod support;

mod backup;
mod conformance;
mod crash;
mod damage;
mod differential;
mod events;
mod files;
mod golden;
mod golden_2;
mod governance;
mod journals;
mod ledger;
mod locking;
mod order;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod power;
mod records;
mod space;
mod verifying;
mod wealth;
