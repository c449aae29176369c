//! The providers, seen from outside: against recorded traffic, against a
//! server that misbehaves, and by themselves.

#![cfg(test)]

mod mock;

#[cfg(all(feature = "anthropic", feature = "google", feature = "openai"))]
mod wire {
    mod canned;
    mod cassettes;
    mod configuration;
    mod faults;
    mod streams;
    mod table;
    mod vendors;
}
