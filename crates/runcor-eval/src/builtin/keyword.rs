//! Which words a text has.

use async_trait::async_trait;
use runcor_core::Result;

use super::invalid;
use super::text::TextPart;
use crate::evaluator::{EvalContext, Evaluator, Judgement};

/// Scores `safety` by the words that must be in a text and those that must not.
///
/// The score is the part of the required ones that are there, less the part of
/// the forbidden ones that are there, and not below 0. Words are looked for
/// anywhere, also inside of others. No text scores 0.
#[derive(Debug, Clone)]
pub struct KeywordEvaluator {
    name: String,
    part: TextPart,
    required: Vec<String>,
    forbidden: Vec<String>,
    is_case_sensitive: bool,
}

impl KeywordEvaluator {
    /// Makes one without words, by which every text is right.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            part: TextPart::default(),
            required: Vec::new(),
            forbidden: Vec::new(),
            is_case_sensitive: false,
        }
    }

    /// Sets the words that must be there and those that must not.
    ///
    /// # Errors
    /// `INVALID_EVALUATOR_CONFIG` when one of them is empty.
    pub fn words(mut self, required: Vec<String>, forbidden: Vec<String>) -> Result<Self> {
        if required.iter().chain(&forbidden).any(String::is_empty) {
            return Err(invalid(&self.name, "has an empty keyword, which is in every text"));
        }
        (self.required, self.forbidden) = (required, forbidden);
        Ok(self)
    }

    /// Tells upper from lower case.
    #[must_use]
    pub fn case_sensitive(mut self, is_case_sensitive: bool) -> Self {
        self.is_case_sensitive = is_case_sensitive;
        self
    }

    /// Says where the text is in a result that is none.
    #[must_use]
    pub fn part(mut self, part: TextPart) -> Self {
        self.part = part;
        self
    }

    fn judge(&self, text: &str) -> Judgement {
        let text = self.folded(text);
        let is_there = |word: &&String| text.contains(&self.folded(word));
        let missing: Vec<_> = self.required.iter().filter(|word| !is_there(word)).collect();
        let found: Vec<_> = self.forbidden.iter().filter(is_there).collect();
        let kept = 1.0 - share(missing.len(), self.required.len());
        let score = (kept - share(found.len(), self.forbidden.len())).max(0.0);
        let judgement = Judgement::score("safety", score);
        if missing.is_empty() && found.is_empty() {
            return judgement;
        }
        judgement.with_feedback(format!("missing: {missing:?}; forbidden: {found:?}"))
    }

    fn folded(&self, text: &str) -> String {
        if self.is_case_sensitive { text.to_owned() } else { text.to_lowercase() }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let count = |number| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { count(part) / count(whole) }
}

#[async_trait]
impl Evaluator for KeywordEvaluator {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement> {
        Ok(match self.part.of(ctx.output()) {
            Some(text) => self.judge(&text),
            None => Judgement::score("safety", 0.0).with_feedback("there is no text"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(required: &[&str], forbidden: &[&str], is_strict: bool, text: &str) -> f64 {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let evaluator = KeywordEvaluator::new("k").words(owned(required), owned(forbidden));
        evaluator.unwrap().case_sensitive(is_strict).judge(text).scores["safety"]
    }

    #[test]
    fn the_documented_formula_holds() {
        assert_eq!(score(&[], &[], false, ""), 1.0);
        assert_eq!(score(&["a", "b"], &[], false, "only A"), 0.5);
        assert_eq!(score(&["a", "b"], &[], true, "only A, no B"), 0.0);
        assert_eq!(score(&[], &["x", "y"], false, "x"), 0.5);
        assert_eq!(score(&["a", "b"], &["x"], false, "a x"), 0.0);
        assert_eq!(score(&["a"], &["x", "y"], false, "a x"), 0.5);
        assert_eq!(score(&["ÄRGER"], &[], false, "ärger"), 1.0);
    }
}
