//! Executions: what was asked, where it stands, and the state machine between.

mod change;
mod record;
mod state;
mod wire;

pub(crate) use wire::error as wire_error;

pub mod backoff;

pub use change::{Applied, Change, InvalidTransition};
pub use record::{
    Execution, ExecutionError, ExecutionSpec, ExecutionStatus, Fence, ForkChanges, ForkOrigin,
    Parent, Transition, WaitContext,
};
pub use state::{ExecutionState, UnknownState};
