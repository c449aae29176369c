//! The settings of a server, their defaults, and what makes no sense.

use std::collections::HashSet;
use std::time::Duration;

use runcor_core::millis;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::auth::AccessToken;
use crate::cors::Cors;
use crate::error::Error;

/// The smallest header limit that makes sense; also the smallest buffer of a connection.
const LEAST_HEADER_BYTES: usize = 8 * 1024;

/// A token of fewer characters deserves a warning.
const GOOD_TOKEN_BYTES: usize = 16;

/// The settings of a [`Server`](crate::Server); durations are milliseconds in a file.
///
/// ```
/// let config = runcor_http::HttpConfig { port: 0, ..Default::default() };
/// assert_eq!(config.hostname, "127.0.0.1");
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpConfig {
    /// The port, 3000 by default; 0 picks a free one.
    pub port: u16,
    /// The address to listen on, 127.0.0.1 by default.
    pub hostname: String,
    /// What stands before `/v1`, nothing by default; trailing slashes are ignored.
    pub base_path: String,
    /// Whether pages of other origins may use the API; off by default.
    pub cors: Cors,
    /// The operator's token, none by default. Where there is any token, every
    /// request must carry one.
    pub auth_token: Option<SecretString>,
    /// Tokens of users and tenants, none by default.
    pub tokens: Vec<AccessToken>,
    /// Allows a public address without a token.
    pub allow_unauthenticated: bool,
    /// Further values of `Host` that are answered, such as `runcor.example.com`
    /// or `runcor.example.com:8443`; those of the machine itself always are.
    pub allowed_hosts: Vec<String>,
    /// The longest request body in bytes, 1 MiB by default.
    pub body_limit: usize,
    /// The longest request head in bytes, 16 KiB by default, at least 8 KiB.
    pub max_header_bytes: usize,
    /// The longest path with its query in bytes, 8 KiB by default.
    pub max_url_bytes: usize,
    /// How many connections are served at once, 512 by default.
    pub max_connections: usize,
    /// How many event streams are served at once, 100 by default.
    pub max_event_streams: usize,
    /// How long a connection may take to send a request head, also between two
    /// requests; 10 s by default.
    #[serde(with = "millis")]
    pub header_timeout: Duration,
    /// How long a request body may take to arrive, 30 s by default.
    #[serde(with = "millis")]
    pub body_timeout: Duration,
    /// How long a client may refuse to take bytes of its answer, 30 s by default.
    #[serde(with = "millis")]
    pub write_timeout: Duration,
    /// The longest `?wait=` of a trigger, 60 s by default.
    #[serde(with = "millis")]
    pub max_wait: Duration,
    /// The time between two heartbeats of an event stream, 30 s by default.
    #[serde(with = "millis")]
    pub heartbeat: Duration,
    /// How long requests under way may take after a stop, 30 s by default.
    #[serde(with = "millis")]
    pub shutdown_timeout: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            port: 3000,
            hostname: "127.0.0.1".to_owned(),
            base_path: String::new(),
            cors: Cors::Off,
            auth_token: None,
            tokens: Vec::new(),
            allow_unauthenticated: false,
            allowed_hosts: Vec::new(),
            body_limit: 1024 * 1024,
            max_header_bytes: 16 * 1024,
            max_url_bytes: 8 * 1024,
            max_connections: 512,
            max_event_streams: 100,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_wait: Duration::from_secs(60),
            heartbeat: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

impl HttpConfig {
    /// Refuses settings that make no sense.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |field, problem| Err(Error::InvalidConfig { field, problem });
        if self.hostname.trim().is_empty() {
            return wrong("hostname", "is empty; use 127.0.0.1, or leave it out");
        }
        if !is_usable_base(self.base()) {
            return wrong(
                "basePath",
                "must begin with / and consist of letters, digits, and . _ ~ - between slashes",
            );
        }
        if self.auth_token.as_ref().is_some_and(|token| !is_usable_token(token)) {
            return wrong(
                "authToken",
                "must be printable ASCII without spaces, and not empty; leave it out for none",
            );
        }
        if !self.tokens.iter().all(|one| is_usable_token(&one.token)) {
            return wrong("tokens", "must each have a token of printable ASCII without spaces");
        }
        if !self.tokens_differ() {
            return wrong("tokens", "must differ from each other and from authToken");
        }
        if self.max_header_bytes < LEAST_HEADER_BYTES {
            return wrong("maxHeaderBytes", "must be at least 8192");
        }
        if self.max_connections == 0 {
            return wrong("maxConnections", "must be at least 1");
        }
        for (field, duration) in [
            ("headerTimeout", self.header_timeout),
            ("bodyTimeout", self.body_timeout),
            ("writeTimeout", self.write_timeout),
            ("heartbeat", self.heartbeat),
        ] {
            if duration.is_zero() {
                return wrong(field, "must be at least one millisecond");
            }
        }
        Ok(())
    }

    /// Tells what is allowed and risky, for the log.
    pub(crate) fn risks(&self, public: bool) -> Vec<&'static str> {
        let open = self.is_open();
        let risks = [
            (public && open, "everybody on the network may do everything: no authToken is set"),
            (public, "requests travel unencrypted: put a proxy with TLS in front"),
            (
                self.all_tokens().any(|token| token.len() < GOOD_TOKEN_BYTES),
                "a token is short: use at least 16 random characters",
            ),
            (
                open && self.cors.allows("null"),
                "every web page may use the API: cors allows all origins and no authToken is set",
            ),
        ];
        risks.into_iter().filter(|(present, _)| *present).map(|(_, text)| text).collect()
    }

    /// Returns whether requests need no token.
    pub(crate) fn is_open(&self) -> bool {
        self.auth_token.is_none() && self.tokens.is_empty()
    }

    fn all_tokens(&self) -> impl Iterator<Item = &str> {
        let others = self.tokens.iter().map(|one| &one.token);
        self.auth_token.iter().chain(others).map(ExposeSecret::expose_secret)
    }

    fn tokens_differ(&self) -> bool {
        let mut seen = HashSet::new();
        self.all_tokens().all(|token| seen.insert(token))
    }

    /// Returns the base path without trailing slashes.
    pub(crate) fn base(&self) -> &str {
        self.base_path.trim_end_matches('/')
    }
}

fn is_usable_base(base: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-".contains(&byte);
    base.is_empty() || (base.starts_with('/') && !base.contains("//") && base.bytes().all(plain))
}

fn is_usable_token(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: serde_json::Value) -> Result<HttpConfig, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn the_defaults_are_those_of_the_contract_with_cors_off() {
        let config = parse(json!({})).unwrap();
        assert_eq!((config.port, config.hostname.as_str()), (3000, "127.0.0.1"));
        assert_eq!(config.body_limit, 1_048_576);
        assert_eq!(config.shutdown_timeout, Duration::from_secs(30));
        assert_eq!(config.max_event_streams, 100);
        assert!(matches!(config.cors, Cors::Off));
        config.check().unwrap();
    }

    #[test]
    fn durations_are_milliseconds_and_unknown_settings_are_refused() {
        let config = parse(json!({ "headerTimeout": 2500, "basePath": "/api/" })).unwrap();
        assert_eq!(config.header_timeout, Duration::from_millis(2500));
        assert_eq!(config.base(), "/api");
        assert!(parse(json!({ "authTokn": "x" })).is_err());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        for (value, field) in [
            (json!({ "basePath": "api" }), "basePath"),
            (json!({ "basePath": "/a{b}" }), "basePath"),
            (json!({ "authToken": "" }), "authToken"),
            (json!({ "authToken": "two words" }), "authToken"),
            (json!({ "tokens": [{ "token": "", "tenant": "t" }] }), "tokens"),
            (json!({ "tokens": [{ "token": "a" }, { "token": "a", "user": "u" }] }), "tokens"),
            (json!({ "authToken": "a", "tokens": [{ "token": "a", "user": "u" }] }), "tokens"),
            (json!({ "hostname": " " }), "hostname"),
            (json!({ "maxConnections": 0 }), "maxConnections"),
            (json!({ "maxHeaderBytes": 10 }), "maxHeaderBytes"),
            (json!({ "heartbeat": 0 }), "heartbeat"),
        ] {
            let error = parse(value).unwrap().check().unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    #[test]
    fn what_is_allowed_and_risky_is_told() {
        let risks = |value, public| parse(value).unwrap().risks(public).len();
        assert_eq!(risks(json!({}), false), 0);
        assert_eq!(risks(json!({}), true), 2);
        assert_eq!(risks(json!({ "authToken": "0123456789abcdef" }), true), 1);
        assert_eq!(risks(json!({ "authToken": "short", "cors": true }), false), 1);
        assert_eq!(risks(json!({ "tokens": [{ "token": "short" }], "cors": true }), true), 2);
        assert_eq!(risks(json!({ "cors": true }), false), 1);
        assert_eq!(risks(json!({ "cors": ["https://a.example"] }), false), 0);
    }

    #[test]
    fn the_token_is_not_shown_in_debug_output() {
        let tokens = json!({ "authToken": "hush-hush", "tokens": [{ "token": "hush-too" }] });
        let config = parse(tokens).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
