//! From the section `httpServer` to the settings of the server.

use std::time::Duration;

use runcor_config::section::{AccessToken, Cors, HttpServer};
use runcor_core::{TenantId, UserId};
use runcor_http::{CorsRules, HttpConfig};
use secrecy::ExposeSecret;

use super::Project;

impl Project {
    /// Returns the operator's token of the HTTP server, for a client of it.
    #[must_use]
    pub fn auth_token(&self) -> Option<String> {
        let server = &self.config().http_server;
        let is_operators = |one: &&AccessToken| one.user.is_none() && one.tenant.is_none();
        let others = server.tokens.iter().filter(is_operators).map(|one| &one.token);
        let token = server.auth_token.iter().chain(others).next()?;
        Some(token.expose_secret().to_owned())
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
            tokens,
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
            tokens: tokens.into_iter().filter_map(token_of).collect(),
            allow_unauthenticated,
            allowed_hosts,
            body_limit: usize::try_from(body_limit).unwrap_or(usize::MAX),
            shutdown_timeout: Duration::from_millis(shutdown_timeout),
            ..HttpConfig::default()
        }
    }
}

/// The configuration was checked, so every id is one; else nobody gets the token.
fn token_of(written: AccessToken) -> Option<runcor_http::AccessToken> {
    let AccessToken { token, user, tenant, name } = written;
    let user = user.map(UserId::new).transpose().ok()?;
    let tenant = tenant.map(TenantId::new).transpose().ok()?;
    Some(runcor_http::AccessToken { token, user, tenant, name })
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
