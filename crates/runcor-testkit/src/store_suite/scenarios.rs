//! The scenarios, one file for each idea.

pub(super) mod accounts;
pub(super) mod batches;
pub(super) mod claims;
pub(super) mod closing;
pub(super) mod compactions;
pub(super) mod concurrency;
pub(super) mod deletes;
pub(super) mod durable;
pub(super) mod entries;
pub(super) mod events;
pub(super) mod families;
pub(super) mod fields;
pub(super) mod inserts;
pub(super) mod intents;
pub(super) mod journals;
pub(super) mod leases;
pub(super) mod listing;
pub(super) mod preconditions;
pub(super) mod reservations;
pub(super) mod seeds;
pub(super) mod settlements;
pub(super) mod sweeps;
pub(super) mod timers;
pub(super) mod updates;
pub(super) mod values;
