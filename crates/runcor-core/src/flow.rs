//! Flows: the handlers that users write, and what a handler sees.

mod context;
mod definition;
mod error;
mod journal;
mod typed;

pub use context::{FlowContext, FlowContextParts, Step};
pub use definition::{Flow, FlowConfig, FlowHandler, FlowInfo, FlowOutcome, WaitSignal};
pub use error::FlowError;
pub use journal::{Journal, JournalEntry, JournalKind};
