//! Flows: what there is, and the way to run it.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::{HeaderValue, StatusCode, Uri};
use runcor_core::{Execution, FlowInfo, Trigger};
use serde::Serialize;
use serde_json::Value;

use super::REPLAYED;
use super::executions::One;
use super::query::Parameters;
use crate::access::Access;
use crate::body::{Fields, read_fields};
use crate::reply::{Failure, json};

#[derive(Serialize)]
struct Listed {
    flows: Vec<FlowInfo>,
}

/// `GET /v1/flows`.
pub(super) async fn list(access: Access) -> Response {
    json(StatusCode::OK, &Listed { flows: access.runtime().flows() })
}

/// `POST /v1/flows/:name/trigger`: 201, also when the key is known already.
pub(super) async fn trigger(
    access: Access,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let Path(name) = name.map_err(|_| Failure::no_flow())?;
    let (parts, body) = request.into_parts();
    let wait = wait_of(&parts.uri, access.app.config.max_wait)?;
    let trigger = trigger_of(read_fields(&access.app, &parts.headers, body).await?)?;
    access.identity.admit_trigger(&trigger)?;
    let triggered = access.runtime().trigger(&name, trigger).await?;
    let execution = match wait {
        Some(wait) => end_of(&access, triggered.execution, wait).await,
        None => triggered.execution,
    };
    let mut response = json(StatusCode::CREATED, &One { execution: &execution });
    if triggered.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn trigger_of(mut fields: Fields) -> Result<Trigger, Failure> {
    let key = match fields.take("idempotencyKey") {
        Some(Value::String(key)) if !key.is_empty() => key,
        _ => return Err(Failure::no_key()),
    };
    let mut trigger = Trigger::new(key, fields.take("input").unwrap_or_default());
    trigger.user_id = fields.take_string("userId")?;
    trigger.session_id = fields.take_string("sessionId")?;
    trigger.tenant_id = fields.take_string("tenantId")?;
    trigger.metadata = fields.take_object("metadata")?;
    trigger.timeout = fields.take_millis("timeout")?;
    trigger.wait_timeout = fields.take_millis("waitTimeout")?;
    Ok(trigger)
}

fn wait_of(uri: &Uri, longest: Duration) -> Result<Option<Duration>, Failure> {
    let query = Parameters::of(uri);
    let Some(text) = query.get("wait") else { return Ok(None) };
    match text.parse() {
        Ok(millis) => Ok(Some(Duration::from_millis(millis).min(longest))),
        Err(_) => Err(Failure::field("wait", "must be a whole number of milliseconds")),
    }
}

/// Waits for the execution to end, not longer than asked and not beyond a stop.
///
/// The work is accepted in any case, so nothing that goes wrong here is an error.
async fn end_of(access: &Access, execution: Execution, wait: Duration) -> Execution {
    if execution.state().is_terminal() {
        return execution;
    }
    let runtime = access.runtime();
    let ended = tokio::select! {
        biased;
        ended = runtime.finished(execution.id()) => ended.ok(),
        () = access.app.stop.cancelled() => None,
        () = tokio::time::sleep(wait) => None,
    };
    match ended {
        Some(ended) => ended,
        None => runtime.execution(execution.id()).await.unwrap_or(execution),
    }
}
