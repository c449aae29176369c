//! The mistakes of one file, collected while it is read.

use super::yaml::Node;
use crate::error::{Place, Problem};

/// How many mistakes of one file are reported.
const MAX_PROBLEMS: usize = 100;

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: String,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new() }
    }

    /// Notes a mistake; beyond the hundredth nothing is added.
    pub(crate) fn add(&mut self, at: Option<Place>, path: &str, message: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem {
                file: self.file.clone(),
                place: at,
                path: one_line(path),
                message: one_line(&message.into()),
            });
        }
    }

    /// Notes that the value at `path` is of the wrong kind.
    pub(crate) fn expected(&mut self, what: &str, node: &Node, path: &str) {
        self.add(node.at, path, format!("must be {what}, not {}", node.kind()));
    }

    /// Returns the mistakes in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.place);
        self.problems
    }
}

/// Shows signs of control as escapes and cuts what is too long to read.
fn one_line(text: &str) -> String {
    const MOST: usize = 500;
    let mut shown = String::new();
    for char in text.chars() {
        if shown.len() >= MOST {
            shown.push('…');
            break;
        }
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}
