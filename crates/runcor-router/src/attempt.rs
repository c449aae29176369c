//! A provider that was asked and failed.

use std::sync::Arc;

use serde_json::{Value, json};

use runcor_core::{ProviderError, Timestamp};

/// The longest reason that an error repeats, in bytes.
const LONGEST_REASON: usize = 500;

/// One provider's failure within a request, after its own retries.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What went wrong, with the registered name of the provider.
    pub error: ProviderError,
    /// When the provider was given up.
    pub timestamp: Timestamp,
}

impl Attempt {
    pub(crate) fn new(name: &Arc<str>, error: ProviderError, timestamp: Timestamp) -> Self {
        Self { error: attributed(name, error), timestamp }
    }

    /// Returns the attempt as the documentation shows it.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "providerName": &*self.error.provider,
            "error": self.error.message,
            "timestamp": self.timestamp,
        })
    }
}

/// Puts the registered name on an error, and its message on one bounded line.
pub(crate) fn attributed(name: &Arc<str>, mut error: ProviderError) -> ProviderError {
    if error.provider != *name {
        error.provider = Arc::clone(name);
    }
    if error.message.len() > LONGEST_REASON || error.message.contains(char::is_control) {
        error.message = one_line(&error.message);
    }
    error
}

/// Returns `text` without control characters, shortened to a readable length.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST_REASON {
            let end = (0..=LONGEST_REASON).rev().find(|at| line.is_char_boundary(*at));
            line.truncate(end.unwrap_or(0));
            line.push('…');
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;

    #[test]
    fn a_page_of_html_becomes_one_line() {
        assert_eq!(one_line("<html>\r\n  <b>no</b>\n</html>\n"), "<html> <b>no</b> </html>");
    }

    proptest! {
        #[test]
        fn a_line_is_bounded_and_has_no_control_characters(text in "(?s).{0,900}") {
            let line = one_line(&text);
            assert!(line.len() <= LONGEST_REASON + '…'.len_utf8());
            assert!(!line.contains(char::is_control));
        }
    }
}
