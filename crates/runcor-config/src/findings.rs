//! What was found while a file was read, up to a bound.

use crate::error::{Problem, Warning};
use crate::node::Place;
use crate::path::Path;

/// The most problems that one error lists.
const MAX_PROBLEMS: usize = 100;

/// The problems and warnings of one file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    more: bool,
}

impl Findings {
    /// Adds a problem.
    pub(crate) fn problem(&mut self, path: Path<'_>, place: Place, message: impl Into<String>) {
        self.suggest(path, place, message, None);
    }

    /// Adds a problem with the word that was probably meant.
    pub(crate) fn suggest(
        &mut self,
        path: Path<'_>,
        place: Place,
        message: impl Into<String>,
        suggestion: Option<&str>,
    ) {
        if self.is_full() {
            self.more = true;
            return;
        }
        self.problems.push(Problem {
            path: path.to_string(),
            line: place.line,
            column: place.column,
            message: message.into(),
            suggestion: suggestion.map(str::to_owned),
        });
    }

    /// Adds a warning; past the bound it is left out.
    pub(crate) fn warn(&mut self, path: Path<'_>, place: Place, message: impl Into<String>) {
        if self.warnings.len() < MAX_PROBLEMS {
            self.warnings.push(Warning {
                path: path.to_string(),
                line: place.line,
                column: place.column,
                message: message.into(),
            });
        }
    }

    /// Returns whether further problems are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Returns whether anything makes the file unusable.
    pub(crate) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Gives the warnings, or the problems in the order of the file and whether there are more.
    pub(crate) fn finish(mut self) -> Result<Vec<Warning>, (Vec<Problem>, bool)> {
        if self.problems.is_empty() {
            self.warnings.sort_by_key(|warning| (warning.line, warning.column));
            return Ok(self.warnings);
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        Err((self.problems, self.more))
    }
}
