//! How Anthropic's provider is set up.

use secrecy::SecretString;
use serde::Deserialize;

use crate::http::Timeouts;

/// Configuration of [`Anthropic`](super::Anthropic).
///
/// ```
/// use runcor_providers::{Anthropic, AnthropicConfig};
///
/// let claude = Anthropic::new(AnthropicConfig {
///     api_key: Some("sk-ant-...".to_owned().into()),
///     default_model: "claude-haiku-4-5".into(),
///     ..AnthropicConfig::default()
/// })?;
/// # Ok::<(), runcor_providers::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AnthropicConfig {
    /// The name under which the provider is registered; `anthropic` unless set.
    pub name: String,
    /// The key. When it is absent and the base URL is Anthropic's own, the
    /// environment's `ANTHROPIC_API_KEY`.
    pub api_key: Option<SecretString>,
    /// The address above `/v1/messages`; `https://api.anthropic.com` unless set.
    pub base_url: Option<String>,
    /// The model for requests that name none; `claude-sonnet-4-6` unless set.
    pub default_model: String,
    /// How answers are held to a schema; found out by the model unless set.
    pub structured_output: StructuredOutput,
    /// Allows to send the key over plain HTTP to another machine.
    pub allow_insecure: bool,
    /// The time limits of a call.
    pub timeouts: Timeouts,
}

/// How Anthropic's models are held to a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StructuredOutput {
    /// The API's own way for models from Claude 5 on, of which some refuse to be
    /// forced to a tool; the tool for models before.
    #[default]
    Auto,
    /// A tool that the model must call with the answer; takes every schema.
    Tool,
    /// The API's own `output_config`; takes schemas whose objects can be closed,
    /// for others the model is asked, not forced, to call the tool.
    Native,
}

impl Default for AnthropicConfig {
    fn default() -> Self {
        Self {
            name: "anthropic".to_owned(),
            api_key: None,
            base_url: None,
            default_model: "claude-sonnet-4-6".to_owned(),
            structured_output: StructuredOutput::Auto,
            allow_insecure: false,
            timeouts: Timeouts::default(),
        }
    }
}
