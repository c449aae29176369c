//! The provider itself: one call, one request.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Response, Url};
use runcor_core::{
    Clock, ModelCapabilities, ModelProvider, ModelRequest, ModelResponse, ProviderError,
    ProviderStream,
};
use serde_json::Value;

use super::config::GoogleConfig;
use super::request::body;
use super::response::answer;
use super::stream::ContentDecoder;
use crate::error::Error;
use crate::http::{Fault, Http, Settings, drive, is_event_stream, read_json, replay};
use crate::wire::{Asked, Family};

const HOME: &str = "https://generativelanguage.googleapis.com";
const VERSION: &str = "v1beta";

/// Google's Gemini models.
#[derive(Debug)]
pub struct Google {
    http: Arc<Http>,
    default_model: String,
    thinking_level: Option<String>,
}

impl Google {
    /// Makes the provider; nothing is sent yet.
    ///
    /// A missing key is no error here: calls fail with it.
    ///
    /// # Errors
    /// Fails when the name, the address or the key can't be used.
    pub fn new(config: GoogleConfig) -> Result<Self, Error> {
        let http = Http::open(Settings {
            name: config.name,
            home: HOME,
            key_variables: &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
            api_key: config.api_key,
            base_url: config.base_url,
            allow_insecure: config.allow_insecure,
            timeouts: config.timeouts,
        })?;
        let thinking_level = config.thinking_level;
        Ok(Self { http: Arc::new(http), default_model: config.default_model, thinking_level })
    }

    /// Replaces the clock by which dates in `Retry-After` are understood.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.http = Http::with_clock(&self.http, clock);
        self
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ProviderError> {
        let key = self.http.key_header(str::to_owned)?;
        let headers = key.map(|key| (HeaderName::from_static("x-goog-api-key"), key));
        Ok(headers.into_iter().collect())
    }

    async fn send(&self, url: Url, body: &Value) -> Result<Response, ProviderError> {
        self.http.post(url, self.headers()?, body).await
    }

    fn path<'a>(&self, resource: &[&'a str]) -> Vec<&'a str> {
        let base = self.http.base().path().trim_end_matches('/');
        let has_version = base.rsplit('/').next().is_some_and(is_version);
        let version = if has_version { None } else { Some(VERSION) };
        version.into_iter().chain(resource.iter().copied()).collect()
    }

    /// The address of a model's method; tuned models name their own collection.
    fn url(&self, model: &str, method: &str) -> Url {
        let (collection, model) = model.split_once('/').unwrap_or(("models", model));
        let method = format!("{model}:{method}");
        self.http.url(&self.path(&[collection, &method]))
    }

    fn asked(&self, request: &ModelRequest) -> Asked {
        let model = request.model.as_deref().unwrap_or(&self.default_model);
        Asked::new(self.http.name(), model, request)
    }

    fn body(&self, request: &ModelRequest, asked: &Asked) -> Value {
        body(request, asked, self.thinking_level.as_deref())
    }

    async fn whole(&self, response: Response, asked: &Asked) -> Result<ModelResponse, Fault> {
        Ok(answer(&read_json(response).await?, asked)?.into_response(asked))
    }
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
}

#[async_trait]
impl ModelProvider for Google {
    fn name(&self) -> &str {
        self.http.name()
    }

    fn capabilities(&self) -> ModelCapabilities {
        ModelCapabilities::all()
    }

    fn serves(&self, model: &str) -> Option<bool> {
        self.http.serves(model, Family::Google)
    }

    fn address(&self) -> Option<&str> {
        Some(self.http.base().as_str())
    }

    async fn ping(&self) -> Option<Result<(), ProviderError>> {
        let headers = match self.headers() {
            Ok(headers) => headers,
            Err(error) => return Some(Err(error)),
        };
        let mut url = self.http.url(&self.path(&["models"]));
        url.query_pairs_mut().append_pair("pageSize", "1");
        self.http.ping(url, headers).await
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        let asked = self.asked(request);
        let url = self.url(&asked.model, "generateContent");
        let response = self.send(url, &self.body(request, &asked)).await?;
        self.whole(response, &asked).await.map_err(|fault| self.http.fail(&fault))
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        let asked = self.asked(request);
        let mut url = self.url(&asked.model, "streamGenerateContent");
        url.query_pairs_mut().append_pair("alt", "sse");
        let response = self.send(url, &self.body(request, &asked)).await?;
        if !is_event_stream(&response) {
            let whole = self.whole(response, &asked).await;
            return whole.map(replay).map_err(|fault| self.http.fail(&fault));
        }
        let bytes = response.bytes_stream().map_err(Fault::transport);
        Ok(drive(Arc::clone(&self.http), bytes, ContentDecoder::new(asked)))
    }
}
