//! Signs that a text wants to command the model instead of being read by it.

mod blobs;
mod phrases;

use self::blobs::decoded_blobs;
use self::phrases::scanner;
use crate::guardrail::engine::{Finding, Scanner, Window};

use std::convert::Infallible;
use std::sync::Arc;

/// The score from which on a text counts as an attempt, unless another is set.
const THRESHOLD: u32 = 10;
/// What each character counts that turns the direction of writing or has no width.
const INVISIBLE: u32 = 2;
const MOST_FOR_INVISIBLE: u32 = 10;

/// Scores signs of prompt injection, and finds a text whose score is high.
///
/// These are heuristics: phrases like "ignore all previous instructions",
/// markers of roles, questions for the system prompt, invisible characters,
/// and the same within Base64. They catch what is copied from lists, not an
/// author who knows them, and may strike a text *about* prompt injection.
/// Only what is not trusted is looked at: of a request to a model the words of
/// users and results of tools, not the system prompt.
#[derive(Debug, Clone)]
pub struct PromptInjection {
    threshold: u32,
}

impl Default for PromptInjection {
    fn default() -> Self {
        Self { threshold: THRESHOLD }
    }
}

impl PromptInjection {
    /// Looks for a score of at least 10: one plain command, or several hints.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the score from which on a text is found.
    #[must_use]
    pub fn threshold(mut self, threshold: u32) -> Self {
        self.threshold = threshold;
        self
    }

    pub(in crate::guardrail) fn build(&self) -> Result<Injection, String> {
        if self.threshold == 0 {
            return Err("its threshold must be at least 1".to_owned());
        }
        Ok(Injection { threshold: self.threshold, phrases: Arc::new(scanner()?) })
    }
}

/// What judges texts by their score.
#[derive(Debug)]
pub(in crate::guardrail) struct Injection {
    threshold: u32,
    phrases: Arc<Scanner>,
}

impl Injection {
    pub(in crate::guardrail) fn is_reached(&self, score: u32) -> bool {
        score >= self.threshold
    }

    /// Returns the score of a text, and adds the names of its signs.
    pub(in crate::guardrail) fn score(&self, text: &str, signs: &mut Vec<String>) -> u32 {
        let mut score = self.score_of_phrases(text, signs);
        let hidden = text.chars().filter(|c| is_hidden(*c)).count();
        if hidden > 0 {
            note(signs, "invisible characters");
            let hidden = u32::try_from(hidden).unwrap_or(u32::MAX);
            score += hidden.saturating_mul(INVISIBLE).min(MOST_FOR_INVISIBLE);
        }
        for blob in decoded_blobs(text) {
            let within = self.score_of_phrases(&blob, signs);
            if within > 0 {
                note(signs, "encoded text");
                // Whoever encodes a command hides it.
                score = score.saturating_add(2 * within);
            }
        }
        score
    }

    fn score_of_phrases(&self, text: &str, signs: &mut Vec<String>) -> u32 {
        let mut score = 0_u32;
        let count = |finding: Finding<'_>, _: &mut String| {
            let (name, weight) = phrases::named(finding.label);
            note(signs, name);
            score = score.saturating_add(weight);
            Ok::<(), Infallible>(())
        };
        let Ok(()) =
            Window::new(Arc::clone(&self.phrases)).push(text, true, &mut String::new(), count);
        score
    }

    /// Takes the phrases and the invisible characters out of a text.
    pub(in crate::guardrail) fn clean(&self, text: &str, instead: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let replace = |_: Finding<'_>, out: &mut String| {
            out.push_str(instead);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = Window::new(Arc::clone(&self.phrases)).push(text, true, &mut out, replace);
        for range in blobs::blobs(&out.clone()).into_iter().rev() {
            let is_command = out
                .get(range.clone())
                .and_then(blobs::decoded)
                .is_some_and(|text| self.score_of_phrases(&text, &mut Vec::new()) > 0);
            if is_command {
                out.replace_range(range, instead);
            }
        }
        out.retain(|c| !is_hidden(c));
        out
    }
}

fn note(signs: &mut Vec<String>, sign: &str) {
    if !signs.iter().any(|known| known == sign) {
        signs.push(sign.to_owned());
    }
}

/// Returns whether a character turns the direction of writing, or is a tag that no one sees.
///
/// Joiners are not: emoji and several scripts need them.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}
