//! From the section `httpServer` to the settings of the server.

use std::time::Duration;

use runcor_config::section::{Cors, HttpServer};
use runcor_http::{CorsRules, HttpConfig};
use secrecy::ExposeSecret;

use super::Project;

impl Project {
    /// Returns the token that the HTTP server wants, for a client of it.
    #[must_use]
    pub fn auth_token(&self) -> Option<String> {
        self.config().http_server.auth_token.as_ref().map(|token| token.expose_secret().to_owned())
    }

    /// Returns the settings of the HTTP server.
    #[must_use]
    pub fn http_config(&self) -> HttpConfig {
        let HttpServer {
            enabled: _,
            port,
            hostname,
            cors,
            auth_token,
            allow_unauthenticated,
            body_limit,
            base_path,
            allowed_hosts,
            shutdown_timeout,
        } = self.config().http_server.clone();
        HttpConfig {
            port,
            hostname,
            base_path,
            cors: cors_of(cors),
            auth_token,
            allow_unauthenticated,
            allowed_hosts,
            body_limit: usize::try_from(body_limit).unwrap_or(usize::MAX),
            shutdown_timeout: Duration::from_millis(shutdown_timeout),
            ..HttpConfig::default()
        }
    }
}

fn cors_of(cors: Option<Cors>) -> runcor_http::Cors {
    match cors {
        None | Some(Cors::Switch(false)) => runcor_http::Cors::Off,
        Some(Cors::Switch(true)) => runcor_http::Cors::Any,
        Some(Cors::Rules(rules)) => runcor_http::Cors::Rules(CorsRules {
            origins: rules
                .origin
                .map_or_else(|| vec!["*".to_owned()], |origin| origin.as_slice().to_vec()),
            methods: rules.methods.unwrap_or_default(),
            headers: rules.headers.unwrap_or_default(),
        }),
    }
}
