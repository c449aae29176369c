//! The public interface of `runcor-pipeline`, from files to finished runs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the fakes of a test fail loudly"
)]

mod agent;
mod crash;
mod edited;
mod engine;
mod files;
mod folder;
mod governed;
mod journal;
mod parallel;
mod pauses;
mod refund;
mod refusal;
mod schema;
mod support;
mod webhook;
