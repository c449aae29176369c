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
mod models;
mod path;
mod step;
mod tools;
mod typed;
mod wait;

pub use approval::{Approval, ApprovalAnswer, OpenApproval};
pub use context::{FlowContext, FlowContextParts};
pub use decision::Decision;
pub use definition::{Divergence, Flow, FlowConfig, FlowHandler, FlowInfo, FlowOutcome};
pub use error::FlowError;
pub use hash::{InvalidRequestHash, RequestHash};
pub use journal::{
    Answer, Calls, ChildCall, Journal, JournalEntry, JournalKind, Outcome, Spend, StepFailure,
};
pub use models::FlowModels;
pub use step::{Step, StepBuilder};
pub use tools::FlowTools;
pub use wait::{Suspension, WaitKind, WaitSignal};
