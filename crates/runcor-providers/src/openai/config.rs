//! How an OpenAI-compatible provider is set up.

use secrecy::SecretString;
use serde::Deserialize;

use crate::http::Timeouts;

/// Configuration of [`OpenAi`](super::OpenAi).
///
/// ```
/// use runcor_providers::{OpenAi, OpenAiConfig};
///
/// // A local server wants no key.
/// let ollama = OpenAi::new(OpenAiConfig {
///     name: "ollama".into(),
///     base_url: Some("http://localhost:11434/v1".into()),
///     default_model: "llama3.2".into(),
///     ..OpenAiConfig::default()
/// })?;
/// # Ok::<(), runcor_providers::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OpenAiConfig {
    /// The name under which the provider is registered; `openai` unless set.
    pub name: String,
    /// The key. When it is absent and the base URL is OpenAI's own, the
    /// environment's `OPENAI_API_KEY`; servers at other addresses may need none.
    pub api_key: Option<SecretString>,
    /// The address above `/chat/completions`; `https://api.openai.com/v1` unless set.
    pub base_url: Option<String>,
    /// The model for requests that name none; `gpt-6-luna` unless set.
    pub default_model: String,
    /// Where the limit of tokens is written; found out by the address unless set.
    pub max_tokens_field: MaxTokensField,
    /// How hard a reasoning model thinks, such as `none`, `low` or `high`.
    ///
    /// Unless set, `none` for OpenAI's `gpt-5.6` and `gpt-6` models, which take
    /// tools and temperatures on this API only so; the vendor's default for others.
    pub reasoning_effort: Option<String>,
    /// Allows to send the key over plain HTTP to another machine.
    pub allow_insecure: bool,
    /// The time limits of a call.
    pub timeouts: Timeouts,
}

/// The field of a request that limits the answer's tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// The new field at OpenAI and Azure, the old one anywhere else.
    #[default]
    Auto,
    /// The old field, which most compatible servers know.
    MaxTokens,
    /// The new field, which OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            name: "openai".to_owned(),
            api_key: None,
            base_url: None,
            default_model: "gpt-6-luna".to_owned(),
            max_tokens_field: MaxTokensField::Auto,
            reasoning_effort: None,
            allow_insecure: false,
            timeouts: Timeouts::default(),
        }
    }
}
