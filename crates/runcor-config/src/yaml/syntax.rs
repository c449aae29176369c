//! Syntax errors of YAML in words for people.

use granit_parser::ErrorKind;

use super::MAX_DEPTH;

/// Says what is wrong, without any text of the file.
pub(super) fn message(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => "a tab stands here; indent with spaces".to_owned(),
        ErrorKind::RecursionLimitExceeded => format!("more than {MAX_DEPTH} levels deep"),
        ErrorKind::UnknownAnchor => "this alias has no anchor before it".to_owned(),
        ErrorKind::UnclosedQuotedScalar => "a quoted text is not closed".to_owned(),
        ErrorKind::UnclosedFlowCollection { open } => format!("this '{open}' is not closed"),
        ErrorKind::MappingValueNotAllowed => {
            "a ':' can't stand here; put the text in quotes or check the indentation".to_owned()
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "a ':' is missing after this key, or the indentation is wrong".to_owned()
        }
        ErrorKind::ExpectedFlowMappingSeparator => {
            "expected ',' or '}'; inside { … } put texts with ${…} in quotes".to_owned()
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            "expected ',' or ']'; inside [ … ] put texts with ${…} in quotes".to_owned()
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            "the indentation fits nothing above".to_owned()
        }
        kind => format!("not valid YAML: {kind}"),
    }
}
