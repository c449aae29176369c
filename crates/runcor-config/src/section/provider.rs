//! `providers`: the model vendors and their accounts.

use runcor_core::TokenPrice;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;
use crate::secret;

/// One account at a model vendor, or one server that speaks its protocol.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ProviderSection")]
pub struct Provider {
    /// The protocol that is spoken.
    #[serde(rename = "type")]
    pub kind: ProviderType,
    /// The name by which flows pin this provider; the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The key of the account; the vendor's own environment variable when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "secret::masked")]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub api_key: Option<SecretString>,
    /// The address of the API; the vendor's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub base_url: Option<String>,
    /// The place in the order of providers: lower is asked earlier.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub priority: u32,
    /// Its share of the requests under the strategy `weighted`.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub weight: u32,
    /// The models of this provider; the first answers where a request names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Dollars for **one** token; published prices are mostly for a million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_token: Option<TokenCost>,
    /// Dollars for a million tokens, as vendors publish them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_million_tokens: Option<TokenCost>,
    /// The model that answers where a request names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub default_model: Option<String>,
    /// How long one request may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_MILLIS))]
    pub timeout_ms: Option<u64>,
}

const fn first() -> u32 {
    1
}

impl Provider {
    /// Makes a provider of one type with everything else as in an otherwise empty entry.
    #[must_use]
    pub const fn new(kind: ProviderType) -> Self {
        Self {
            kind,
            name: None,
            api_key: None,
            base_url: None,
            priority: first(),
            weight: first(),
            models: Vec::new(),
            cost_per_token: None,
            cost_per_million_tokens: None,
            default_model: None,
            timeout_ms: None,
        }
    }

    /// Returns the name under which the provider is registered.
    #[must_use]
    pub fn registered_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.as_str())
    }

    /// Returns the model for requests that name none, where the file names one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.default_model.as_deref().or_else(|| self.models.first().map(String::as_str))
    }

    /// Returns what a token costs, where the file says so.
    #[must_use]
    pub fn price(&self) -> Option<TokenPrice> {
        let million = self.cost_per_million_tokens.map(|cost| cost.per_million());
        million.or_else(|| self.cost_per_token.map(|cost| cost.per_token()))
    }
}

/// The protocol that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderType {
    /// Anthropic's messages API; the key may come from `ANTHROPIC_API_KEY`.
    Anthropic,
    /// OpenAI's chat API and every server that speaks it; the key may come from `OPENAI_API_KEY`.
    Openai,
    /// Google's Gemini API; the key may come from `GOOGLE_API_KEY` or `GEMINI_API_KEY`.
    Google,
    /// An Ollama server; needs no key.
    Ollama,
    /// Answers without any model, for tests and first steps.
    Mock,
}

impl ProviderType {
    /// Returns the word that stands for the type in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Google => "google",
            Self::Ollama => "ollama",
            Self::Mock => "mock",
        }
    }
}

/// Prices in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCost {
    /// What the vendor reads.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub input: f64,
    /// What the vendor writes.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub output: f64,
    /// What the vendor reads from its cache; as any other input when absent.
    #[serde(rename = "cachedInput", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub cached_input: Option<f64>,
    /// What the model writes for itself; as any other output when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub reasoning: Option<f64>,
}

impl TokenCost {
    /// Returns the price where the numbers are dollars for one token.
    #[must_use]
    pub fn per_token(&self) -> TokenPrice {
        self.price(1e12)
    }

    /// Returns the price where the numbers are dollars for a million tokens.
    #[must_use]
    pub fn per_million(&self) -> TokenPrice {
        self.price(1e6)
    }

    /// `scale` is how many pico-dollars for a token are a dollar of the file.
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as we want")]
    fn price(&self, scale: f64) -> TokenPrice {
        let picos = |dollars: f64| (dollars * scale).round() as i64;
        TokenPrice {
            input_picos: picos(self.input),
            output_picos: picos(self.output),
            cached_picos: self.cached_input.map(picos),
            reasoning_picos: self.reasoning.map(picos),
            ..TokenPrice::default()
        }
    }
}
