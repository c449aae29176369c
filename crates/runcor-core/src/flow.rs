//! Flows: the handlers that users write, and what a handler sees.

mod approval;
mod call;
mod context;
mod decision;
mod definition;
mod error;
mod hash;
mod join;
mod journal;
mod meet;
mod memory;
mod models;
mod path;
mod spending;
mod step;
mod streaming;
mod tools;
mod typed;
mod wait;

pub use approval::{Approval, ApprovalAnswer, OpenApproval};
pub use context::{FlowContext, FlowContextParts, Governance};
pub use decision::Decision;
pub use definition::{Divergence, Flow, FlowConfig, FlowHandler, FlowInfo, FlowOutcome};
pub use error::FlowError;
pub use hash::{InvalidRequestHash, RequestHash};
pub use journal::{
    Answer, Calls, ChildCall, Journal, JournalEntry, JournalKind, Outcome, Spend, StepFailure,
};
pub use memory::{FlowMemories, FlowMemory};
pub use models::FlowModels;
pub use spending::FlowCost;
pub use step::{Step, StepBuilder};
pub use tools::FlowTools;
pub use wait::{Suspension, WaitKind, WaitSignal};
