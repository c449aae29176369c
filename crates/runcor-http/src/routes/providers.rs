//! Providers, as the router sees them.

use axum::response::Response;
use http::StatusCode;
use runcor_core::ProviderInfo;
use serde::Serialize;

use crate::access::Access;
use crate::reply::{Failure, json};

#[derive(Serialize)]
struct Listed {
    providers: Vec<ProviderInfo>,
}

/// `GET /v1/providers`.
pub(super) async fn list(access: Access) -> Result<Response, Failure> {
    let report = access.app.parts.providers.as_ref().ok_or_else(Failure::not_found)?;
    Ok(json(StatusCode::OK, &Listed { providers: report.providers() }))
}
