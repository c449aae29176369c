//! One execution with what is known of it besides: its costs, its evaluation, its flag.

use axum::response::Response;
use http::StatusCode;
use runcor_core::{
    ErrorCode, Evaluation, Execution, ExecutionId, Flag, LedgerEntry, LedgerFilter, LedgerQuery,
    Result as CoreResult,
};
use serde::Serialize;

use super::executions::{IdInPath, id_of};
use crate::access::Access;
use crate::reply::{Failure, json};

/// The most rows of the ledger that stand in one answer.
const MAX_COSTS: usize = 500;

/// One execution with what other parts know of it; null where a part is off.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    execution: &'a Execution,
    cost_entries: Option<Vec<LedgerEntry>>,
    /// Where `GET /cost/entries` goes on, when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_cursor: Option<String>,
    evaluation: Option<Evaluation>,
    flag: Option<Flag>,
}

/// `GET /v1/executions/:id/detail`.
pub(super) async fn detail(access: Access, id: IdInPath) -> Result<Response, Failure> {
    let id = id_of(id)?;
    let execution = &access.runtime().execution(id).await?;
    let (cost_entries, cost_cursor) = costs(&access, id).await?;
    let evaluation = evaluation(&access, id).await?;
    let flag = match &access.app.parts.quality {
        Some(quality) => quality.flag_of(access.caller(), id).await?,
        None => None,
    };
    let detail = Detail { execution, cost_entries, cost_cursor, evaluation, flag };
    Ok(json(StatusCode::OK, &detail))
}

async fn costs(
    access: &Access,
    id: ExecutionId,
) -> CoreResult<(Option<Vec<LedgerEntry>>, Option<String>)> {
    let Some(ledger) = access.ledger() else { return Ok((None, None)) };
    let filter = LedgerFilter { execution: Some(id), ..LedgerFilter::default() };
    let page =
        ledger.ledger(&LedgerQuery { filter, limit: MAX_COSTS, ..LedgerQuery::default() }).await?;
    Ok((Some(page.items), page.next.map(|cursor| cursor.to_string())))
}

async fn evaluation(access: &Access, id: ExecutionId) -> CoreResult<Option<Evaluation>> {
    let Some(quality) = &access.app.parts.quality else { return Ok(None) };
    match quality.evaluation(access.caller(), id).await {
        Ok(evaluation) => Ok(Some(evaluation)),
        Err(error) if error.code() == ErrorCode::EvaluationNotFound => Ok(None),
        Err(error) => Err(error),
    }
}
