//! How Google's provider is set up.

use secrecy::SecretString;
use serde::Deserialize;

use crate::http::Timeouts;

/// Configuration of [`Google`](super::Google).
///
/// ```
/// use runcor_providers::{Google, GoogleConfig};
///
/// let gemini = Google::new(GoogleConfig {
///     api_key: Some("AIza...".to_owned().into()),
///     ..GoogleConfig::default()
/// })?;
/// # Ok::<(), runcor_providers::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GoogleConfig {
    /// The name under which the provider is registered; `google` unless set.
    pub name: String,
    /// The key. When it is absent and the base URL is Google's own, the
    /// environment's `GOOGLE_API_KEY` or `GEMINI_API_KEY`.
    pub api_key: Option<SecretString>,
    /// The address above `/v1beta/models`, or with the version at its end;
    /// `https://generativelanguage.googleapis.com` unless set.
    pub base_url: Option<String>,
    /// The model for requests that name none; `gemini-3.5-flash-lite` unless set.
    pub default_model: String,
    /// How hard the model thinks, such as `minimal`, `low` or `high`; the
    /// vendor's default unless set.
    pub thinking_level: Option<String>,
    /// Allows to send the key over plain HTTP to another machine.
    pub allow_insecure: bool,
    /// The time limits of a call.
    pub timeouts: Timeouts,
}

impl Default for GoogleConfig {
    fn default() -> Self {
        Self {
            name: "google".to_owned(),
            api_key: None,
            base_url: None,
            default_model: "gemini-3.5-flash-lite".to_owned(),
            thinking_level: None,
            allow_insecure: false,
            timeouts: Timeouts::default(),
        }
    }
}
