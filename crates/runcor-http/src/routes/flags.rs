//! Flags: executions that a person should look at, and the way a review goes.

use axum::extract::Request;
use axum::response::Response;
use http::{StatusCode, Uri};
use runcor_core::{Error, ErrorCode, Flag, FlagQuery, FlagStatus, Page};
use serde::Serialize;

use super::evaluations::{on, tenant_of};
use super::executions::{IdInPath, id_of};
use super::query::Parameters;
use crate::access::Access;
use crate::body::read_fields;
use crate::reply::{Failure, json};

/// The longest reason, in bytes: it is for people to read.
const MAX_REASON_BYTES: usize = 2_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    flags: Vec<Flag>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct One {
    flag: Flag,
}

/// `GET /v1/flags`: the review list, oldest first.
pub(super) async fn list(access: Access, uri: Uri) -> Result<Response, Failure> {
    let quality = on(&access)?;
    let parameters = Parameters::of(&uri);
    let query = FlagQuery {
        status: parameters.get("status").map(status_of).transpose()?,
        flow: parameters.parsed("flowName")?,
        tenant: tenant_of(&access, &parameters)?,
        after: parameters.cursor()?,
        limit: parameters.limit()?,
    };
    access.judge_read(query.flow.as_ref()).await?;
    let Page { mut items, next } = quality.flags(access.caller(), &query).await?;
    items.retain(|flag| access.runtime().sees_flow(&flag.flow_name));
    let next_cursor = next.map(|cursor| cursor.to_string());
    Ok(json(StatusCode::OK, &Listed { flags: items, next_cursor }))
}

/// `GET /v1/executions/:id/flag`.
pub(super) async fn show(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let (quality, id) = (on(&access)?, id_of(id)?);
    access.judge_read_of(id).await?;
    let flag = quality.flag_of(access.caller(), id).await?.ok_or_else(|| {
        Error::new(ErrorCode::FlagNotFound, format!("execution {id} is not flagged"))
    })?;
    Ok(json(StatusCode::OK, &One { flag }))
}

/// `POST /v1/executions/:id/flag`: 201 with the flag.
pub(super) async fn put(
    access: Access,
    id: IdInPath,
    request: Request,
) -> Result<Response, Failure> {
    let (quality, id) = (on(&access)?, id_of(id)?);
    let (parts, body) = request.into_parts();
    let mut fields = read_fields(&access.app, &parts.headers, body).await?;
    fields.refuse_others(&["reason"])?;
    let reason = fields.take_string("reason")?;
    if reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON_BYTES) {
        let problem = format!("must be {MAX_REASON_BYTES} bytes at most");
        return Err(Failure::field("reason", &problem));
    }
    access.judge_read_of(id).await?;
    let flag = quality.flag(access.caller(), id, reason).await?;
    Ok(json(StatusCode::CREATED, &One { flag }))
}

/// `PATCH /v1/executions/:id/flag`: moves the flag on.
pub(super) async fn update(
    access: Access,
    id: IdInPath,
    request: Request,
) -> Result<Response, Failure> {
    let (quality, id) = (on(&access)?, id_of(id)?);
    let (parts, body) = request.into_parts();
    let mut fields = read_fields(&access.app, &parts.headers, body).await?;
    fields.refuse_others(&["status"])?;
    let status = status_of(&fields.take_string("status")?.unwrap_or_default())?;
    access.judge_read_of(id).await?;
    let flag = quality.update_flag(access.caller(), id, status).await?;
    Ok(json(StatusCode::OK, &One { flag }))
}

fn status_of(text: &str) -> Result<FlagStatus, Failure> {
    FlagStatus::parse(text)
        .ok_or_else(|| Failure::field("status", "must be pending, reviewed or resolved"))
}
