//! From an entry of `providers` to a connected, registered provider.

use std::sync::Arc;

use runcor_config::section::{Provider, ProviderType};
use runcor_core::{ModelProvider, Result};
use runcor_providers::{Mock, MockConfig};
use runcor_router::Registration;

/// The address of a local Ollama server.
#[cfg(feature = "provider-openai")]
const OLLAMA: &str = "http://127.0.0.1:11434/v1";

/// Makes the provider that an entry of `providers` describes, and its registration.
///
/// # Errors
/// `PROVIDER_AUTH_ERROR` when a key is missing, `INVALID_CONFIG` for an address
/// that can't be used and for a type that this build lacks.
pub fn connect_provider(entry: &Provider) -> Result<Registration> {
    let provider = connect(entry)?;
    let mut registration = Registration::new(provider)
        .with_priority(entry.priority)
        .with_weight(entry.weight)
        .with_models(entry.models.iter().cloned());
    if let Some(price) = entry.price() {
        registration = registration.with_price(price);
    }
    Ok(registration)
}

fn connect(entry: &Provider) -> Result<Arc<dyn ModelProvider>> {
    match entry.kind {
        ProviderType::Mock => Ok(Arc::new(Mock::from_config(MockConfig {
            name: entry.registered_name().to_owned(),
            ..MockConfig::default()
        }))),
        ProviderType::Openai => openai(entry, None),
        #[cfg(feature = "provider-openai")]
        ProviderType::Ollama => openai(entry, Some(OLLAMA)),
        #[cfg(not(feature = "provider-openai"))]
        ProviderType::Ollama => openai(entry, None),
        ProviderType::Anthropic => anthropic(entry),
        ProviderType::Google => google(entry),
    }
}

#[cfg(any(
    feature = "provider-openai",
    feature = "provider-anthropic",
    feature = "provider-google"
))]
fn timeouts(entry: &Provider) -> runcor_providers::Timeouts {
    let mut timeouts = runcor_providers::Timeouts::default();
    if let Some(millis) = entry.timeout_ms {
        timeouts.total = std::time::Duration::from_millis(millis);
    }
    timeouts
}

#[cfg(feature = "provider-openai")]
fn openai(entry: &Provider, default_url: Option<&str>) -> Result<Arc<dyn ModelProvider>> {
    let defaults = runcor_providers::OpenAiConfig::default();
    let config = runcor_providers::OpenAiConfig {
        name: entry.registered_name().to_owned(),
        api_key: entry.api_key.clone(),
        base_url: entry.base_url.clone().or_else(|| default_url.map(str::to_owned)),
        default_model: entry.model().map_or(defaults.default_model, str::to_owned),
        timeouts: timeouts(entry),
        ..defaults
    };
    Ok(Arc::new(runcor_providers::OpenAi::new(config)?))
}

#[cfg(not(feature = "provider-openai"))]
fn openai(_entry: &Provider, _default_url: Option<&str>) -> Result<Arc<dyn ModelProvider>> {
    Err(super::feature_missing("openai"))
}

#[cfg(feature = "provider-anthropic")]
fn anthropic(entry: &Provider) -> Result<Arc<dyn ModelProvider>> {
    let defaults = runcor_providers::AnthropicConfig::default();
    let config = runcor_providers::AnthropicConfig {
        name: entry.registered_name().to_owned(),
        api_key: entry.api_key.clone(),
        base_url: entry.base_url.clone(),
        default_model: entry.model().map_or(defaults.default_model, str::to_owned),
        timeouts: timeouts(entry),
        ..defaults
    };
    Ok(Arc::new(runcor_providers::Anthropic::new(config)?))
}

#[cfg(not(feature = "provider-anthropic"))]
fn anthropic(_entry: &Provider) -> Result<Arc<dyn ModelProvider>> {
    Err(super::feature_missing("anthropic"))
}

#[cfg(feature = "provider-google")]
fn google(entry: &Provider) -> Result<Arc<dyn ModelProvider>> {
    let defaults = runcor_providers::GoogleConfig::default();
    let config = runcor_providers::GoogleConfig {
        name: entry.registered_name().to_owned(),
        api_key: entry.api_key.clone(),
        base_url: entry.base_url.clone(),
        default_model: entry.model().map_or(defaults.default_model, str::to_owned),
        timeouts: timeouts(entry),
        ..defaults
    };
    Ok(Arc::new(runcor_providers::Google::new(config)?))
}

#[cfg(not(feature = "provider-google"))]
fn google(_entry: &Provider) -> Result<Arc<dyn ModelProvider>> {
    Err(super::feature_missing("google"))
}
