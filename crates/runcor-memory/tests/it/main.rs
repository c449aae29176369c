//! What memories promise outside of flows, on the in-memory store.

#![cfg(test)]

mod handles;
