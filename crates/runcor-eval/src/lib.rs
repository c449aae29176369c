//! Quality of results.

mod aggregate;
mod evaluator;
mod registration;

pub use evaluator::{EvalContext, Evaluator, Judgement};
pub use registration::{Registration, Thresholds};
