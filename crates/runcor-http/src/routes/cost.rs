//! What model calls have cost: in sum, by flow or user or day, and row by row.

use std::collections::BTreeMap;

use axum::response::Response;
use http::{StatusCode, Uri};
use runcor_core::{
    CostSummary, ExecutionId, FlowName, LedgerDimension, LedgerEntry, LedgerFilter, LedgerQuery,
    LedgerReads, LedgerTotal, Order, Page, Result as CoreResult,
};
use serde::Serialize;

use super::query::{MAX_LIMIT, Parameters};
use crate::access::Access;
use crate::reply::{Failure, json};

/// By what totals can be told apart.
const DIMENSIONS: [(&str, LedgerDimension); 6] = [
    ("flow", LedgerDimension::Flow),
    ("user", LedgerDimension::User),
    ("tenant", LedgerDimension::Tenant),
    ("provider", LedgerDimension::Provider),
    ("model", LedgerDimension::Model),
    ("day", LedgerDimension::Day),
];

/// The documented summary, and what replays have saved.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Summary {
    #[serde(flatten)]
    sums: CostSummary,
    /// How many answers came from a journal instead of a vendor.
    replayed_count: u64,
    /// The tokens of those.
    saved_tokens: u64,
    /// The first provider of each execution among the newest requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    exec_providers: Option<BTreeMap<ExecutionId, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entries {
    entries: Vec<LedgerEntry>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Totals<'a> {
    by: Option<&'a str>,
    totals: Vec<LedgerTotal>,
}

/// `GET /v1/cost/summary`: zeros while costs are not tracked.
pub(super) async fn summary(access: Access, uri: Uri) -> Result<Response, Failure> {
    let Some(ledger) = access.ledger() else {
        return Ok(json(StatusCode::OK, &Summary::default()));
    };
    let filter = filter_of(&access, &Parameters::of(&uri)).await?;
    let mut sums = CostSummary::read(ledger, filter.clone(), access.caller()).await?;
    sums.by_flow.retain(|share| access.sees(&share.name));
    let saved = ledger.ledger_totals(&filter, None).await?.into_iter().next().unwrap_or_default();
    let summary = Summary {
        sums,
        replayed_count: saved.replayed,
        saved_tokens: saved.saved_tokens,
        exec_providers: Some(first_providers(&access, ledger, filter).await?),
    };
    Ok(json(StatusCode::OK, &summary))
}

/// `GET /v1/cost/entries`.
pub(super) async fn entries(access: Access, uri: Uri) -> Result<Response, Failure> {
    let ledger = on(&access)?;
    let parameters = Parameters::of(&uri);
    let query = LedgerQuery {
        filter: filter_of(&access, &parameters).await?,
        order: parameters.order()?,
        after: parameters.cursor()?,
        limit: parameters.limit()?,
    };
    let Page { mut items, next } = ledger.ledger(&query).await?;
    items.retain(|entry| access.runtime().sees_flow(&entry.flow_name));
    let next_cursor = next.map(|cursor| cursor.to_string());
    Ok(json(StatusCode::OK, &Entries { entries: items, next_cursor }))
}

/// `GET /v1/cost/totals?by=…`: one total for each flow, user…, or one of all.
pub(super) async fn totals(access: Access, uri: Uri) -> Result<Response, Failure> {
    let ledger = on(&access)?;
    let parameters = Parameters::of(&uri);
    let (by, dimension) = match parameters.get("by") {
        None => (None, None),
        Some(wanted) => {
            let found = DIMENSIONS.into_iter().find(|(name, _)| *name == wanted);
            let found = found.ok_or_else(|| {
                Failure::field("by", "must be flow, user, tenant, provider, model or day")
            })?;
            (Some(found.0), Some(found.1))
        }
    };
    let filter = filter_of(&access, &parameters).await?;
    let mut totals = ledger.ledger_totals(&filter, dimension).await?;
    if dimension == Some(LedgerDimension::Flow) {
        totals.retain(|total| total.name.as_deref().is_none_or(|name| access.sees(name)));
    }
    Ok(json(StatusCode::OK, &Totals { by, totals }))
}

fn on(access: &Access) -> Result<&dyn LedgerReads, Failure> {
    access.ledger().ok_or_else(|| {
        Failure::off("costs are tracked once runcor.yaml has costs, or a provider has a price")
    })
}

/// Reads a filter, lets the policy judge it, and narrows it to what the caller may see.
async fn filter_of(access: &Access, from: &Parameters) -> Result<LedgerFilter, Failure> {
    let filter = LedgerFilter {
        execution: from.parsed("executionId")?,
        flow: from.parsed("flowName")?,
        user: from.parsed("userId")?,
        tenant: from.parsed("tenantId")?,
        provider: from.get("provider").map(str::to_owned),
        model: from.get("model").map(str::to_owned),
        from: from.instant("startTime")?,
        to: from.instant("endTime")?,
    };
    let filter = access.narrow(filter)?;
    match filter.execution {
        Some(id) if !access.identity.is_nobody() => access.judge_read_of(id).await?,
        _ => access.judge_read(filter.flow.as_ref()).await?,
    }
    Ok(filter)
}

/// Returns the first provider of each execution among as many newest rows as a page may have.
async fn first_providers(
    access: &Access,
    ledger: &dyn LedgerReads,
    filter: LedgerFilter,
) -> CoreResult<BTreeMap<ExecutionId, String>> {
    let newest = LedgerQuery { filter, order: Order::Newest, after: None, limit: MAX_LIMIT };
    let mut rows = ledger.ledger(&newest).await?.items;
    rows.retain(|row| access.runtime().sees_flow(&row.flow_name));
    // From the newest to the oldest, so that the first one stays.
    Ok(rows.into_iter().filter_map(|row| Some((row.execution_id?, row.provider))).collect())
}

impl Access {
    /// Returns whether the caller sees a flow of this name, or a part of the runtime.
    fn sees(&self, flow: &str) -> bool {
        FlowName::new(flow).is_ok_and(|flow| self.runtime().sees_flow(&flow))
    }
}
