//! Why a configuration could not be loaded.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use runcor_core::ErrorCode;
use serde::Serialize;
use serde_json::json;

/// Why a configuration could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no file where one was looked for.
    #[error("no configuration file: looked for {}; make one with `runcor init`", listed(looked))]
    NotFound {
        /// The files that were looked for, in this order.
        looked: Vec<PathBuf>,
    },
    /// The file is there but can't be read.
    #[error("can't read {}; check that it is a file and may be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `RUNCOR_CONFIG` names a file outside the working directory.
    #[error(
        "RUNCOR_CONFIG names a file outside {}; put the file there or name it with --config",
        base.display()
    )]
    Outside {
        /// The working directory.
        base: PathBuf,
    },
    /// The file has mistakes.
    #[error("{}", report(file, problems, *more))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The mistakes in the order of the file.
        problems: Vec<Problem>,
        /// Whether there are more mistakes than are listed.
        more: bool,
    },
}

/// One mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The path of the value, such as `providers[0].apiKey`; empty for the whole file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do, without the value.
    pub message: String,
    /// The word that was probably meant.
    pub suggestion: Option<String>,
}

/// Something in a configuration file that is allowed but probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The path of the value.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What looks wrong and what to do, without the value.
    pub message: String,
}

impl Error {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } | Self::Unreadable { .. } => ErrorCode::ConfigNotFound,
            Self::Outside { .. } | Self::Invalid { .. } => ErrorCode::ConfigInvalid,
        }
    }

    /// Returns the mistakes of the file; none where it could not be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            Self::NotFound { .. } | Self::Unreadable { .. } | Self::Outside { .. } => &[],
        }
    }
}

/// Writes `8:5 providers[0].type: what is wrong; did you mean "x"?`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        located(f, self.line, self.column, &self.path, &self.message)?;
        match &self.suggestion {
            Some(word) => write!(f, "; did you mean \"{word}\"?"),
            None => Ok(()),
        }
    }
}

/// Writes `8:5 providers[0].costPerToken.input: what looks wrong`.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        located(f, self.line, self.column, &self.path, &self.message)
    }
}

fn located(
    f: &mut fmt::Formatter<'_>,
    line: usize,
    column: usize,
    path: &str,
    message: &str,
) -> fmt::Result {
    write!(f, "{line}:{column} ")?;
    if !path.is_empty() {
        write!(f, "{path}: ")?;
    }
    f.write_str(message)
}

/// A count line, then one line a problem.
fn report(file: &Path, problems: &[Problem], more: bool) -> String {
    let (count, file) = (problems.len(), file.display());
    let (noun, many) =
        (if count == 1 { "mistake" } else { "mistakes" }, if more { "more than " } else { "" });
    let mut text = format!("{file} has {many}{count} {noun}");
    for problem in problems {
        let _ = write!(text, "\n{file}:{problem}");
    }
    text
}

fn listed(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    files.join(", ")
}

impl From<Error> for runcor_core::Error {
    fn from(error: Error) -> Self {
        let upward = Self::new(error.code(), error.to_string());
        let upward = match &error {
            Error::NotFound { looked } => upward.with_details(json!({ "looked": looked })),
            Error::Unreadable { file, .. } => upward.with_details(json!({ "file": file })),
            Error::Outside { base } => upward.with_details(json!({ "base": base })),
            Error::Invalid { file, problems, more } => {
                upward.with_details(json!({ "file": file, "problems": problems, "more": more }))
            }
        };
        match error {
            Error::Unreadable { source, .. } => upward.with_source(source),
            _ => upward,
        }
    }
}
