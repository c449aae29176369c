//! How the mock is set up.

use serde::Deserialize;

/// Configuration of [`Mock`](super::Mock).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MockConfig {
    /// The name under which the provider is registered; `mock` unless set.
    pub name: String,
    /// What it answers; the first `{prompt}` becomes the prompt.
    ///
    /// `Mock response to: {prompt}` unless set.
    pub template: String,
    /// How many characters a streamed piece of text has; all of them unless set.
    pub chunk_size: Option<usize>,
}

impl Default for MockConfig {
    fn default() -> Self {
        Self {
            name: "mock".to_owned(),
            template: "Mock response to: {prompt}".to_owned(),
            chunk_size: None,
        }
    }
}
