//! One vendor's address, key and HTTP client.

use std::net::IpAddr;
use std::sync::{Arc, Once};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use runcor_core::{Clock, ProviderError, ProviderErrorKind, SystemClock};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::body::read_beginning;
use super::classify::from_response;
use super::fault::Fault;
use super::retry_after;
use super::scrub::scrub;
use super::timeouts::Timeouts;
use crate::error::Error;
use crate::wire::Family;

/// How much of an error's body is looked at.
const ERROR_BODY: usize = 64 << 10;

/// What a provider's configuration says about its connection.
pub(crate) struct Settings {
    pub(crate) name: String,
    /// The vendor's own address, and where its key is found unless configured.
    pub(crate) home: &'static str,
    pub(crate) key_variables: &'static [&'static str],
    pub(crate) api_key: Option<SecretString>,
    pub(crate) base_url: Option<String>,
    pub(crate) allow_insecure: bool,
    pub(crate) timeouts: Timeouts,
}

/// Sends requests to one vendor.
#[derive(Debug)]
pub(crate) struct Http {
    name: Arc<str>,
    client: Client,
    base: Url,
    /// Whether that is the vendor's own address.
    at_home: bool,
    key: Option<SecretString>,
    /// The variable to set, where the vendor insists on a key and none is there.
    missing_key: Option<&'static str>,
    clock: Arc<dyn Clock>,
}

impl Http {
    pub(crate) fn open(settings: Settings) -> Result<Self, Error> {
        let Settings { name, home, key_variables, api_key, base_url, allow_insecure, timeouts } =
            settings;
        if name.trim().is_empty() {
            return Err(Error::EmptyName);
        }
        let base = parse_base(&name, base_url.as_deref().unwrap_or(home))?;
        let at_home =
            base_url.is_none() || Url::parse(home).is_ok_and(|home| same_origin(&home, &base));
        // A vendor's key from the environment goes to that vendor and nowhere else.
        let key = api_key
            .filter(|key| !key.expose_secret().trim().is_empty())
            .or_else(|| if at_home { key_from_environment(key_variables) } else { None });
        check_key(&name, key.as_ref(), &base, allow_insecure)?;
        let missing_key =
            if at_home && key.is_none() { key_variables.first().copied() } else { None };
        let is_local = is_loopback(base.host_str().unwrap_or_default());
        let client = client(&timeouts, is_local).map_err(|error| Error::Client {
            provider: name.clone(),
            reason: error.without_url().to_string(),
        })?;
        let (name, clock) = (name.into(), Arc::new(SystemClock));
        Ok(Self { name, client, base, at_home, key, missing_key, clock })
    }

    /// Replaces the clock by which dates in `Retry-After` are understood.
    pub(crate) fn with_clock(this: &Arc<Self>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let Self { name, client, base, at_home, key, missing_key, .. } = this.as_ref();
        Arc::new(Self {
            name: Arc::clone(name),
            client: client.clone(),
            base: base.clone(),
            at_home: *at_home,
            key: key.clone(),
            missing_key: *missing_key,
            clock,
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether `family` serves a model of that name, where name and address tell.
    pub(crate) fn serves(&self, model: &str, family: Family) -> Option<bool> {
        let other = Family::of(model).filter(|_| self.at_home)?;
        Some(other == family)
    }

    /// The header's value for the key, made by `write`; none where no key is needed.
    ///
    /// Fails, without any request, where the vendor insists on a key.
    pub(crate) fn key_header(
        &self,
        write: impl FnOnce(&str) -> String,
    ) -> Result<Option<HeaderValue>, ProviderError> {
        if let Some(variable) = self.missing_key {
            let message = format!("no API key; set apiKey in its configuration, or {variable}");
            return Err(ProviderError::new(&self.name, ProviderErrorKind::Auth, message));
        }
        let value = self.key.as_ref().and_then(|key| {
            let mut value = HeaderValue::from_str(&write(key.expose_secret().trim())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Ok(value)
    }

    /// The address of a resource below the base, with every segment encoded.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Sends one request; a status other than success is an error.
    pub(crate) async fn post(
        &self,
        url: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: &Value,
    ) -> Result<Response, ProviderError> {
        let streams =
            body.get("stream").is_some() || url.query().is_some_and(|q| q.contains("sse"));
        let accept =
            if streams { "text/event-stream, application/json" } else { "application/json" };
        let request =
            self.client.post(url).header(ACCEPT, accept).headers(headers.into_iter().collect());
        self.received(request.json(body).send().await).await
    }

    /// Asks for a sign of life; a server of somebody else that does not know the
    /// address has given none.
    pub(crate) async fn ping(
        &self,
        url: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Option<Result<(), ProviderError>> {
        let request = self.client.get(url).headers(headers.into_iter().collect());
        match self.received(request.send().await).await {
            Err(error) if !self.at_home && matches!(error.status, Some(404 | 405 | 501)) => None,
            other => Some(other.map(drop)),
        }
    }

    async fn received(&self, sent: reqwest::Result<Response>) -> Result<Response, ProviderError> {
        let response = sent.map_err(|error| self.fail(&self.not_sent(error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wish = retry_after::from_headers(response.headers(), self.clock.now());
        let mut fault = from_response(status, &read_beginning(response, ERROR_BODY).await);
        fault.retry_after = wish.or(fault.retry_after);
        Err(self.fail(&fault))
    }

    /// Whoever can't connect wants to know whereto.
    fn not_sent(&self, error: reqwest::Error) -> Fault {
        let at = if error.is_connect() {
            self.base.origin().ascii_serialization()
        } else {
            String::new()
        };
        let mut fault = Fault::transport(error);
        if !at.is_empty() {
            fault.message = format!("{} ({at})", fault.message);
        }
        fault
    }

    /// Makes the public error of a fault, free of credentials.
    pub(crate) fn fail(&self, fault: &Fault) -> ProviderError {
        let key = self.key.as_ref().map(|key| key.expose_secret().trim());
        let mut error = ProviderError::new(&self.name, fault.kind, scrub(&fault.message, key));
        error.status = fault.status;
        error.with_retry_after(fault.retry_after).with_begun(fault.begun)
    }
}

/// Whether a response comes as server-sent events; some servers answer a
/// request for a stream with one JSON object.
pub(crate) fn is_event_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    !kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"))
}

fn client(timeouts: &Timeouts, is_local: bool) -> reqwest::Result<Client> {
    static TLS: Once = Once::new();
    // Without a provider of cryptography the client panics. Whoever installed
    // one before us is right, so the refusal to install a second is no error.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = Client::builder()
        .user_agent(concat!("runcor/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read)
        .timeout(timeouts.total)
        .redirect(Policy::none());
    // A proxy from the environment is of no use on the way to our own machine.
    if is_local { builder.no_proxy().build() } else { builder.build() }
}

fn parse_base(name: &str, text: &str) -> Result<Url, Error> {
    let refuse =
        |reason: &str| Error::BaseUrl { provider: name.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it begins with neither https:// nor http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a user or password; use apiKey"));
    }
    Ok(url)
}

fn check_key(
    name: &str,
    key: Option<&SecretString>,
    base: &Url,
    allow_insecure: bool,
) -> Result<(), Error> {
    let Some(key) = key else { return Ok(()) };
    if !key.expose_secret().trim().chars().all(|c| c.is_ascii_graphic()) {
        return Err(Error::Key { provider: name.to_owned() });
    }
    let host = base.host_str().unwrap_or_default();
    if base.scheme() == "http" && !allow_insecure && !is_loopback(host) {
        return Err(Error::InsecureKey { provider: name.to_owned(), host: host.to_owned() });
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|ip| ip.is_loopback())
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

fn key_from_environment(variables: &[&str]) -> Option<SecretString> {
    let found = variables.iter().find_map(|variable| std::env::var(variable).ok())?;
    if found.trim().is_empty() { None } else { Some(found.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(base: &str, key: Option<&str>) -> Result<Http, Error> {
        Http::open(Settings {
            name: "test".to_owned(),
            home: "https://api.example.com/v1",
            key_variables: &["RUNCOR_TEST_NO_SUCH_KEY"],
            api_key: key.map(SecretString::from),
            base_url: Some(base.to_owned()),
            allow_insecure: false,
            timeouts: Timeouts::default(),
        })
    }

    #[test]
    fn a_key_is_not_sent_in_clear_over_a_network() {
        let refused = open("http://models.example.com/v1", Some("k")).unwrap_err();
        assert!(matches!(refused, Error::InsecureKey { .. }));
        for base in
            ["http://127.0.0.1:1/v1", "http://[::1]:1", "http://localhost", "https://x.example"]
        {
            open(base, Some("k")).unwrap();
        }
        open("http://models.example.com/v1", None).unwrap();
    }

    #[test]
    fn unusable_addresses_and_keys_are_configuration_errors() {
        for base in ["", "models", "ftp://x", "https://u:p@x"] {
            let error = open(base, None).unwrap_err();
            assert_eq!(runcor_core::Error::from(error).code().as_str(), "INVALID_CONFIG");
        }
        assert!(matches!(open("https://x", Some("two\nlines")), Err(Error::Key { .. })));
    }

    #[test]
    fn a_missing_key_is_an_auth_error_that_names_what_to_set() {
        let http = open("https://api.example.com/v1", None).unwrap();
        let error = http.key_header(str::to_owned).unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Auth);
        assert!(error.message.contains("RUNCOR_TEST_NO_SUCH_KEY"), "{error}");
        let local = open("http://127.0.0.1:11434/v1", None).unwrap();
        assert!(local.key_header(str::to_owned).unwrap().is_none());
    }

    #[test]
    fn segments_are_encoded_and_can_not_climb() {
        let http = open("https://x.example/v1/?api-version=1", None).unwrap();
        let url = http.url(&["models", "..", "a/b?c:go"]);
        assert_eq!(url.as_str(), "https://x.example/v1/models/a%2Fb%3Fc:go?api-version=1");
    }

    #[test]
    fn debug_output_shows_no_key() {
        let http = open("https://x.example", Some("very-secret")).unwrap();
        assert!(!format!("{http:?}").contains("very-secret"));
    }
}
