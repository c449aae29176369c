//! Work for evaluators: judging the past, and comparing two sets of executions.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use runcor_core::{Evaluation, ExecutionId, ExecutionSet, PastEvaluations, PastQuery, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evaluations::on;
use super::query::MAX_LIMIT;
use crate::access::Access;
use crate::body::{Fields, read_fields};
use crate::reply::{Failure, json};

/// How many executions one request looks at where it does not say.
const DEFAULT_CHUNK: usize = 20;
const RUN_FIELDS: [&str; 6] = ["flowName", "since", "until", "again", "cursor", "limit"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    looked_at: usize,
    evaluations: Vec<Evaluation>,
    skipped: usize,
    failed: Vec<Failed>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    execution_id: ExecutionId,
    error: String,
}

/// `POST /v1/evaluations/run`: judges a chunk of the past, newest first.
pub(super) async fn run(access: Access, request: Request) -> Result<Response, Failure> {
    let quality = on(&access)?;
    let (parts, body) = request.into_parts();
    let query = past_of(read_fields(&access.app, &parts.headers, body).await?)?;
    access.judge_read_of_all(query.flow.as_ref()).await?;
    let past = quality.evaluate_past(access.caller(), &query).await?;
    Ok(json(StatusCode::OK, &Judged::from(past)))
}

/// `POST /v1/evaluations/compare`: the second set against the first.
pub(super) async fn compare(access: Access, request: Request) -> Result<Response, Failure> {
    let quality = on(&access)?;
    let (parts, body) = request.into_parts();
    let mut fields = read_fields(&access.app, &parts.headers, body).await?;
    fields.refuse_others(&["first", "second"])?;
    let (first, second) = (set_of(&mut fields, "first")?, set_of(&mut fields, "second")?);
    for set in [&first, &second] {
        judge_set(&access, set).await?;
    }
    let comparison = quality.compare(access.caller(), &first, &second).await?;
    Ok(json(StatusCode::OK, &comparison))
}

async fn judge_set(access: &Access, set: &ExecutionSet) -> Result<(), Failure> {
    if set.executions.is_empty() {
        return access.judge_read_of_all(set.flow.as_ref()).await;
    }
    for &id in set.executions.iter().filter(|_| !access.identity.is_nobody()) {
        access.judge_read_of(id).await?;
    }
    Ok(())
}

fn set_of(fields: &mut Fields, name: &str) -> Result<ExecutionSet, Failure> {
    let Some(value) = fields.take(name) else {
        return Err(Failure::field(name, "must describe a set of executions"));
    };
    ExecutionSet::deserialize(value).map_err(|error| Failure::field(name, &error.to_string()))
}

fn past_of(mut fields: Fields) -> Result<PastQuery, Failure> {
    fields.refuse_others(&RUN_FIELDS)?;
    let flow = fields.take_string("flowName")?.map(|name| name.parse()).transpose();
    let after = fields.take_string("cursor")?.map(|cursor| cursor.parse()).transpose();
    let limit = match fields.take("limit") {
        None | Some(Value::Null) => DEFAULT_CHUNK,
        Some(limit) => match limit.as_u64().and_then(|limit| usize::try_from(limit).ok()) {
            Some(limit @ 1..) => limit.min(MAX_LIMIT),
            _ => return Err(Failure::field("limit", "must be a whole number above zero")),
        },
    };
    let again = match fields.take("again") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(again)) => again,
        Some(_) => return Err(Failure::field("again", "must be true or false")),
    };
    Ok(PastQuery {
        flow: flow.map_err(|error: runcor_core::InvalidId| wrong("flowName", &error))?,
        since: instant_of(&mut fields, "since")?,
        until: instant_of(&mut fields, "until")?,
        again,
        after: after.map_err(|error: runcor_core::InvalidCursor| wrong("cursor", &error))?,
        limit,
    })
}

fn wrong(field: &str, error: &dyn std::error::Error) -> Failure {
    Failure::field(field, &error.to_string())
}

fn instant_of(fields: &mut Fields, name: &str) -> Result<Option<Timestamp>, Failure> {
    match fields.take(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Timestamp::deserialize(value)
            .map(Some)
            .map_err(|_| Failure::field(name, "must be an instant such as 2026-11-21T00:00:00Z")),
    }
}

impl From<PastEvaluations> for Judged {
    fn from(past: PastEvaluations) -> Self {
        let failed = past.failed.into_iter();
        Self {
            looked_at: past.looked_at,
            evaluations: past.evaluations,
            skipped: past.skipped,
            failed: failed.map(|(execution_id, error)| Failed { execution_id, error }).collect(),
            next_cursor: past.next.map(|cursor| cursor.to_string()),
        }
    }
}
