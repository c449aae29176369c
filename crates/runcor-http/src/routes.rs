//! The routes, one file for each thing that they are about.

mod budgets;
mod cost;
mod decision;
mod detail;
mod evaluations;
mod events;
mod executions;
mod flags;
mod flows;
mod health;
mod journal;
mod judging;
mod providers;
mod query;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::HeaderName;

use crate::app::App;
use crate::reply::Failure;

/// Tells that a trigger was answered with the execution of an earlier one.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The paths that the gate treats on their own.
pub(crate) struct Paths {
    base: String,
    /// The full path of the health report.
    pub(crate) health: String,
    /// The full path of the event stream.
    pub(crate) events: String,
}

impl Paths {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            health: format!("{base}/v1/health"),
            events: format!("{base}/v1/events"),
        }
    }

    /// Returns whether the path is that of a probe, with or without the base path.
    pub(crate) fn is_probe(&self, path: &str) -> bool {
        let is = |path: &str| path == "/livez" || path == "/readyz";
        is(path) || path.strip_prefix(&self.base).is_some_and(is)
    }
}

/// Builds the router of all routes whose parts exist.
pub(crate) fn router(app: &Arc<App>, paths: &Paths) -> Router {
    let base = &paths.base;
    let at = |path: &str| format!("{base}/v1{path}");
    let mut router = Router::new()
        .route(&paths.health, get(health::health))
        .route(&at("/flows"), get(flows::list))
        .route(&at("/flows/{name}/trigger"), post(flows::trigger))
        .route(&at("/executions"), get(executions::list))
        .route(&at("/executions/{id}"), get(executions::show).delete(executions::delete))
        .route(&at("/executions/{id}/detail"), get(detail::detail))
        .route(&at("/executions/{id}/resume"), post(executions::resume))
        .route(&at("/executions/{id}/replay"), post(executions::replay))
        .route(&at("/executions/{id}/cancel"), post(executions::cancel))
        .route(&at("/executions/{id}/decision"), post(decision::decide))
        .route(&at("/executions/{id}/fork"), post(journal::fork))
        .route(&at("/executions/{id}/timeline"), get(journal::timeline))
        .route(&at("/executions/{id}/journal/{*path}"), get(journal::value))
        .route(&at("/executions/{id}/evaluation"), get(evaluations::show))
        .route(&at("/executions/{id}/evaluate"), post(evaluations::evaluate))
        .route(&at("/executions/{id}/flag"), get(flags::show).post(flags::put).patch(flags::update))
        .route(&at("/evaluations"), get(evaluations::list))
        .route(&at("/evaluations/run"), post(judging::run))
        .route(&at("/evaluations/compare"), post(judging::compare))
        .route(&at("/flags"), get(flags::list))
        .route(&at("/cost/summary"), get(cost::summary))
        .route(&at("/cost/entries"), get(cost::entries))
        .route(&at("/cost/totals"), get(cost::totals))
        .route(&at("/budgets"), get(budgets::list))
        .route(&at("/budgets/top-up"), post(budgets::top_up))
        .route(&paths.events, get(events::stream));
    if app.parts.providers.is_some() {
        router = router.route(&at("/providers"), get(providers::list));
    }
    for prefix in if base.is_empty() { vec![""] } else { vec!["", base] } {
        router = router
            .route(&format!("{prefix}/livez"), get(health::live))
            .route(&format!("{prefix}/readyz"), get(health::ready));
    }
    router
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || Failure::wrong_method())
        .with_state(Arc::clone(app))
}
