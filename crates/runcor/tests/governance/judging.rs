//! Quality on whole runs: results are judged after their end, and doubtful ones wait for people.

use std::sync::Arc;

use runcor::EvaluationSettings;
use runcor::eval::{KeywordEvaluator, LengthEvaluator, ModelJudge, Registration};
use runcor::execution::ExecutionState;
use runcor::flow::{FlowName, FlowOutcome};
use runcor::governance::{Caller, Confidence, FlagQuery, FlagStatus, Quality};
use runcor::policy::guardrail::GuardrailConfig;
use runcor::testkit::ScriptedProvider;
use runcor::{Flow, FlowContext, Runtime, Trigger};
use serde_json::json;

use crate::bed::{Bed, Kind, answer, eventually, on_every_store, priced};

on_every_store![
    a_result_is_judged_after_its_end_and_a_doubtful_one_waits_in_the_review_list,
    what_guardrails_keep_from_models_they_keep_from_a_judging_model,
    a_judging_model_is_on_the_ledger_under_the_execution_that_it_judges,
];

fn says(name: &str, text: &'static str) -> Flow {
    Flow::new(FlowName::new(name).unwrap(), move |_: FlowContext| async move {
        Ok(FlowOutcome::Complete(json!(text)))
    })
}

async fn a_result_is_judged_after_its_end_and_a_doubtful_one_waits_in_the_review_list(kind: Kind) {
    let bed = Bed::new(kind, |b| b.evaluation(EvaluationSettings::default())).await;
    let evaluators = bed.runcor.evaluators().unwrap();
    let long = LengthEvaluator::new("long").between(Some(10), None).unwrap();
    evaluators.add(Registration::new(long)).unwrap();
    let words = KeywordEvaluator::new("words").words(vec!["summary".to_owned()], vec![]).unwrap();
    evaluators.add(Registration::new(words)).unwrap();
    bed.runcor.register(says("good", "a summary of some length")).unwrap();
    bed.runcor.register(says("bad", "no")).unwrap();
    let good = bed.trigger("good", "k").await;
    let bad = bed.trigger("bad", "k").await;
    let nobody = Caller::default();
    let judged = eventually(async || {
        let both =
            [evaluators.evaluation(&nobody, good).await, evaluators.evaluation(&nobody, bad).await];
        let [Ok(good), Ok(bad)] = both else { return None };
        Some((good, bad))
    })
    .await;
    assert_eq!((judged.0.confidence, judged.1.confidence), (Confidence::High, Confidence::Low));
    let pending = FlagQuery { status: Some(FlagStatus::Pending), ..FlagQuery::default() };
    let waiting = evaluators.flags(&nobody, &pending).await.unwrap().items;
    assert_eq!(waiting.iter().map(|flag| flag.execution_id).collect::<Vec<_>>(), [bad]);
    evaluators.update_flag(&nobody, bad, FlagStatus::Reviewed).await.unwrap();
    assert!(evaluators.flags(&nobody, &pending).await.unwrap().items.is_empty());
    assert_eq!(bed.runcor.execution(bad).await.unwrap().state(), ExecutionState::Complete);
}

async fn a_judging_model_is_on_the_ledger_under_the_execution_that_it_judges(kind: Kind) {
    let model = ScriptedProvider::new("p")
        .then(answer(r#"{"score": 0.9, "reason": "fine", "labels": []}"#));
    let bed = Bed::new(kind, |b| {
        b.registration(priced(&model)).costs(Default::default()).evaluation(Default::default())
    })
    .await;
    let judge = ModelJudge::new("judge", "Is it friendly?", bed.runcor.models()).unwrap();
    let judge = judge.with_meter(bed.runcor.costs().unwrap().clone());
    bed.runcor.evaluators().unwrap().add(Registration::new(judge)).unwrap();
    bed.runcor.register(says("greets", "hello")).unwrap();
    let id = bed.trigger("greets", "k").await;
    bed.ended(id).await;
    let ledger = eventually(async || {
        let ledger = bed.ledger().await;
        (!ledger.is_empty()).then_some(ledger)
    })
    .await;
    assert_eq!(ledger[0].execution_id, Some(id));
    assert_eq!(ledger[0].flow_name.as_str(), "__judge");
    assert_eq!(ledger[0].cost.as_nanos(), 15_000);
}

async fn what_guardrails_keep_from_models_they_keep_from_a_judging_model(kind: Kind) {
    const CARD: &str = "4111 1111 1111 1111";
    let model = ScriptedProvider::new("p")
        .always(answer(r#"{"score": 0.9, "reason": "fine", "labels": []}"#));
    let spec = json!({
        "name": "cards", "type": "pii", "kinds": ["card"],
        "phases": ["input", "modelRequest"], "mode": "transform",
    });
    let guardrails = vec![serde_json::from_value(spec).unwrap()];
    let bed = Bed::new(kind, |b| {
        b.registration(priced(&model))
            .guardrail_config(GuardrailConfig { guardrails, tenants: Vec::new() })
            .evaluation(Default::default())
    })
    .await;
    let judge = ModelJudge::new("judge", "Is it friendly?", bed.runcor.models()).unwrap();
    let judge = judge.with_guard(Arc::clone(bed.runcor.guardrails().unwrap()) as _);
    let evaluators = bed.runcor.evaluators().unwrap();
    evaluators.add(Registration::new(judge)).unwrap();
    bed.runcor
        .register(Flow::new(FlowName::new("pays").unwrap(), async |_: FlowContext| {
            Ok(FlowOutcome::Complete(json!({ "said": format!("paid with {CARD}") })))
        }))
        .unwrap();
    let input = json!({ "card": CARD, "number": 4_111_111_111_111_111_i64 });
    let id = bed.trigger_with("pays", Trigger::new("k", input)).await;
    bed.ended(id).await;
    let evaluation = evaluators.evaluate(&Caller::default(), id).await.unwrap();
    assert!(evaluation.errors.is_empty(), "{evaluation:?}");
    let asked = serde_json::to_string(&model.requests()).unwrap();
    assert!(asked.contains("paid with [card]") && !asked.contains("4111"), "{asked}");
}
