//! Asks evaluators about one execution, side by side, and bears their failures.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use runcor_core::{CallScope, Clock, Error, ErrorCode, EvaluatorFailure, EvaluatorResult, Result};

use crate::aggregate::{Weighed, confidence};
use crate::evaluator::{EvalContext, Judgement, cut};
use crate::registration::Registration;

/// The longest text of a failure, in characters.
const MAX_ERROR: usize = 500;

/// What a panel of evaluators said.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// By priority.
    pub(crate) results: Vec<Weighed>,
    pub(crate) failures: Vec<EvaluatorFailure>,
    /// The calls that the judgements have cost.
    pub(crate) paid_by: Vec<CallScope>,
}

/// Asks every evaluator and waits for all.
pub(crate) async fn ask(
    panel: &[Arc<Registration>],
    ctx: &EvalContext,
    clock: &dyn Clock,
) -> Verdicts {
    let said = join_all(panel.iter().map(|member| ask_one(member, ctx, clock))).await;
    let mut verdicts = Verdicts::default();
    for (member, said) in panel.iter().zip(said) {
        match said {
            Ok((result, paid_by)) => {
                verdicts.results.push(Weighed { result, weight: member.weight });
                verdicts.paid_by.push(paid_by);
            }
            Err(failure) => verdicts.failures.push(failure),
        }
    }
    verdicts
}

/// Asks one evaluator. What it has cost is its meter's where its judgement is of no use.
async fn ask_one(
    member: &Registration,
    ctx: &EvalContext,
    clock: &dyn Clock,
) -> Result<(EvaluatorResult, CallScope), EvaluatorFailure> {
    let begun = clock.now();
    // The evaluator may panic before it returns its future as well.
    let work = AssertUnwindSafe(async { member.evaluator.evaluate(ctx).await }).catch_unwind();
    let said = tokio::select! {
        biased;
        said = work => said,
        () = clock.sleep(member.timeout) => {
            let message = format!("took longer than {} ms", member.timeout.as_millis());
            return Err(failure(member, message, true));
        }
    };
    let Ok(said) = said else {
        return Err(failure(member, "the evaluator panicked".to_owned(), false));
    };
    let judgement = said.and_then(checked);
    let judgement =
        judgement.map_err(|error| failure(member, error.message().to_owned(), false))?;
    let result = EvaluatorResult {
        evaluator_name: member.name().to_owned(),
        confidence: confidence(&judgement.scores, member.thresholds),
        scores: judgement.scores,
        labels: judgement.labels,
        feedback: judgement.feedback,
        duration_ms: u64::try_from(clock.now().since(begun).as_millis()).unwrap_or(u64::MAX),
    };
    Ok((result, judgement.paid_by))
}

fn failure(member: &Registration, error: String, timed_out: bool) -> EvaluatorFailure {
    EvaluatorFailure {
        evaluator_name: member.name().to_owned(),
        error: cut(error, MAX_ERROR),
        timed_out,
    }
}

/// Refuses scores that are no numbers, and cuts off what lies beyond 0 and 1.
fn checked(judgement: Judgement) -> Result<Judgement> {
    if let Some((name, _)) = judgement.scores.iter().find(|(_, score)| !score.is_finite()) {
        let message = format!("the score of {} is no number", cut(name.clone(), 100));
        return Err(Error::new(ErrorCode::ValidationError, message));
    }
    let mut judgement = judgement.bounded();
    for score in judgement.scores.values_mut() {
        *score = score.clamp(0.0, 1.0);
    }
    Ok(judgement)
}
