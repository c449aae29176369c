//! The provider itself: one call, one request.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use reqwest::Response;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use runcor_core::{
    Clock, ModelCapabilities, ModelProvider, ModelRequest, ModelResponse, ProviderError,
    ProviderStream,
};
use serde_json::Value;

use super::config::{MaxTokensField, OpenAiConfig};
use super::request::{Dialect, body};
use super::response::answer;
use super::stream::ChunkDecoder;
use crate::error::Error;
use crate::http::{Fault, Http, Settings, drive, is_event_stream, read_json, replay};
use crate::wire::{Asked, Family};

const HOME: &str = "https://api.openai.com/v1";

/// OpenAI, and every server that speaks its Chat Completions.
#[derive(Debug)]
pub struct OpenAi {
    http: Arc<Http>,
    default_model: String,
    dialect: Dialect,
}

impl OpenAi {
    /// Makes the provider; nothing is sent yet.
    ///
    /// A missing key is no error here: calls fail with it, so that one unused
    /// provider does not stop a whole configuration.
    ///
    /// # Errors
    /// Fails when the name, the address or the key can't be used.
    pub fn new(config: OpenAiConfig) -> Result<Self, Error> {
        let http = Http::open(Settings {
            name: config.name,
            home: HOME,
            key_variables: &["OPENAI_API_KEY"],
            api_key: config.api_key,
            base_url: config.base_url,
            allow_insecure: config.allow_insecure,
            timeouts: config.timeouts,
        })?;
        let host = http.base().host_str().unwrap_or_default();
        let homes = [".api.openai.com", ".openai.azure.com"];
        let is_openai = homes.iter().any(|home| format!(".{host}").ends_with(home));
        let new_field = match config.max_tokens_field {
            MaxTokensField::Auto => is_openai,
            MaxTokensField::MaxTokens => false,
            MaxTokensField::MaxCompletionTokens => true,
        };
        let reasoning_effort = config.reasoning_effort;
        let dialect = Dialect { new_field, is_openai, reasoning_effort };
        Ok(Self { http: Arc::new(http), default_model: config.default_model, dialect })
    }

    /// Replaces the clock by which dates in `Retry-After` are understood.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.http = Http::with_clock(&self.http, clock);
        self
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ProviderError> {
        let key = self.http.key_header(|key| format!("Bearer {key}"))?;
        Ok(key.map(|key| (AUTHORIZATION, key)).into_iter().collect())
    }

    async fn send(&self, body: &Value) -> Result<Response, ProviderError> {
        let url = self.http.url(&["chat", "completions"]);
        self.http.post(url, self.headers()?, body).await
    }

    fn asked(&self, request: &ModelRequest) -> Asked {
        let model = request.model.as_deref().unwrap_or(&self.default_model);
        Asked::new(self.http.name(), model, request)
    }

    async fn whole(&self, response: Response, asked: &Asked) -> Result<ModelResponse, Fault> {
        Ok(answer(&read_json(response).await?, asked)?.into_response(asked))
    }
}

#[async_trait]
impl ModelProvider for OpenAi {
    fn name(&self) -> &str {
        self.http.name()
    }

    fn capabilities(&self) -> ModelCapabilities {
        ModelCapabilities::all()
    }

    fn serves(&self, model: &str) -> Option<bool> {
        self.http.serves(model, Family::OpenAi)
    }

    fn address(&self) -> Option<&str> {
        Some(self.http.base().as_str())
    }

    async fn ping(&self) -> Option<Result<(), ProviderError>> {
        let headers = match self.headers() {
            Ok(headers) => headers,
            Err(error) => return Some(Err(error)),
        };
        let url = self.http.url(&["models"]);
        self.http.ping(url, headers).await
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        let asked = self.asked(request);
        let response = self.send(&body(request, &asked, &self.dialect, false)).await?;
        self.whole(response, &asked).await.map_err(|fault| self.http.fail(&fault))
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        let asked = self.asked(request);
        let response = self.send(&body(request, &asked, &self.dialect, true)).await?;
        if !is_event_stream(&response) {
            let whole = self.whole(response, &asked).await;
            return whole.map(replay).map_err(|fault| self.http.fail(&fault));
        }
        let bytes = response.bytes_stream().map_err(Fault::transport);
        Ok(drive(Arc::clone(&self.http), bytes, ChunkDecoder::new(asked)))
    }
}
