//! Providers, as the router sees them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use runcor_core::ProviderInfo;
use serde::Serialize;

use crate::app::App;
use crate::reply::{Failure, json};

#[derive(Serialize)]
struct Listed {
    providers: Vec<ProviderInfo>,
}

/// `GET /v1/providers`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let report = app.parts.providers.as_ref().ok_or_else(Failure::not_found)?;
    Ok(json(StatusCode::OK, &Listed { providers: report.providers() }))
}
