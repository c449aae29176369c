//! One broken rule: where, which, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The check fails.
    Error,
    /// The check tells and passes.
    Warning,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, relative to the root.
    pub(crate) path: PathBuf,
    /// The line, counted from one.
    pub(crate) line: usize,
    /// How bad it is.
    pub(crate) level: Level,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl Finding {
    /// Makes an error at the first line of a file.
    pub(crate) fn new(
        rule: &'static str,
        path: impl AsRef<Path>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            path: path.as_ref().to_path_buf(),
            line: 1,
            level: Level::Error,
            rule,
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Says at which line.
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = line;
        self
    }

    /// Makes it a warning.
    pub(crate) fn warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "",
            Level::Warning => "warning: ",
        };
        let Self { path, line, rule, what, remedy, .. } = self;
        write!(f, "{}:{line}: {level}[{rule}] {what}; {remedy}", path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_place_rule_and_remedy() {
        let finding = Finding::new("head", "src/a.rs", "no head", "write one").at(3);
        assert_eq!(finding.to_string(), "src/a.rs:3: [head] no head; write one");
        let warning = finding.warning().to_string();
        assert_eq!(warning, "src/a.rs:3: warning: [head] no head; write one");
    }
}
