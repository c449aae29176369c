//! The engine's behaviour, on every store.

#![cfg(test)]

mod approving;
mod asking_models;
mod bed;
mod calling;
mod cancelling;
mod degraded;
mod doubting;
mod events;
mod fickle;
mod forking;
mod guarding;
mod joining;
mod judging;
mod leases;
mod noting;
mod paying;
mod queueing;
mod races;
mod recovery;
mod remembering;
mod replaying;
mod retention;
mod retrying;
mod shutdown;
mod simulation;
mod sleeping;
mod soak;
mod steps;
mod triggering;
mod typed;
mod waiting;
