//! Executions: looking at them, and deciding about them.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::{StatusCode, Uri};
use runcor_core::{Execution, ExecutionId, ExecutionQuery, Page};
use serde::Serialize;

use super::query::{MAX_LIMIT, Parameters};
use crate::access::Access;
use crate::body::read_fields;
use crate::reply::{Failure, json};

const DEFAULT_LIMIT: usize = 50;

pub(super) type IdInPath = Result<Path<String>, PathRejection>;

/// One execution, in its envelope.
#[derive(Serialize)]
pub(super) struct One<'a> {
    pub(super) execution: &'a Execution,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    executions: &'a [Execution],
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Deleted {
    deleted: bool,
    id: ExecutionId,
}

/// `GET /v1/executions`.
pub(super) async fn list(access: Access, uri: Uri) -> Result<Response, Failure> {
    let page = match query_of(&Parameters::of(&uri))? {
        Some(query) => access.runtime().executions(&query).await?,
        None => Page { items: Vec::new(), next: None },
    };
    let next_cursor = page.next.map(|cursor| cursor.to_string());
    Ok(json(StatusCode::OK, &Listed { executions: &page.items, next_cursor }))
}

/// Reads a query; `None` when nothing can match it.
///
/// As in the reference a limit or offset that is no number counts as absent,
/// and a filter that names nothing gives an empty list. An order or a cursor
/// that is wrong is an error: ignoring it would give the wrong page.
fn query_of(from: &Parameters) -> Result<Option<ExecutionQuery>, Failure> {
    let (order, after) = (from.order()?, from.cursor()?);
    let limit = from.number("limit").unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let offset = from.number("offset").unwrap_or(0);
    let filters = (
        from.get("state").map(str::parse).transpose(),
        from.get("flowName").map(str::parse).transpose(),
        from.get("userId").map(str::parse).transpose(),
        from.get("tenantId").map(str::parse).transpose(),
        from.get("parentId").map(str::parse).transpose(),
    );
    let (Ok(state), Ok(flow), Ok(user), Ok(tenant), Ok(parent)) = filters else {
        return Ok(None);
    };
    if limit == 0 {
        return Ok(None);
    }
    Ok(Some(ExecutionQuery { state, flow, user, tenant, parent, order, after, offset, limit }))
}

/// `GET /v1/executions/:id`.
pub(super) async fn show(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let execution = access.runtime().execution(id_of(id)?).await?;
    Ok(one(StatusCode::OK, &execution))
}

/// `POST /v1/executions/:id/resume`: brings `resumeData`, or `data`; null differs from nothing.
pub(super) async fn resume(
    access: Access,
    id: IdInPath,
    request: Request,
) -> Result<Response, Failure> {
    let id = id_of(id)?;
    let (parts, body) = request.into_parts();
    let mut fields = read_fields(&access.app, &parts.headers, body).await?;
    let data = fields.take("resumeData").or_else(|| fields.take("data"));
    let execution = access.runtime().resume(id, data).await?;
    Ok(one(StatusCode::OK, &execution))
}

/// `POST /v1/executions/:id/replay`: 201 with the new execution; a body is not looked at.
pub(super) async fn replay(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let execution = access.runtime().replay(id_of(id)?).await?;
    Ok(one(StatusCode::CREATED, &execution))
}

/// `POST /v1/executions/:id/cancel`.
pub(super) async fn cancel(
    access: Access,
    id: IdInPath,
    request: Request,
) -> Result<Response, Failure> {
    let id = id_of(id)?;
    let (parts, body) = request.into_parts();
    let reason = read_fields(&access.app, &parts.headers, body).await?.take_string("reason")?;
    let execution = access.runtime().cancel(id, reason).await?;
    Ok(one(StatusCode::OK, &execution))
}

/// `DELETE /v1/executions/:id`.
pub(super) async fn delete(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let id = id_of(id)?;
    access.runtime().delete(id).await?;
    Ok(json(StatusCode::OK, &Deleted { deleted: true, id }))
}

/// What is no id is the id of nothing.
pub(super) fn id_of(id: IdInPath) -> Result<ExecutionId, Failure> {
    let Path(text) = id.map_err(|_| Failure::no_execution())?;
    text.parse().map_err(|_| Failure::no_execution())
}

pub(super) fn one(status: StatusCode, execution: &Execution) -> Response {
    json(status, &One { execution })
}
