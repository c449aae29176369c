//! The engine's behaviour, on every store.

#![cfg(test)]

mod bed;
mod cancelling;
mod events;
mod fickle;
mod queueing;
mod races;
mod recovery;
mod replaying;
mod retention;
mod retrying;
mod shutdown;
mod soak;
mod steps;
mod triggering;
mod typed;
mod waiting;
