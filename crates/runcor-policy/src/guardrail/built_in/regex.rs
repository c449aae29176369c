//! Regular expressions of the user's own.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::guardrail::engine::{self, Scanner};

/// The longest expression that is taken, in bytes.
const MAX_EXPRESSION: usize = 4096;

/// Finds what any of several regular expressions matches.
///
/// The syntax is that of the `regex` crate. All of them become one automaton
/// that takes one step a byte, whatever the text; an expression that makes it
/// too large, or that matches the empty text, is refused. `\b` knows the
/// letters of ASCII alone.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    expressions: Vec<String>,
    ignores_case: bool,
}

impl Patterns {
    /// Looks for these expressions.
    #[must_use]
    pub fn new(expressions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let expressions = expressions.into_iter().map(Into::into).collect();
        Self { expressions, ignores_case: false }
    }

    /// Makes no difference between capitals and others.
    #[must_use]
    pub fn ignore_case(mut self, ignores: bool) -> Self {
        self.ignores_case = ignores;
        self
    }

    pub(in crate::guardrail) fn scanner(&self) -> Result<Scanner, String> {
        if self.expressions.is_empty() {
            return Err("it needs at least one pattern".to_owned());
        }
        let patterns = self.expressions.iter().enumerate().map(|(index, expression)| {
            let label = format!("pattern {}", index + 1);
            let hir = parse(expression, self.ignores_case);
            let hir = hir.map_err(|problem| format!("{label}: {problem}"))?;
            Ok(engine::Pattern::new(&label, hir))
        });
        let patterns = engine::Patterns::build(patterns.collect::<Result<_, String>>()?)?;
        Ok(Scanner::new(vec![Box::new(patterns)], false))
    }
}

/// Parses an expression of a user.
fn parse(expression: &str, ignores_case: bool) -> Result<Hir, String> {
    if expression.len() > MAX_EXPRESSION {
        return Err(format!("it is longer than {MAX_EXPRESSION} bytes"));
    }
    let mut parser = ParserBuilder::new().case_insensitive(ignores_case).nest_limit(50).build();
    // The parser draws the place with arrows over several lines; its last line says what it is.
    let hir = parser.parse(expression).map_err(|error| {
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    if hir.properties().minimum_len().is_none_or(|shortest| shortest == 0) {
        return Err("it matches the empty text; make it ask for at least one character".to_owned());
    }
    Ok(hir)
}
