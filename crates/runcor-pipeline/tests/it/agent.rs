//! Agent steps and conditions, without a network.

use std::time::Duration;

use runcor_core::{Error, ErrorCode, JournalKind, ManualClock, Outcome, ResponseFormat, Retry};
use runcor_pipeline::{total_usage, usage_of};
use serde_json::json;

use crate::support::{Run, parsed, skipping, text};

const TWO_AGENTS: &str = "
name: f
model: m-flow
steps:
  - name: find
    kind: agent
    preamble: Find things.
    output_schema: { type: object }
    max_tokens: 77
    temperature: 0.5
    input: { source: $.input.url, gone: $.input.nothing }
  - name: enough
    kind: condition
    when: $.steps.find.output.items.length > 1
  - name: tell
    kind: agent
    model: m-step
    input: { n: $.steps.find.output.items.length, by: $.steps.find.provider }
";

#[tokio::test]
async fn an_agent_is_asked_with_preamble_input_model_and_schema() {
    let run = Run::new(TWO_AGENTS, json!({ "url": "u" }));
    run.models.answer(Ok(parsed(&json!({ "items": [1, 2] }))));
    run.models.answer(Ok(text("two")));
    assert_eq!(run.go().await.unwrap(), json!({ "text": "two" }));

    let asked = run.models.asked();
    assert_eq!(asked[0].system_prompt.as_deref(), Some("Find things."));
    assert_eq!(asked[0].prompt.as_deref(), Some("{\"source\":\"u\"}"));
    assert_eq!(asked[0].model.as_deref(), Some("m-flow"));
    assert_eq!((asked[0].max_tokens, asked[0].temperature), (Some(77), Some(0.5)));
    assert_eq!(asked[0].response_format, ResponseFormat::Schema(json!({ "type": "object" })));
    assert_eq!(asked[1].prompt.as_deref(), Some("{\"n\":2,\"by\":\"fake\"}"));
    assert_eq!(asked[1].model.as_deref(), Some("m-step"));
    assert_eq!(asked[1].response_format, ResponseFormat::Text);
}

#[tokio::test]
async fn the_journal_holds_one_model_call_with_its_spending_for_each_agent() {
    let run = Run::new(TWO_AGENTS, json!({ "url": "u" }));
    run.models.answer(Ok(parsed(&json!({ "items": [1, 2] }))));
    run.models.answer(Ok(text("two")));
    run.go().await.unwrap();
    let entries = run.journal.entries.lock().unwrap().clone();
    let paths: Vec<_> = entries.iter().map(|entry| (entry.path.as_str(), entry.kind)).collect();
    assert_eq!(paths, [("find#1", JournalKind::Model), ("tell#1", JournalKind::Model)]);
    let find = &entries[0];
    let Some(Outcome::Done(answer)) = find.outcome() else { panic!("{find:?}") };
    assert_eq!((&answer["parsed"], &answer["model"]), (&json!({ "items": [1, 2] }), &json!("m-1")));
    assert_eq!(find.spend.as_ref().unwrap().usage.prompt_tokens, 10);
    assert!(find.request.is_some());

    let usage = usage_of(&entries);
    let steps: Vec<_> = usage.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["find", "tell"]);
    let total = total_usage(&usage);
    assert_eq!((total.prompt_tokens, total.completion_tokens), (20, 10));
}

#[tokio::test]
async fn a_false_condition_skips_the_rest_and_the_flow_completes() {
    let run = Run::new(TWO_AGENTS, json!({ "url": "u" }));
    run.models.answer(Ok(parsed(&json!({ "items": [1] }))));
    assert_eq!(run.go().await.unwrap(), json!({ "items": [1] }));
    assert_eq!(run.models.asked().len(), 1);
}

#[tokio::test]
async fn a_flow_without_steps_gives_its_input_back() {
    let run = Run::new("name: f\nsteps: []", json!([1]));
    assert_eq!(run.go().await.unwrap(), json!([1]));
}

#[tokio::test]
async fn a_step_without_input_gets_the_flows_input_and_a_text_is_sent_as_it_is() {
    let run = Run::new("name: f\nsteps: [{ name: a, kind: agent }]", json!("say \"hi\""));
    run.models.answer(Ok(text("hi")));
    run.go().await.unwrap();
    assert_eq!(run.models.asked()[0].prompt.as_deref(), Some("say \"hi\""));
    assert_eq!(run.models.asked()[0].system_prompt, None);
}

#[tokio::test]
async fn the_document_tells_about_the_run_and_its_trigger() {
    let yaml = "
name: f
steps: [{ name: a, kind: agent, input: { id: $.run.id, kind: $.trigger.kind, x: $.trigger.payload.x } }]";
    let run = Run::new(yaml, json!({ "x": 1 }));
    run.models.answer(Ok(text("ok")));
    run.go().await.unwrap();
    let expected = json!({ "id": run.spec.id.to_string(), "kind": "api", "x": 1 });
    assert_eq!(run.models.asked()[0].prompt, Some(expected.to_string()));
}

#[tokio::test]
async fn a_failure_names_the_step_and_keeps_its_code_and_verdict() {
    let yaml = "name: f\nsteps: [{ name: a, kind: agent }]";
    for (error, retry) in [
        (Error::new(ErrorCode::ProviderError, "overloaded").retryable(None), Retry::After(None)),
        (Error::new(ErrorCode::ProviderError, "bad model"), Retry::Never),
    ] {
        let run = Run::new(yaml, json!({}));
        let message = error.message().to_owned();
        run.models.answer(Err(error));
        let failure = run.go().await.unwrap_err();
        assert_eq!(failure.message(), format!("step 'a': {message}"));
        assert_eq!((failure.code(), failure.retry()), (Some("PROVIDER_ERROR"), retry));
        assert!(run.entries().is_empty());
    }
}

#[tokio::test]
async fn an_answer_that_nobody_checked_against_the_schema_fails_the_step() {
    let yaml = "name: f\nsteps: [{ name: a, kind: agent, output_schema: { type: object } }]";
    let run = Run::new(yaml, json!({}));
    run.models.answer(Ok(text("prose")));
    assert_eq!(run.go().await.unwrap_err().code(), Some("VALIDATION_FAILED"));
}

#[tokio::test]
async fn an_agent_step_is_retried_as_often_as_it_says() {
    let clock = ManualClock::new();
    let yaml = "name: f\nsteps: [{ name: a, kind: agent, retries: 2 }]";
    let run = Run::new(yaml, json!({})).with_clock(clock.clone());
    let busy = || Error::new(ErrorCode::ProviderError, "busy");
    run.models.answer(Err(busy().retryable(None)));
    run.models.answer(Err(busy().retryable(Some(Duration::from_secs(9)))));
    run.models.answer(Ok(text("at last")));
    let (result, slept) = skipping(&clock, run.go()).await;
    assert_eq!(result.unwrap(), json!({ "text": "at last" }));
    assert!(slept >= Duration::from_secs(10) && slept < Duration::from_secs(12), "{slept:?}");
}

#[tokio::test]
async fn a_step_that_takes_too_long_fails_so_that_the_flow_is_retried() {
    let clock = ManualClock::new();
    let yaml = "name: f\nsteps: [{ name: a, kind: agent, timeout_ms: 1500 }]";
    let run = Run::new(yaml, json!({})).with_clock(clock.clone());
    let (result, slept) = skipping(&clock, run.go()).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.message(), "step 'a': took longer than 1500 ms");
    assert_eq!((failure.code(), failure.retry()), (Some("STEP_FAILED"), Retry::After(None)));
    assert_eq!(slept, Duration::from_millis(1500));
}
