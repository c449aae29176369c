//! What governs flows, all parts together: money, policy, memory and quality over real stores.

#![cfg(test)]

mod bed;
mod guarding;
mod isolation;
mod judging;
mod money;
mod remembering;
mod yaml;
