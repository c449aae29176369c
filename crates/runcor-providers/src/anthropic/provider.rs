//! The provider itself: one call, one request.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use reqwest::Response;
use reqwest::header::{HeaderName, HeaderValue};
use runcor_core::{
    Clock, ModelCapabilities, ModelProvider, ModelRequest, ModelResponse, ProviderError,
    ProviderStream,
};
use serde_json::Value;

use super::config::{AnthropicConfig, StructuredOutput};
use super::request::body;
use super::response::answer;
use super::stream::EventDecoder;
use super::structured::Structured;
use crate::error::Error;
use crate::http::{Fault, Http, Settings, drive, is_event_stream, read_json, replay};
use crate::wire::{Asked, Family};

const HOME: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";

/// Anthropic's Claude models.
#[derive(Debug)]
pub struct Anthropic {
    http: Arc<Http>,
    default_model: String,
    structured_output: StructuredOutput,
}

impl Anthropic {
    /// Makes the provider; nothing is sent yet.
    ///
    /// A missing key is no error here: calls fail with it.
    ///
    /// # Errors
    /// Fails when the name, the address or the key can't be used.
    pub fn new(config: AnthropicConfig) -> Result<Self, Error> {
        let http = Http::open(Settings {
            name: config.name,
            home: HOME,
            key_variables: &["ANTHROPIC_API_KEY"],
            api_key: config.api_key,
            base_url: config.base_url,
            allow_insecure: config.allow_insecure,
            timeouts: config.timeouts,
        })?;
        let structured_output = config.structured_output;
        Ok(Self { http: Arc::new(http), default_model: config.default_model, structured_output })
    }

    /// Replaces the clock by which dates in `Retry-After` are understood.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.http = Http::with_clock(&self.http, clock);
        self
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ProviderError> {
        let key = self.http.key_header(str::to_owned)?;
        let mut headers =
            vec![(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION))];
        headers.extend(key.map(|key| (HeaderName::from_static("x-api-key"), key)));
        Ok(headers)
    }

    /// Whoever gives the address with its version means the same address.
    fn path<'a>(&self, resource: &'a str) -> Vec<&'a str> {
        let has_version = self.http.base().path().trim_end_matches('/').ends_with("/v1");
        if has_version { vec![resource] } else { vec!["v1", resource] }
    }

    async fn send(&self, body: &Value) -> Result<Response, ProviderError> {
        self.http.post(self.http.url(&self.path("messages")), self.headers()?, body).await
    }

    fn asked(&self, request: &ModelRequest) -> (Asked, Structured) {
        let model = request.model.as_deref().unwrap_or(&self.default_model);
        let structured = Structured::of(request, model, self.structured_output);
        (Asked::new(self.http.name(), model, request), structured)
    }

    async fn whole(
        &self,
        response: Response,
        asked: &Asked,
        structured: &Structured,
    ) -> Result<ModelResponse, Fault> {
        Ok(answer(&read_json(response).await?, asked, structured)?.into_response(asked))
    }
}

#[async_trait]
impl ModelProvider for Anthropic {
    fn name(&self) -> &str {
        self.http.name()
    }

    fn capabilities(&self) -> ModelCapabilities {
        ModelCapabilities::all()
    }

    fn serves(&self, model: &str) -> Option<bool> {
        self.http.serves(model, Family::Anthropic)
    }

    fn address(&self) -> Option<&str> {
        Some(self.http.base().as_str())
    }

    async fn ping(&self) -> Option<Result<(), ProviderError>> {
        let headers = match self.headers() {
            Ok(headers) => headers,
            Err(error) => return Some(Err(error)),
        };
        let mut url = self.http.url(&self.path("models"));
        url.query_pairs_mut().append_pair("limit", "1");
        self.http.ping(url, headers).await
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        let (asked, structured) = self.asked(request);
        let response = self.send(&body(request, &asked, &structured, false)).await?;
        let whole = self.whole(response, &asked, &structured).await;
        whole.map_err(|fault| self.http.fail(&fault))
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        let (asked, structured) = self.asked(request);
        let response = self.send(&body(request, &asked, &structured, true)).await?;
        if !is_event_stream(&response) {
            let whole = self.whole(response, &asked, &structured).await;
            return whole.map(replay).map_err(|fault| self.http.fail(&fault));
        }
        let bytes = response.bytes_stream().map_err(Fault::transport);
        Ok(drive(Arc::clone(&self.http), bytes, EventDecoder::new(asked, structured)))
    }
}
