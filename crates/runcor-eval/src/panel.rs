//! Asks evaluators about one execution, side by side, and bears their failures.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use runcor_core::{Bill, Clock, Error, ErrorCode, EvaluatorFailure, EvaluatorResult, Result};

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
    /// What the judgements have cost.
    pub(crate) bill: Bill,
}

/// Asks every evaluator and waits for all.
pub(crate) async fn ask(
    panel: &[Arc<Registration>],
    ctx: &EvalContext,
    clock: &dyn Clock,
) -> Verdicts {
    let said = join_all(panel.iter().map(|member| ask_one(member, ctx, clock))).await;
    let mut verdicts = Verdicts::default();
    for (member, (said, bill)) in panel.iter().zip(said) {
        verdicts.bill.entries.extend(bill.entries);
        match said {
            Ok(result) => verdicts.results.push(Weighed { result, weight: member.weight }),
            Err(failure) => verdicts.failures.push(failure),
        }
    }
    verdicts
}

/// Asks one evaluator; what it has cost is known also where its judgement is of no use.
async fn ask_one(
    member: &Registration,
    ctx: &EvalContext,
    clock: &dyn Clock,
) -> (Result<EvaluatorResult, EvaluatorFailure>, Bill) {
    let begun = clock.now();
    // The evaluator may panic before it returns its future as well.
    let work = AssertUnwindSafe(async { member.evaluator.evaluate(ctx).await }).catch_unwind();
    let said = tokio::select! {
        biased;
        said = work => said,
        () = clock.sleep(member.timeout) => {
            let message = format!("took longer than {} ms", member.timeout.as_millis());
            return (Err(failure(member, message, true)), Bill::default());
        }
    };
    let Ok(said) = said else {
        return (Err(failure(member, "the evaluator panicked".to_owned(), false)), Bill::default());
    };
    let (judgement, bill) = match said {
        Ok(mut judgement) => {
            let bill = std::mem::take(&mut judgement.bill);
            (checked(judgement), bill)
        }
        Err(error) => (Err(error), Bill::default()),
    };
    let result = judgement.map(|judgement| EvaluatorResult {
        evaluator_name: member.name().to_owned(),
        confidence: confidence(&judgement.scores, member.thresholds),
        scores: judgement.scores,
        labels: judgement.labels,
        feedback: judgement.feedback,
        duration_ms: u64::try_from(clock.now().since(begun).as_millis()).unwrap_or(u64::MAX),
    });
    (result.map_err(|error| failure(member, error.message().to_owned(), false)), bill)
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
