//! The interpreter: a pure planner, and a thin driver that does what it says.

mod agent;
mod ask;
mod attempt;
mod driver;
mod memory;
mod parallel;
mod pauses;
mod plan;
mod record;
mod state;
mod usage;

pub use driver::pipeline_flow;
pub(crate) use record::STEP_ENTRY_KEYS;
pub(crate) use state::{CONTEXT_KEYS, ITEM_KEYS};
pub use usage::{StepUsage, total_usage, usage_of};
