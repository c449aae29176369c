//! Model routing for runcor: which provider answers, and in what form.
//!
//! [`Router`] is a [`ModelService`](runcor_core::ModelService) over any number of
//! providers. It orders them by a strategy, asks the same one again where that
//! may help, falls back to the next, and leaves those alone that keep failing.
//! Each request to a vendor is reserved and booked with the meter in its scope.
//! [`StructuredOutput`] is a layer over any such service that makes answers
//! match a JSON Schema.
//!
//! ```text
//! StructuredOutput ─▶ Router ─▶ Meter: reserve ─▶ ModelProvider ─▶ the vendor
//! ```
//!
//! In that order, because a second attempt at a valid answer is a call of its
//! own: it has to be routed and paid for. The other way round there would be
//! nothing to pin the second attempt to.
//!
//! There are no tasks and no timers here. Time comes from a
//! [`Clock`](runcor_core::Clock), and a breaker works out from it, when it is
//! asked, whether its cooldown is over.

mod alias;
mod ask;
mod attempt;
mod breaker;
mod builder;
mod call;
mod error;
mod estimate;
mod exchange;
mod hedge;
mod latency;
mod limit;
mod pin;
mod ping;
mod reach;
mod registration;
mod retry;
mod route;
mod router;
mod slot;
mod strategy;
mod stream;
mod structured;
mod vitals;
mod walk;
mod weights;

pub use attempt::Attempt;
pub use builder::RouterBuilder;
pub use error::Error;
pub use hedge::Hedge;
pub use ping::Ping;
pub use registration::Registration;
pub use retry::Retries;
pub use router::Router;
pub use strategy::Candidate;
pub use structured::StructuredOutput;
