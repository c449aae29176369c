//! What evaluation promises, on the in-memory store.

#![cfg(test)]

mod asking;
mod builtins;
mod comparing;
mod judging;
mod model_judge;
mod past;
mod support;
