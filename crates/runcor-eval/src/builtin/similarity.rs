//! How near a text comes to the one that was expected.

use std::collections::HashMap;

use async_trait::async_trait;
use runcor_core::Result;

use super::exact::{Expected, NO_EXPECTATION};
use super::text::TextPart;
use crate::evaluator::{EvalContext, Evaluator, Judgement};

/// The most characters of each text that are compared one by one: the work
/// grows with the product of the lengths.
const MAX_EDIT: usize = 4_000;

/// By what two texts are alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SimilarityMethod {
    /// The words that they share: the F1 measure over words, as the `SQuAD`
    /// benchmark scores answers (Rajpurkar et al., 2016). With `s` shared words
    /// of `m` and `n` it is `2s / (m + n)`. Order does not matter, nor do case
    /// and punctuation.
    #[default]
    Words,
    /// The letters that have to be changed: one less the edit distance
    /// (Levenshtein, 1966) by the length of the longer text. Of texts longer
    /// than 4000 characters the beginnings are compared.
    Edits,
}

/// Scores `accuracy` by how alike the result and an expected text are.
///
/// Where nobody gave an expected text there is no score, and the label `no-expectation`.
#[derive(Debug, Clone)]
pub struct Similarity {
    name: String,
    expected: Expected,
    method: SimilarityMethod,
    part: TextPart,
}

impl Similarity {
    /// Makes one that compares words.
    #[must_use]
    pub fn new(name: impl Into<String>, expected: Expected) -> Self {
        let (method, part) = (SimilarityMethod::default(), TextPart::default());
        Self { name: name.into(), expected, method, part }
    }

    /// Sets by what texts are alike.
    #[must_use]
    pub fn by(mut self, method: SimilarityMethod) -> Self {
        self.method = method;
        self
    }

    /// Says where the text is in a result that is none.
    #[must_use]
    pub fn part(mut self, part: TextPart) -> Self {
        self.part = part;
        self
    }
}

#[async_trait]
impl Evaluator for Similarity {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, ctx: &EvalContext) -> Result<Judgement> {
        let expected = self.expected.of(ctx).and_then(|it| TextPart::default().of(it));
        let Some(expected) = expected else {
            return Ok(Judgement::none().with_label(NO_EXPECTATION));
        };
        let Some(found) = self.part.of(ctx.output()) else {
            return Ok(Judgement::score("accuracy", 0.0).with_feedback("there is no text"));
        };
        let score = match self.method {
            SimilarityMethod::Words => by_words(&found, &expected),
            SimilarityMethod::Edits => by_edits(&found, &expected),
        };
        Ok(Judgement::score("accuracy", score))
    }
}

fn by_words(a: &str, b: &str) -> f64 {
    let (a, b) = (words(a), words(b));
    let count = |words: &HashMap<String, u32>| words.values().sum::<u32>();
    let all = count(&a) + count(&b);
    if all == 0 {
        return 1.0;
    }
    let shared: u32 = a.iter().map(|(word, n)| b.get(word).map_or(0, |m| *n.min(m))).sum();
    2.0 * f64::from(shared) / f64::from(all)
}

fn words(text: &str) -> HashMap<String, u32> {
    let mut words = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    words
}

fn by_edits(a: &str, b: &str) -> f64 {
    let beginning = |text: &str| text.chars().take(MAX_EDIT).collect::<String>();
    strsim::normalized_levenshtein(&beginning(a), &beginning(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shared_words_and_changed_letters_are_counted() {
        assert!((by_words("The cat sat.", "the cat stood") - 2.0 / 3.0).abs() < 1e-12);
        assert!((by_words("a a b", "a c") - 0.4).abs() < 1e-12);
        assert!((by_edits("kitten", "sitting") - (1.0 - 3.0 / 7.0)).abs() < 1e-12);
        assert_eq!((by_words("", "?!"), by_words("", "a"), by_edits("", "")), (1.0, 0.0, 1.0));
    }

    proptest! {
        #[test]
        fn likeness_is_mutual_between_0_and_1_and_whole_with_itself(a in ".{0,30}", b in ".{0,30}") {
            for by in [by_words, by_edits] {
                let likeness = by(&a, &b);
                prop_assert!((0.0..=1.0).contains(&likeness));
                prop_assert!((likeness - by(&b, &a)).abs() < 1e-12);
                prop_assert!((by(&a, &a) - 1.0).abs() < 1e-12);
            }
        }
    }
}
