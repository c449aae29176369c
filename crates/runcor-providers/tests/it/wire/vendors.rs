//! Makes each vendor's provider for a server on loopback.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::ModelProvider;
use runcor_providers::{
    Anthropic, AnthropicConfig, Google, GoogleConfig, OpenAi, OpenAiConfig, Timeouts,
};
use serde_json::{Value, json};

pub(super) const KEY: &str = "sk-test-0123456789";
pub(super) const VENDORS: [&str; 3] = ["anthropic", "google", "openai"];

/// The configuration as `runcor.yaml` would give it, plus `extra`.
pub(super) fn provider(vendor: &str, url: &str, extra: &Value) -> Arc<dyn ModelProvider> {
    let base = if vendor == "openai" { format!("{url}/v1") } else { url.to_owned() };
    let mut config = json!({ "apiKey": KEY, "baseUrl": base });
    for (key, value) in extra.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    match vendor {
        "anthropic" => Arc::new(Anthropic::new(serde_json::from_value(config).unwrap()).unwrap()),
        "google" => Arc::new(Google::new(serde_json::from_value(config).unwrap()).unwrap()),
        _ => Arc::new(OpenAi::new(serde_json::from_value(config).unwrap()).unwrap()),
    }
}

/// A provider that soon loses patience.
pub(super) fn impatient(vendor: &str, url: &str) -> Arc<dyn ModelProvider> {
    provider(vendor, url, &json!({ "timeouts": { "readMs": 300 } }))
}

/// The vendors' simplest answers, streamed.
pub(super) fn greeting_stream(vendor: &str) -> &'static str {
    match vendor {
        "anthropic" => include_str!("../cassettes/anthropic/a_streamed_answer/response.sse"),
        "google" => include_str!("../cassettes/google/a_streamed_answer/response.sse"),
        _ => include_str!("../cassettes/openai/a_streamed_answer/response.sse"),
    }
}

#[test]
fn the_defaults_are_as_documented() {
    let configs = (AnthropicConfig::default(), GoogleConfig::default(), OpenAiConfig::default());
    assert_eq!(
        [&configs.0.name, &configs.1.name, &configs.2.name],
        ["anthropic", "google", "openai"]
    );
    assert_eq!(
        [&configs.0.default_model, &configs.1.default_model, &configs.2.default_model],
        ["claude-sonnet-4-6", "gemini-3.5-flash-lite", "gpt-6-luna"]
    );
    let timeouts = Timeouts::default();
    assert_eq!(
        [timeouts.connect, timeouts.read, timeouts.total].map(|limit| limit.as_secs()),
        [10, 120, 600]
    );
    assert_eq!(Duration::from_secs(600), timeouts.total);
}
