//! `httpServer`: where the HTTP server listens and whom it serves.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::MAX_MILLIS;
use crate::secret;

/// Where the HTTP server listens and whom it serves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "HttpServerSection")]
pub struct HttpServer {
    /// Whether the server starts.
    pub enabled: bool,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The address or host name to listen on.
    #[schemars(length(min = 1))]
    pub hostname: String,
    /// Which web pages may call the API: all, none, or by rules; the server decides when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// The operator's token, which may do everything; the environment variable `AUTH_TOKEN` when absent.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "secret::masked")]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub auth_token: Option<SecretString>,
    /// Tokens of users and tenants. Where there is any token, callers must send one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<AccessToken>,
    /// Whether a public address may be served without a token.
    pub allow_unauthenticated: bool,
    /// The largest request body, in bytes.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub body_limit: u64,
    /// What stands before `/v1` in every path.
    pub base_path: String,
    /// The names by which the server may be addressed, beside its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    /// How long a stop waits for open requests, in milliseconds.
    #[schemars(range(min = 0, max = MAX_MILLIS))]
    pub shutdown_timeout: u64,
}

impl Default for HttpServer {
    fn default() -> Self {
        Self {
            enabled: false,
            port: 3000,
            hostname: "127.0.0.1".to_owned(),
            cors: None,
            auth_token: None,
            tokens: Vec::new(),
            allow_unauthenticated: false,
            body_limit: 1_048_576,
            base_path: String::new(),
            allowed_hosts: Vec::new(),
            shutdown_timeout: 30_000,
        }
    }
}

/// A token, and whom it stands for; an operator, where it names nobody.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessToken {
    /// The token.
    #[serde(serialize_with = "secret::masked_one")]
    #[schemars(with = "String", length(min = 1))]
    pub token: SecretString,
    /// The user that its bearer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub user: Option<String>,
    /// The tenant that its bearer belongs to and sees nothing beside of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tenant: Option<String>,
    /// What the log calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}

/// Which web pages may call the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cors {
    /// All pages, or none.
    Switch(bool),
    /// Those that the rules name.
    Rules(CorsRules),
}

/// What is allowed to web pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CorsRules {
    /// One origin or several, such as `https://example.com`; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OneOrMany>,
    /// The allowed methods; those of the API when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// The allowed request headers; those of the API when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
}

/// One text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// Returns all of them as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}
