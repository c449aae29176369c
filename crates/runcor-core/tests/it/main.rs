//! What core promises to whoever writes flows, on fakes of everything around it.

#![cfg(test)]

mod places;
mod support;
