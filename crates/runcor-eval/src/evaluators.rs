//! The evaluators of a runtime, and what they do with one execution.

use std::sync::Arc;

use runcor_core::{
    Batch, CallScope, Clock, EvalComplete, EvalFlagged, EvalScore, Evaluation, Event, Execution,
    Flag, FlagSource, FlagStatus, Op, Paying, Result, Store, StoreError,
};
use tokio::sync::Notify;

use crate::aggregate::{aggregate, doubt};
use crate::catalog::Catalog;
use crate::evaluator::EvalContext;
use crate::panel::{Verdicts, ask};
use crate::registration::Registration;

/// How many executions are judged at the same time unless told otherwise.
const CONCURRENCY: usize = 8;

/// Judges executions that are complete, by themselves and on demand, and keeps flags.
///
/// It is the [`Hook`](runcor_core::Hook) by which the engine notes what is to
/// be judged, in the batch that ends the execution, and the
/// [`Quality`](runcor_core::Quality) that people ask. The work itself is done by
/// [`run`](Self::run), which somebody has to spawn. What it has not done when
/// the process ends, the next one does.
#[derive(Debug)]
pub struct Evaluators {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalog: Catalog,
    pub(crate) threshold: Option<f64>,
    pub(crate) concurrency: usize,
    /// Told whenever an execution has come to its end.
    pub(crate) news: Notify,
}

impl Evaluators {
    /// Makes a runtime's evaluation, without evaluators so far.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            catalog: Catalog::default(),
            threshold: None,
            concurrency: CONCURRENCY,
            news: Notify::new(),
        }
    }

    /// Sets the score below which a dimension has a result flagged.
    #[must_use]
    pub fn with_auto_flag_threshold(mut self, threshold: Option<f64>) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets how many executions are judged at the same time.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Adds an evaluator; it judges what ends from now on.
    ///
    /// # Errors
    /// `INVALID_EVALUATOR_CONFIG`, `DUPLICATE_EVALUATOR`.
    pub fn add(&self, registration: Registration) -> Result<()> {
        self.catalog.add(registration)
    }

    /// Removes an evaluator; false when there was none of that name.
    pub fn remove(&self, name: &str) -> bool {
        self.catalog.remove(name)
    }

    /// Returns the names of all evaluators, by priority.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.catalog.names()
    }

    /// Asks evaluators about an execution and keeps what they say.
    pub(crate) async fn judge(
        &self,
        panel: &[Arc<Registration>],
        execution: Execution,
    ) -> Result<Judged, StoreError> {
        let ctx = EvalContext::new(execution);
        let verdicts = ask(panel, &ctx, &*self.clock).await;
        let judged = self.conclude(&ctx, verdicts);
        self.keep(&judged).await?;
        Ok(judged)
    }

    /// Asks evaluators without keeping what they say.
    pub(crate) async fn verdict(
        &self,
        panel: &[Arc<Registration>],
        execution: Execution,
    ) -> Judged {
        let ctx = EvalContext::new(execution);
        let verdicts = ask(panel, &ctx, &*self.clock).await;
        self.conclude(&ctx, verdicts)
    }

    fn conclude(&self, ctx: &EvalContext, verdicts: Verdicts) -> Judged {
        let whole = aggregate(&verdicts.results);
        let doubt = doubt(&verdicts.results, &whole, self.threshold);
        let now = self.clock.now();
        let evaluation = Evaluation {
            execution_id: ctx.id(),
            flow_name: ctx.flow().clone(),
            user_id: ctx.user_id().cloned(),
            tenant_id: ctx.tenant_id().cloned(),
            timestamp: now,
            evaluator_results: verdicts.results.into_iter().map(|it| it.result).collect(),
            aggregate_scores: whole.scores,
            overall_score: whole.overall,
            confidence: whole.confidence,
            labels: whole.labels,
            errors: verdicts.failures,
        };
        let flag = doubt.map(|reason| Flag {
            execution_id: ctx.id(),
            flow_name: ctx.flow().clone(),
            tenant_id: ctx.tenant_id().cloned(),
            status: FlagStatus::Pending,
            reason,
            source: FlagSource::Auto,
            created_at: now,
            updated_at: now,
        });
        Judged { evaluation, flag, paid_by: verdicts.paid_by }
    }

    /// Commits an evaluation with its flag, its events and what it has cost.
    ///
    /// A flag that is there already stays as it is, whoever put it there.
    pub(crate) async fn keep(&self, judged: &Judged) -> Result<(), StoreError> {
        let id = judged.evaluation.execution_id;
        let mut flag = match &judged.flag {
            Some(_) if self.store.quality().flag(id).await?.is_some() => None,
            flag => flag.as_ref(),
        };
        let payments: Vec<_> = judged.paid_by.iter().map(CallScope::pay).collect();
        let kept = loop {
            match self.store.commit(judged.batch(&payments, flag)).await {
                // Somebody has flagged it in the meantime.
                Err(StoreError::Stale { .. }) if flag.is_some() => flag = None,
                kept => break kept,
            }
        };
        kept?;
        payments.into_iter().for_each(Paying::paid);
        Ok(())
    }
}

/// What came of judging an execution, to be committed as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) evaluation: Evaluation,
    flag: Option<Flag>,
    /// What the judging owes; it is its meter's unless this is kept.
    paid_by: Vec<CallScope>,
}

impl Judged {
    fn batch(&self, payments: &[Paying], flag: Option<&Flag>) -> Batch {
        let evaluation = Op::Evaluate(Box::new(self.evaluation.clone()));
        let payments = payments.iter().flat_map(Paying::ops).collect();
        let mut batch = Batch { ops: payments }.with(evaluation);
        if let Some(flag) = flag {
            batch = batch.with(Op::Flag { flag: Box::new(flag.clone()), expect: None });
        }
        batch.emit_all(events(&self.evaluation, flag))
    }
}

fn events(evaluation: &Evaluation, flag: Option<&Flag>) -> Vec<Event> {
    let scores = evaluation.evaluator_results.iter().map(|result| {
        Event::EvalScore(Box::new(EvalScore {
            execution_id: evaluation.execution_id,
            flow_name: evaluation.flow_name.clone(),
            evaluator_name: result.evaluator_name.clone(),
            scores: result.scores.clone(),
            confidence: result.confidence,
            labels: result.labels.clone(),
            duration_ms: result.duration_ms,
            tenant_id: evaluation.tenant_id.clone(),
        }))
    });
    let complete = Event::EvalComplete(Box::new(EvalComplete {
        execution_id: evaluation.execution_id,
        flow_name: evaluation.flow_name.clone(),
        aggregate_scores: evaluation.aggregate_scores.clone(),
        overall_score: evaluation.overall_score,
        confidence: evaluation.confidence,
        evaluator_count: evaluation.evaluator_results.len(),
        error_count: evaluation.errors.len(),
        tenant_id: evaluation.tenant_id.clone(),
        timestamp: evaluation.timestamp,
    }));
    scores.chain(flag.map(flagged)).chain([complete]).collect()
}

/// Returns the event that tells of a new flag.
pub(crate) fn flagged(flag: &Flag) -> Event {
    Event::EvalFlagged(EvalFlagged {
        execution_id: flag.execution_id,
        flow_name: flag.flow_name.clone(),
        reason: flag.reason.clone(),
        source: flag.source,
        status: flag.status,
        tenant_id: flag.tenant_id.clone(),
        timestamp: flag.created_at,
    })
}
