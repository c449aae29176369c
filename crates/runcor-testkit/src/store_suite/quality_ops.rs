//! Evaluations and flags, as scenarios write them.

use std::collections::BTreeMap;

use runcor_core::{
    Batch, Confidence, Evaluation, EvaluationQuery, EvaluatorFailure, EvaluatorResult, Execution,
    ExecutionId, Flag, FlagQuery, FlagSource, FlagStatus, Op, Page,
};

use super::subject::{Subject, at, fail};

/// What evaluators thought of an execution at `at(millis)`; every field says something.
pub(super) fn evaluation(execution: &Execution, millis: i64) -> Evaluation {
    let scores: BTreeMap<_, _> =
        [("clarity", 0.25), ("ünï", 1.0), ("zero", 0.0), ("third", 1.0 / 3.0)]
            .map(|(name, score)| (name.to_owned(), score))
            .into();
    Evaluation {
        execution_id: execution.id(),
        flow_name: execution.spec.flow.clone(),
        user_id: execution.spec.user_id.clone(),
        tenant_id: execution.spec.tenant_id.clone(),
        timestamp: at(millis),
        evaluator_results: vec![EvaluatorResult {
            evaluator_name: "judge „1“".to_owned(),
            scores: scores.clone(),
            labels: vec!["a".to_owned(), String::new()],
            feedback: Some("could be shorter\n".to_owned()),
            confidence: Confidence::Low,
            duration_ms: 12,
        }],
        aggregate_scores: scores,
        overall_score: 0.1 + 0.2,
        confidence: Confidence::Medium,
        labels: vec!["a".to_owned()],
        errors: vec![EvaluatorFailure {
            evaluator_name: "other".to_owned(),
            error: "took too long".to_owned(),
            timed_out: true,
        }],
    }
}

/// A flag that was put on an execution at `at(millis)`.
pub(super) fn flag(execution: &Execution, millis: i64) -> Flag {
    Flag {
        execution_id: execution.id(),
        flow_name: execution.spec.flow.clone(),
        tenant_id: execution.spec.tenant_id.clone(),
        status: FlagStatus::Pending,
        reason: "looks „odd“".to_owned(),
        source: FlagSource::Auto,
        created_at: at(millis),
        updated_at: at(millis),
    }
}

pub(super) fn evaluate_op(evaluation: &Evaluation) -> Op {
    Op::Evaluate(Box::new(evaluation.clone()))
}

pub(super) fn flag_op(flag: &Flag, expect: Option<FlagStatus>) -> Op {
    Op::Flag { flag: Box::new(flag.clone()), expect }
}

/// The flag as it stands further on.
pub(super) fn moved(flag: &Flag, status: FlagStatus) -> Flag {
    Flag { status, source: FlagSource::Manual, updated_at: at(77), ..flag.clone() }
}

impl Subject {
    pub(super) async fn evaluate(&self, evaluation: &Evaluation) {
        self.commit(Batch::new().with(evaluate_op(evaluation))).await;
    }

    pub(super) async fn await_evaluation(&self, id: ExecutionId) {
        self.commit(Batch::new().with(Op::AwaitEvaluation { id })).await;
    }

    pub(super) async fn evaluation(&self, id: ExecutionId) -> Option<Evaluation> {
        let evaluation = self.store.quality().evaluation(id).await;
        evaluation.unwrap_or_else(|error| fail(format!("evaluation(): {error}")))
    }

    pub(super) async fn evaluations(&self, query: &EvaluationQuery) -> Page<Evaluation> {
        let page = self.store.quality().evaluations(query).await;
        page.unwrap_or_else(|error| fail(format!("evaluations(): {error}")))
    }

    pub(super) async fn unevaluated(&self, limit: usize) -> Vec<ExecutionId> {
        let ids = self.store.quality().unevaluated(limit).await;
        ids.unwrap_or_else(|error| fail(format!("unevaluated(): {error}")))
    }

    /// Puts a flag where there is none, or fails.
    pub(super) async fn put_flag(&self, flag: &Flag) {
        self.commit(Batch::new().with(flag_op(flag, None))).await;
    }

    pub(super) async fn flag(&self, id: ExecutionId) -> Option<Flag> {
        let flag = self.store.quality().flag(id).await;
        flag.unwrap_or_else(|error| fail(format!("flag(): {error}")))
    }

    pub(super) async fn flags(&self, query: &FlagQuery) -> Page<Flag> {
        let page = self.store.quality().flags(query).await;
        page.unwrap_or_else(|error| fail(format!("flags(): {error}")))
    }
}
