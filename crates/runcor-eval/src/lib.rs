#![doc = include_str!("../README.md")]
//!
//! ## Inside
//!
//! [`Evaluators`] is the whole: the [`Hook`](runcor_core::Hook) that the engine
//! asks at the end of an execution, the worker that judges ([`Evaluators::run`]),
//! and the [`Quality`](runcor_core::Quality) that HTTP and the command line call.
//!
//! ```text
//! the end of an execution ──┬─ one commit: the result, and "is to be judged"
//!                           └─ wakes ─▶ worker ─▶ Evaluator, Evaluator, … side by side
//!                                         └─ one commit: evaluation, flag, events, what it cost
//! ```
//!
//! So an execution pays for being judged with one operation in a commit that it
//! makes anyway, a crash loses nothing, and no evaluator can hurt what it
//! judges. [`compare`] is a pure function over two sets of executions.

mod aggregate;
mod builtin;
mod catalog;
mod compare;
mod evaluator;
mod evaluators;
mod hook;
mod panel;
mod past;
mod quality;
mod registration;
mod worker;

pub use builtin::{
    ExactMatch, Expected, Format, FormatEvaluator, JUDGE_FLOW, KeywordEvaluator, LengthEvaluator,
    ModelJudge, Similarity, SimilarityMethod, TextPart,
};
pub use compare::{Sample, TableRow, compare, table};
pub use evaluator::{EvalContext, Evaluator, Judgement};
pub use evaluators::Evaluators;
pub use registration::{Registration, Thresholds};
