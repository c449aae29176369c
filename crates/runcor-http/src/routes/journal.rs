//! Journals: what an execution has done, one result whole, and a fork from a place.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use runcor_core::{ExecutionId, Fork, ForkChanges};
use serde::Serialize;
use serde_json::Value;

use super::executions::{IdInPath, id_of, one};
use crate::access::Access;
use crate::body::{Fields, read_fields};
use crate::reply::{Failure, json};

/// What the body of a fork may have.
const FORK_FIELDS: [&str; 7] =
    ["at", "idempotencyKey", "input", "model", "provider", "systemPrompt", "prompt"];

#[derive(Serialize)]
struct Kept<'a> {
    path: &'a str,
    value: Value,
}

/// `GET /v1/executions/:id/timeline`.
pub(super) async fn timeline(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let timeline = access.runtime().timeline(id_of(id)?).await?;
    Ok(json(StatusCode::OK, &timeline))
}

/// `GET /v1/executions/:id/journal/:path`: the result at a place, whatever its size.
pub(super) async fn value(
    access: Access,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Failure> {
    let Path((id, path)) = place.map_err(|_| Failure::no_execution())?;
    let id: ExecutionId = id.parse().map_err(|_| Failure::no_execution())?;
    let value = access.runtime().journal_value(id, &path).await?;
    Ok(json(StatusCode::OK, &Kept { path: &path, value }))
}

/// `POST /v1/executions/:id/fork`: 201, also when the key is known already.
pub(super) async fn fork(
    access: Access,
    id: IdInPath,
    request: Request,
) -> Result<Response, Failure> {
    let id = id_of(id)?;
    let (parts, body) = request.into_parts();
    let fork = fork_of(read_fields(&access.app, &parts.headers, body).await?)?;
    let execution = access.runtime().fork(id, fork).await?;
    Ok(one(StatusCode::CREATED, &execution))
}

/// A field that is not known is refused: a misspelt model would quietly run the old one.
fn fork_of(mut fields: Fields) -> Result<Fork, Failure> {
    fields.refuse_others(&FORK_FIELDS)?;
    Ok(Fork {
        at: place_of(fields.take("at"))?,
        idempotency_key: fields.take_string("idempotencyKey")?,
        // Null is an input like any other; only an absent one keeps the old.
        input: fields.take("input"),
        changes: ForkChanges {
            model: fields.take_string("model")?,
            provider: fields.take_string("provider")?,
            system_prompt: fields.take_string("systemPrompt")?,
            prompt: fields.take_string("prompt")?,
        },
    })
}

fn place_of(at: Option<Value>) -> Result<Option<String>, Failure> {
    match at {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(path)) => Ok(Some(path)),
        Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
        Some(_) => Err(Failure::field("at", "must be a path, or a number of the timeline")),
    }
}
