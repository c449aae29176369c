//! The keeper on real stores: limits, ledger, events, and the laws that hold throughout.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bed;
mod crowd;
mod laws;
mod ledger;
mod leftovers;
mod limits;
mod metered;
mod routed;
mod telling;
mod topping;
mod windows;
