//! What a route may do: the runtime and the reports, as whoever asks may have them.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use runcor_core::{
    Caller, ExecutionId, ExecutionQuery, FlowName, LedgerFilter, LedgerReads, Runtime,
};

use crate::app::App;
use crate::identity::Identity;
use crate::reply::Failure;

/// Everything that a request may reach, on behalf of whoever makes it.
pub(crate) struct Access {
    pub(crate) app: Arc<App>,
    pub(crate) identity: Identity,
    runtime: Arc<dyn Runtime>,
}

impl Access {
    fn new(app: &Arc<App>, identity: Identity) -> Self {
        let whole = &app.parts.runtime;
        let runtime = if identity.is_nobody() {
            Arc::clone(whole)
        } else {
            whole.as_caller(identity.caller().clone())
        };
        Self { app: Arc::clone(app), identity, runtime }
    }

    /// Returns the runtime as the caller has it.
    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.runtime
    }

    /// Returns on whose behalf the request is made.
    pub(crate) fn caller(&self) -> &Caller {
        self.identity.caller()
    }

    /// Returns whether the caller sees one tenant alone.
    pub(crate) fn is_of_a_tenant(&self) -> bool {
        self.caller().tenant.is_some()
    }

    /// Returns whether a policy judges what is asked on somebody's behalf.
    pub(crate) fn is_judged(&self) -> bool {
        self.app.parts.has_policy && !self.identity.is_nobody()
    }

    /// Returns the ledger, where there is one.
    pub(crate) fn ledger(&self) -> Option<&dyn LedgerReads> {
        self.app.parts.ledger.as_deref()
    }

    /// Lets the policy judge a read of what is about several executions, of one
    /// flow or of all.
    ///
    /// The runtime judges lists; so the shortest list is asked for.
    pub(crate) async fn judge_read(&self, flow: Option<&FlowName>) -> Result<(), Failure> {
        if self.identity.is_nobody() {
            return Ok(());
        }
        let query = ExecutionQuery { flow: flow.cloned(), limit: 1, ..ExecutionQuery::default() };
        self.runtime.executions(&query).await?;
        Ok(())
    }

    /// As [`judge_read`](Self::judge_read), for what gives sums or scores of whole
    /// sets: whoever may not see every flow has to name one.
    pub(crate) async fn judge_read_of_all(&self, flow: Option<&FlowName>) -> Result<(), Failure> {
        let all = self.app.parts.runtime.flows();
        if flow.is_none() && all.iter().any(|flow| !self.runtime.sees_flow(&flow.name)) {
            return Err(Failure::name_a_flow());
        }
        self.judge_read(flow).await
    }

    /// Lets the policy judge a read of what is about one execution.
    pub(crate) async fn judge_read_of(&self, id: ExecutionId) -> Result<(), Failure> {
        self.runtime.execution(id).await?;
        Ok(())
    }

    /// Narrows a filter of the ledger to what the caller may see.
    pub(crate) fn narrow(&self, filter: LedgerFilter) -> Result<LedgerFilter, Failure> {
        filter.seen_by(self.caller()).ok_or_else(|| Failure::not_yours("tenant"))
    }

    /// Refuses what only operators may do.
    pub(crate) fn must_be_operator(&self) -> Result<(), Failure> {
        if self.identity.is_operator() { Ok(()) } else { Err(Failure::operators_only()) }
    }
}

impl FromRequestParts<Arc<App>> for Access {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let identity = parts.extensions.get::<Identity>().cloned();
        let identity = identity.ok_or_else(Failure::unauthorized)?;
        Ok(Self::new(app, identity))
    }
}
