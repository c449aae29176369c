//! The evaluators that come with runcor, on whole executions.

use runcor_eval::{
    EvalContext, Evaluator, ExactMatch, Expected, KeywordEvaluator, LengthEvaluator, Similarity,
    SimilarityMethod, TextPart,
};
use runcor_testkit::ExecutionBuilder;
use serde_json::{Value, json};

use crate::support::complete;

fn context(output: Value) -> EvalContext {
    let builder = ExecutionBuilder::new("f")
        .input(json!({ "question": "?", "answer": "the blue bird" }))
        .metadata(json!({ "expected": { "n": 4 } }));
    EvalContext::new(complete(builder, output))
}

async fn score(evaluator: &dyn Evaluator, output: Value) -> Option<f64> {
    let judgement = evaluator.evaluate(&context(output)).await.unwrap();
    judgement.scores.values().next().copied()
}

#[tokio::test]
async fn texts_are_found_in_results_that_are_none() {
    let length = LengthEvaluator::new("l").between(Some(4), Some(8)).unwrap();
    assert_eq!(score(&length, json!({ "text": "four", "n": 1 })).await, Some(1.0));
    assert_eq!(score(&length, json!({ "summary": "tw" })).await, Some(0.5));
    assert_eq!(score(&length, Value::Null).await, Some(0.0));
    // UTF-16 units, as documented.
    assert_eq!(score(&length, json!("😀😀")).await, Some(1.0));
    let words = KeywordEvaluator::new("k").words(vec!["sky".to_owned()], Vec::new()).unwrap();
    assert_eq!(score(&words, json!({ "a": ["the SKY"], "b": 1 })).await, Some(1.0));
    let inside = words.part(TextPart::at("/b"));
    assert_eq!(score(&inside, json!({ "a": ["the SKY"], "b": 1 })).await, Some(0.0));
}

#[tokio::test]
async fn the_right_answer_may_be_fixed_or_stand_in_input_or_metadata() {
    let fixed = ExactMatch::new("e", Expected::Value(json!("Yes")));
    assert_eq!(score(&fixed, json!(" Yes\n")).await, Some(1.0));
    assert_eq!(score(&fixed, json!("yes")).await, Some(0.0));
    assert_eq!(score(&fixed.case_sensitive(false), json!("yes")).await, Some(1.0));
    let noted = ExactMatch::new("e", Expected::Metadata("/expected/n".to_owned())).at("/n");
    assert_eq!(score(&noted, json!({ "n": 4.0, "other": 1 })).await, Some(1.0));
    assert_eq!(score(&noted, json!({ "n": 5 })).await, Some(0.0));
    assert_eq!(score(&noted, json!({})).await, Some(0.0));
    let given = ExactMatch::new("e", Expected::Input("/answer".to_owned()));
    assert_eq!(score(&given, json!("the blue bird")).await, Some(1.0));
}

#[tokio::test]
async fn without_a_right_answer_there_is_no_score() {
    let nowhere = || Expected::Input("/nowhere".to_owned());
    let both: [Box<dyn Evaluator>; 2] =
        [Box::new(ExactMatch::new("e", nowhere())), Box::new(Similarity::new("s", nowhere()))];
    for evaluator in both {
        let judgement = evaluator.evaluate(&context(json!("x"))).await.unwrap();
        assert!(judgement.scores.is_empty());
        assert_eq!(judgement.labels, ["no-expectation"]);
    }
}

#[tokio::test]
async fn likeness_is_by_words_or_by_edits() {
    let expected = || Expected::Input("/answer".to_owned());
    let words = Similarity::new("s", expected());
    assert_eq!(score(&words, json!({ "text": "Blue bird, the!" })).await, Some(1.0));
    let edits = Similarity::new("s", expected()).by(SimilarityMethod::Edits);
    let found = score(&edits, json!("the blue birds")).await.unwrap();
    assert!((found - 13.0 / 14.0).abs() < 1e-12);
}
