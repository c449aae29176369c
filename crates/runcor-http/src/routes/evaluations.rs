//! Evaluations: what evaluators thought of executions, and asking them.

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, Uri};
use runcor_core::{Evaluation, EvaluationQuery, Page, Quality, TenantId};
use serde::Serialize;

use super::executions::{IdInPath, id_of};
use super::query::Parameters;
use crate::access::Access;
use crate::reply::{Failure, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    evaluations: Vec<Evaluation>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct One {
    evaluation: Evaluation,
}

/// `GET /v1/evaluations`.
pub(super) async fn list(access: Access, uri: Uri) -> Result<Response, Failure> {
    let quality = on(&access)?;
    let parameters = Parameters::of(&uri);
    let query = EvaluationQuery {
        flow: parameters.parsed("flowName")?,
        tenant: tenant_of(&access, &parameters)?,
        since: parameters.instant("since")?,
        order: parameters.order()?,
        after: parameters.cursor()?,
        limit: parameters.limit()?,
    };
    access.judge_read(query.flow.as_ref()).await?;
    let Page { mut items, next } = quality.evaluations(access.caller(), &query).await?;
    items.retain(|evaluation| access.runtime().sees_flow(&evaluation.flow_name));
    let next_cursor = next.map(|cursor| cursor.to_string());
    Ok(json(StatusCode::OK, &Listed { evaluations: items, next_cursor }))
}

/// `GET /v1/executions/:id/evaluation`.
pub(super) async fn show(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let (quality, id) = (on(&access)?, id_of(id)?);
    access.judge_read_of(id).await?;
    let evaluation = quality.evaluation(access.caller(), id).await?;
    Ok(json(StatusCode::OK, &One { evaluation }))
}

/// `POST /v1/executions/:id/evaluate`: judges it now, whatever was thought of it before.
pub(super) async fn evaluate(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let (quality, id) = (on(&access)?, id_of(id)?);
    access.judge_read_of(id).await?;
    let evaluation = quality.evaluate(access.caller(), id).await?;
    Ok(json(StatusCode::OK, &One { evaluation }))
}

/// Returns the part that knows of evaluations and flags.
pub(super) fn on(access: &Access) -> Result<&Arc<dyn Quality>, Failure> {
    let quality = access.app.parts.quality.as_ref();
    quality.ok_or_else(|| Failure::off("evaluation is on once runcor.yaml has evaluation"))
}

/// Returns the tenant that is asked for: the caller's own, or any where they have none.
pub(super) fn tenant_of(access: &Access, from: &Parameters) -> Result<Option<TenantId>, Failure> {
    let asked: Option<TenantId> = from.parsed("tenantId")?;
    let asked_name = asked.as_ref().map(TenantId::as_str);
    if access.is_of_a_tenant() {
        access.identity.admit_tenant(asked_name)?;
    }
    Ok(access.caller().tenant.clone().or(asked))
}
