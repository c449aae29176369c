//! The one layer in front of all routes: limits, hosts, origins, token, stop, panics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::ORIGIN;
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use runcor_core::ErrorCode;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::app::App;
use crate::auth::{Credentials, TokenCheck};
use crate::host_check::HostCheck;
use crate::identity::Identity;
use crate::reply::Failure;
use crate::routes::{self, Paths};
use crate::socket::Peer;

/// Marks a request that may be told whether the server lives, and nothing more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anonymous;

/// Who makes a request that is let through.
enum Admitted {
    /// Whoever asks a probe.
    Anybody,
    /// Somebody without the token that others need.
    Anonymous,
    /// Somebody who may ask.
    As(Identity),
}

/// Decides about a request before any route sees it, and finishes every answer.
pub(crate) struct Gate {
    app: Arc<App>,
    router: Router,
    paths: Paths,
    hosts: HostCheck,
    tokens: Option<TokenCheck>,
}

impl Gate {
    pub(crate) fn new(app: Arc<App>, bound_to_loopback: bool) -> Self {
        let paths = Paths::new(app.config.base());
        Self {
            router: routes::router(&app, &paths),
            hosts: HostCheck::new(&app.config, bound_to_loopback),
            tokens: TokenCheck::of(&app.config),
            paths,
            app,
        }
    }

    /// Answers a request, whatever it is.
    pub(crate) async fn respond(&self, request: Request<Incoming>, peer: Peer) -> Response {
        let started = Instant::now();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.with_cors(request, peer).await;
        tracing::debug!(
            %method,
            path = uri.path(),
            status = response.status().as_u16(),
            micros = started.elapsed().as_micros(),
            "answered"
        );
        response
    }

    async fn with_cors(&self, request: Request<Incoming>, peer: Peer) -> Response {
        let cors = &self.app.config.cors;
        if !cors.is_on() {
            return self.answer(request, peer).await;
        }
        let origin = request.headers().get(ORIGIN).cloned();
        let mut response = if request.method() == Method::OPTIONS {
            self.preflight(&request)
        } else {
            self.answer(request, peer).await
        };
        cors.mark(origin.as_ref(), response.headers_mut());
        response
    }

    fn preflight<B>(&self, request: &Request<B>) -> Response {
        if let Err(failure) = self.admit_origin(request, None) {
            return failure.into_response();
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        self.app.config.cors.mark_preflight(response.headers_mut());
        response
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Response {
        let mut request = request.map(Body::new);
        match self.admit(&request) {
            Ok(Admitted::Anybody) => {}
            Ok(Admitted::Anonymous) => {
                request.extensions_mut().insert(Anonymous);
            }
            Ok(Admitted::As(identity)) => {
                request.extensions_mut().insert(identity);
            }
            Err(failure) => return failure.into_response(),
        }
        if request.uri().path() == self.paths.events {
            request.extensions_mut().insert(peer);
        }
        let routed = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind();
        match routed.await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_panic) => {
                let cause = std::io::Error::other("a route panicked");
                Failure::broken(ErrorCode::InternalError, &cause).into_response()
            }
        }
    }

    /// Lets a request through, and finds out who makes it.
    fn admit<B>(&self, request: &Request<B>) -> Result<Admitted, Failure> {
        let limit = self.app.config.max_url_bytes;
        if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > limit) {
            return Err(Failure::url_too_long(limit));
        }
        self.admit_origin(request, request.headers().get(ORIGIN))?;
        let admitted = self.authenticate(request)?;
        if self.app.stop.is_cancelled() {
            return Err(Failure::stopping());
        }
        Ok(admitted)
    }

    fn admit_origin<B>(
        &self,
        request: &Request<B>,
        origin: Option<&HeaderValue>,
    ) -> Result<(), Failure> {
        self.hosts.check(request.uri(), request.headers(), origin)
    }

    fn authenticate<B>(&self, request: &Request<B>) -> Result<Admitted, Failure> {
        let (path, headers) = (request.uri().path(), request.headers());
        if self.paths.is_probe(path) {
            return Ok(Admitted::Anybody);
        }
        let Some(tokens) = &self.tokens else {
            return Identity::of(Arc::default(), headers).map(Admitted::As);
        };
        match tokens.check(headers) {
            Credentials::Right(bearer) => Identity::of(bearer, headers).map(Admitted::As),
            Credentials::Missing if path == self.paths.health => Ok(Admitted::Anonymous),
            Credentials::Missing | Credentials::Wrong => Err(Failure::unauthorized()),
        }
    }
}
