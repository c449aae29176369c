//! Decisions: what people answer to an execution that waits for them.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use runcor_core::Decision;
use serde::Deserialize;
use serde_json::Value;

use super::executions::{IdInPath, id_of, one};
use crate::access::Access;
use crate::body::{Fields, read_fields};
use crate::reply::Failure;

/// What the body of a decision may have, whichever it is.
const FIELDS: [&str; 6] = ["decision", "token", "by", "note", "result", "reason"];

/// `POST /v1/executions/:id/decision`: the body is a [`Decision`].
pub(super) async fn decide(
    access: Access,
    id: IdInPath,
    request: Request,
) -> Result<Response, Failure> {
    let id = id_of(id)?;
    let (parts, body) = request.into_parts();
    let decision = decision_of(read_fields(&access.app, &parts.headers, body).await?)?;
    let execution = access.runtime().decide(id, decision).await?;
    Ok(one(StatusCode::OK, &execution))
}

fn decision_of(fields: Fields) -> Result<Decision, Failure> {
    fields.refuse_others(&FIELDS)?;
    // Types are looked at here, because the words of a reader that fails quote what it has read.
    for field in ["decision", "token", "by", "note", "reason"] {
        fields.must_be_string(field)?;
    }
    Decision::deserialize(Value::from(fields))
        .map_err(|error| Failure::field("decision", &error.to_string()))
}
