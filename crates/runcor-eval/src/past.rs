//! Executions of the past: judged a chunk at a time, or gathered to be compared.

use runcor_core::{
    Caller, Error, ErrorCode, Execution, ExecutionQuery, ExecutionSet, ExecutionState,
    LedgerFilter, Order, PastEvaluations, PastQuery, RequestHash, Result, Timestamp,
};

use crate::compare::Sample;
use crate::evaluators::Evaluators;
use crate::quality::narrow;

/// The most executions that one call looks at.
const MAX_CHUNK: usize = 500;

/// The most executions of a set that is compared.
const MAX_SET: usize = 2000;

impl Evaluators {
    pub(crate) async fn judge_past(
        &self,
        caller: &Caller,
        query: &PastQuery,
    ) -> Result<PastEvaluations> {
        let mut found = PastEvaluations::default();
        let asked = ExecutionQuery {
            state: Some(ExecutionState::Complete),
            flow: query.flow.clone(),
            tenant: caller.tenant.clone(),
            order: Order::Newest,
            after: query.after,
            limit: query.limit.clamp(1, MAX_CHUNK),
            ..ExecutionQuery::default()
        };
        let page = self.store.executions(&asked).await?;
        found.next = page.next;
        for execution in page.items {
            if is_before(&execution, query.since) {
                // Whatever comes now is older still.
                found.next = None;
                break;
            }
            found.looked_at += 1;
            if query.until.is_some_and(|until| execution.spec.queued_at >= until) {
                found.skipped += 1;
                continue;
            }
            self.judge_one_of_the_past(execution, query.again, &mut found).await?;
        }
        Ok(found)
    }

    async fn judge_one_of_the_past(
        &self,
        execution: Execution,
        again: bool,
        found: &mut PastEvaluations,
    ) -> Result<()> {
        let id = execution.id();
        let panel = self.catalog.applicable(&execution.spec.flow);
        let is_known = !again && self.store.quality().evaluation(id).await?.is_some();
        if is_known || panel.is_empty() {
            found.skipped += 1;
            return Ok(());
        }
        match self.judge(&panel, execution).await {
            Ok(judged) => found.evaluations.push(judged.evaluation),
            Err(error) if error.is_temporary() => return Err(error.into()),
            Err(error) => found.failed.push((id, error.to_string())),
        }
        Ok(())
    }

    /// Gathers a set of executions that have ended, with all that is compared.
    pub(crate) async fn samples(&self, caller: &Caller, set: &ExecutionSet) -> Result<Vec<Sample>> {
        let executions = self.members(caller, set).await?;
        let mut samples = Vec::with_capacity(executions.len());
        for execution in executions {
            samples.push(self.sample(&execution).await?);
        }
        Ok(samples)
    }

    async fn members(&self, caller: &Caller, set: &ExecutionSet) -> Result<Vec<Execution>> {
        if set.executions.len() > MAX_SET {
            return Err(too_many());
        }
        if !set.executions.is_empty() {
            let mut members = Vec::with_capacity(set.executions.len());
            for id in &set.executions {
                members.push(self.execution_for(caller, *id).await?);
            }
            members.retain(|it| it.state().is_terminal());
            return Ok(members);
        }
        if set.flow.is_none() {
            let message = "a set of executions needs their ids or a flow";
            return Err(Error::new(ErrorCode::ValidationError, message));
        }
        self.members_of_flow(caller, set).await
    }

    async fn members_of_flow(&self, caller: &Caller, set: &ExecutionSet) -> Result<Vec<Execution>> {
        let mut tenant = None;
        narrow(&mut tenant, caller);
        let mut asked = ExecutionQuery {
            flow: set.flow.clone(),
            tenant,
            order: Order::Newest,
            limit: MAX_CHUNK,
            ..ExecutionQuery::default()
        };
        let mut members = Vec::new();
        loop {
            let page = self.store.executions(&asked).await?;
            for execution in page.items {
                if is_before(&execution, set.since) {
                    return Ok(members);
                }
                let is_later = set.until.is_some_and(|until| execution.spec.queued_at >= until);
                if !is_later && execution.state().is_terminal() {
                    members.push(execution);
                }
                if members.len() > MAX_SET {
                    return Err(too_many());
                }
            }
            asked.after = page.next;
            if asked.after.is_none() {
                return Ok(members);
            }
        }
    }

    async fn sample(&self, execution: &Execution) -> Result<Sample> {
        let (id, spec, status) = (execution.id(), &execution.spec, &execution.status);
        let evaluation = self.store.quality().evaluation(id).await?;
        // The calls of judges are not the execution's own.
        let filter = LedgerFilter {
            execution: Some(id),
            flow: Some(spec.flow.clone()),
            ..LedgerFilter::default()
        };
        let totals = self.store.ledger().ledger_totals(&filter, None).await?;
        let took = status.started.zip(status.completed).map(|(from, to)| to.since(from));
        let scored = evaluation.filter(|it| !it.aggregate_scores.is_empty());
        Ok(Sample {
            execution: id,
            fork_of: spec.fork.as_ref().map(|fork| fork.of).or(spec.replay_of),
            input: Some(RequestHash::of(&spec.input)),
            overall: scored.as_ref().map(|it| it.overall_score),
            scores: scored.map(|it| it.aggregate_scores).unwrap_or_default(),
            cost: totals.first().filter(|total| total.count > 0).map(|total| total.cost),
            latency: took,
            succeeded: execution.state() == ExecutionState::Complete,
        })
    }
}

fn is_before(execution: &Execution, since: Option<Timestamp>) -> bool {
    since.is_some_and(|since| execution.spec.queued_at < since)
}

fn too_many() -> Error {
    let message =
        format!("a set of more than {MAX_SET} executions is not compared; choose a shorter time");
    Error::new(ErrorCode::ValidationError, message)
}
