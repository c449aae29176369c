//! How long a text is.

use async_trait::async_trait;
use runcor_core::Result;

use super::invalid;
use super::text::TextPart;
use crate::evaluator::{EvalContext, Evaluator, Judgement};

/// Scores `relevance` by the length of a text, in UTF-16 units as documented.
///
/// Between the bounds it is 1. Below it is the part of the shortest that is
/// there; above it falls to 0 at twice the longest. No text scores 0.
#[derive(Debug, Clone)]
pub struct LengthEvaluator {
    name: String,
    part: TextPart,
    shortest: Option<u32>,
    longest: Option<u32>,
}

impl LengthEvaluator {
    /// Makes one without bounds, by which every text is right.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), part: TextPart::default(), shortest: None, longest: None }
    }

    /// Sets the bounds.
    ///
    /// # Errors
    /// `INVALID_EVALUATOR_CONFIG` when the shortest is longer than the longest.
    pub fn between(mut self, shortest: Option<u32>, longest: Option<u32>) -> Result<Self> {
        if shortest.zip(longest).is_some_and(|(shortest, longest)| shortest > longest) {
            return Err(invalid(&self.name, "needs a minLength that is not above maxLength"));
        }
        (self.shortest, self.longest) = (shortest, longest);
        Ok(self)
    }

    /// Says where the text is in a result that is none.
    #[must_use]
    pub fn part(mut self, part: TextPart) -> Self {
        self.part = part;
        self
    }

    fn score(&self, length: u32) -> f64 {
        let length = f64::from(length);
        match (self.shortest.map(f64::from), self.longest.map(f64::from)) {
            (Some(shortest), _) if length < shortest => length / shortest,
            (_, Some(longest)) if length > longest && longest == 0.0 => 0.0,
            (_, Some(longest)) if length > longest => (1.0 - (length - longest) / longest).max(0.0),
            _ => 1.0,
        }
    }
}

#[async_trait]
impl Evaluator for LengthEvaluator {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement> {
        let Some(text) = self.part.of(ctx.output()) else {
            return Ok(Judgement::score("relevance", 0.0).with_feedback("there is no text"));
        };
        let length = u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
        Ok(Judgement::score("relevance", self.score(length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_formula_holds_at_the_bounds() {
        let by = |shortest, longest| LengthEvaluator::new("l").between(shortest, longest).unwrap();
        let both = by(Some(10), Some(20));
        let scores = [0, 5, 10, 20, 30, 40, 41].map(|length| both.score(length));
        assert_eq!(scores, [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]);
        assert_eq!([0, 9].map(|length| by(None, None).score(length)), [1.0, 1.0]);
        assert_eq!([0, 1].map(|length| by(Some(0), Some(0)).score(length)), [1.0, 0.0]);
        assert!(LengthEvaluator::new("l").between(Some(2), Some(1)).is_err());
    }
}
