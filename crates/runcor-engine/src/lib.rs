//! The execution engine of runcor.
//!
//! An [`Engine`] accepts triggers, runs the handlers of registered flows, and
//! brings every accepted execution to its end: through retries, waits, crashes
//! and restarts. It owns no data: everything that must survive goes through
//! [`Store::commit`](runcor_core::Store::commit), one batch for each change.
//!
//! How the parts work together:
//!
//! - [`Engine`] answers callers (it is the [`Runtime`](runcor_core::Runtime)).
//! - *Admission* gives out the slots of the concurrency limit.
//! - A *family* is what the end of an execution means for its caller and for
//!   what it has called; it is committed together with that end.
//! - The *dispatcher* claims what is runnable, wakes sleepers, fails waits that took too long,
//!   removes what is past its retention and renews the lease.
//! - *Health* is whether the store takes what it is given; while it does not,
//!   nothing new is accepted, and what runs keeps its results until it does.
//! - *Strays* are what the store calls ours though nobody here runs it, because
//!   the answer of a commit was lost; they go back to the queue.
//! - A *policy* judges every operation before it happens, and counts what
//!   rate limits count in the batch that makes the operation true.
//! - A *runner* owns one execution by lease and epoch, and drives its handler.
//!
//! See [`Engine::start`] for an example.

mod admission;
mod budget_waits;
mod calls;
mod config;
mod crash_points;
mod decide;
mod dispatcher;
mod emitter;
mod engine;
mod family;
mod fork;
mod guarded;
mod handler;
mod health;
mod housekeeping;
mod journal;
mod lease;
mod operations;
mod outlast;
mod patience;
mod pause;
mod policy;
mod registry;
mod runner;
mod running;
mod settle;
mod shared;
mod shutdown;
mod steady;
mod strays;
mod trigger;
mod waiters;
mod watched;

pub use config::{EngineConfig, OrphanPolicy};
pub use engine::{Engine, EngineParts, EventPipe};
