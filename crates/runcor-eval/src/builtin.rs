//! The evaluators that come with runcor.

mod exact;
mod format;
mod judge;
mod keyword;
mod length;
mod similarity;
mod text;

pub use exact::{ExactMatch, Expected};
pub use format::{Format, FormatEvaluator};
pub use judge::{JUDGE_FLOW, ModelJudge};
pub use keyword::KeywordEvaluator;
pub use length::LengthEvaluator;
pub use similarity::{Similarity, SimilarityMethod};
pub use text::TextPart;

use runcor_core::{Error, ErrorCode};

/// Says why an evaluator can't work as it is described.
fn invalid(name: &str, problem: &str) -> Error {
    let message = format!("evaluator {name:?} {problem}");
    Error::new(ErrorCode::InvalidEvaluatorConfig, message)
}
