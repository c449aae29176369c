//! Health: for people, for load balancers, for orchestrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use runcor_core::{Degraded, EngineStatus, Runtime};
use serde::Serialize;

use crate::access::Access;
use crate::app::{App, HttpParts};
use crate::gate::Anonymous;
use crate::reply::{Failure, json};

#[derive(Serialize)]
struct Health {
    status: Word,
    /// Why new work is refused, while the store has trouble.
    degraded: Option<Degraded>,
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
    policy: bool,
}

impl Capabilities {
    fn of(parts: &HttpParts) -> Self {
        Self {
            cost: parts.ledger.is_some(),
            evaluation: parts.quality.is_some(),
            policy: parts.has_policy,
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
struct Status<T> {
    status: T,
}

/// The status in one word.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", untagged)]
enum Word {
    Engine(EngineStatus),
    Degraded(&'static str),
}

impl Word {
    /// Trouble counts while the engine would take work otherwise.
    fn of(runtime: &dyn Runtime, degraded: Option<&Degraded>) -> Self {
        match (runtime.status(), degraded) {
            (EngineStatus::Ready, Some(_)) => Self::Degraded("degraded"),
            (status, _) => Self::Engine(status),
        }
    }
}

/// `GET /v1/health`: always 200; who has no token learns the status alone.
pub(super) async fn health(
    State(app): State<Arc<App>>,
    anonymous: Option<Extension<Anonymous>>,
    access: Result<Access, Failure>,
) -> Result<Response, Failure> {
    let mut degraded = app.runtime().health().degraded;
    let status = Word::of(app.runtime(), degraded.as_ref());
    if anonymous.is_some() {
        return Ok(json(StatusCode::OK, &Status { status }));
    }
    let access = access?;
    let runtime = access.runtime();
    if !access.identity.is_operator()
        && let Some(trouble) = &mut degraded
    {
        "the store has trouble".clone_into(&mut trouble.message);
    }
    let health = Health {
        status,
        degraded,
        uptime: u64::try_from(runtime.uptime().as_millis()).unwrap_or(u64::MAX),
        flows: runtime.flows().len(),
        adapters: 0,
        capabilities: Capabilities::of(&app.parts),
    };
    Ok(json(StatusCode::OK, &health))
}

/// `GET /livez`: 200 while requests are answered at all.
pub(super) async fn live() -> Response {
    json(StatusCode::OK, &Status { status: "live" })
}

/// `GET /readyz`: 200 while the engine takes work; who asks needs no token and learns no details.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let runtime = app.runtime();
    match runtime.status() {
        EngineStatus::Ready => match runtime.health().degraded {
            None => json(StatusCode::OK, &Status { status: "ready" }),
            Some(trouble) => Failure::degraded(&trouble).into_response(),
        },
        EngineStatus::Initializing => Failure::not_ready().into_response(),
        EngineStatus::ShuttingDown | EngineStatus::Stopped => Failure::stopping().into_response(),
    }
}
