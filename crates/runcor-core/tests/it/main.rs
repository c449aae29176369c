//! What core promises to whoever writes flows, on fakes of everything around it.

#![cfg(test)]

mod guarding;
mod life_of_an_execution;
mod memories;
mod places;
mod shelf;
mod support;
