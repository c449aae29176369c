//! What is wrong with a flow file, and why a pipeline can't be set up.

use std::error::Error as StdError;
use std::fmt;

use runcor_core::{Error as CoreError, ErrorCode};
use serde::Serialize;
use serde_json::json;

/// Why flows can't be made of their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A flow file has mistakes; here are all of them.
    #[error("{}", summary(.0))]
    Invalid(Vec<Problem>),
    /// The HTTP client for webhooks can't be made.
    #[error("can't set up HTTP for webhooks")]
    Http(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Returns the mistakes of a flow file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(problems) => problems,
            Self::Http(_) => &[],
        }
    }
}

impl From<Error> for CoreError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Invalid(problems) => {
                let details = json!({ "problems": problems });
                Self::new(ErrorCode::FlowInvalid, error.to_string()).with_details(details)
            }
            Error::Http(_) => {
                Self::new(ErrorCode::InternalError, error.to_string()).with_source(error)
            }
        }
    }
}

fn summary(problems: &[Problem]) -> String {
    match problems {
        [] => "the flow file has mistakes".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// One mistake in a flow file.
///
/// It is shown as `morning.yaml:3:7: steps[0].kind: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as it was named to the parser.
    pub file: String,
    /// The place in the text, where there is one.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The place in the document, such as `steps[0].kind`; empty for the whole.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// A place in a text; both numbers begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}
