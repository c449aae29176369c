//! Health: for people, for load balancers, for orchestrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use runcor_core::EngineStatus;
use serde::Serialize;

use crate::app::App;
use crate::gate::Anonymous;
use crate::reply::{Failure, json};

#[derive(Serialize)]
struct Health {
    status: EngineStatus,
    /// Milliseconds.
    uptime: u64,
    flows: usize,
    adapters: usize,
    capabilities: Capabilities,
}

/// Which subsystems are there; each is set by its own part once that exists.
#[derive(Serialize, Default)]
struct Capabilities {
    cost: bool,
    evaluation: bool,
    adapters: bool,
    discernment: bool,
    scheduler: bool,
}

#[derive(Serialize)]
struct Status<T> {
    status: T,
}

/// `GET /v1/health`: always 200; who has no token learns the status alone.
pub(super) async fn health(
    State(app): State<Arc<App>>,
    anonymous: Option<Extension<Anonymous>>,
) -> Response {
    let runtime = app.runtime();
    let status = runtime.status();
    if anonymous.is_some() {
        return json(StatusCode::OK, &Status { status });
    }
    let health = Health {
        status,
        uptime: u64::try_from(runtime.uptime().as_millis()).unwrap_or(u64::MAX),
        flows: runtime.flows().len(),
        adapters: 0,
        capabilities: Capabilities::default(),
    };
    json(StatusCode::OK, &health)
}

/// `GET /livez`: 200 while requests are answered at all.
pub(super) async fn live() -> Response {
    json(StatusCode::OK, &Status { status: "live" })
}

/// `GET /readyz`: 200 while the engine takes work.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.runtime().status() {
        EngineStatus::Ready => json(StatusCode::OK, &Status { status: "ready" }),
        EngineStatus::Initializing => Failure::not_ready().into_response(),
        EngineStatus::ShuttingDown | EngineStatus::Stopped => Failure::stopping().into_response(),
    }
}
