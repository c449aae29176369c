//! What runs once: contexts come and go over one journal.

use runcor_core::{Error, ErrorCode};
use serde_json::json;

use crate::support::{Run, Server, answer, text};

fn flow(port: u16) -> String {
    format!(
        "
name: f
steps:
  - {{ name: first, kind: agent }}
  - {{ name: ready, kind: condition, when: $.steps.first.output.text }}
  - {{ name: tell, kind: webhook, url: 'http://hooks.example.com:{port}/x', input: {{ said: $.steps.first.output.text }} }}
  - {{ name: last, kind: agent, input: {{ told: $.steps.tell.output.id }} }}
"
    )
}

#[tokio::test]
async fn finished_steps_never_run_again_in_a_later_context() {
    let server = Server::start(vec![answer("200 OK", &[], "{\"id\":7}")]).await;
    let run = Run::new(&flow(server.port), json!({ "a": 1 }));
    run.models.answer(Ok(text("one")));
    run.models.answer(Err(Error::new(ErrorCode::ProviderError, "down").retryable(None)));
    let failure = run.go().await.unwrap_err();
    assert_eq!(failure.message(), "step 'last': down");

    run.models.answer(Ok(text("two")));
    assert_eq!(run.go().await.unwrap(), json!({ "text": "two" }));
    let asked = run.models.asked();
    assert_eq!(asked.len(), 3, "the first agent was asked once, the last one twice");
    assert_eq!(asked[2].prompt.as_deref(), Some("{\"told\":7}"));
    assert_eq!(server.requests().len(), 1);

    assert_eq!(run.go().await.unwrap(), json!({ "text": "two" }));
    assert_eq!(run.models.asked().len(), 3, "a run that is done repeats nothing");
}

#[tokio::test]
async fn a_crash_between_a_webhook_and_its_record_repeats_it_with_the_same_key() {
    let twice = vec![answer("200 OK", &[], "{\"id\":7}"), answer("200 OK", &[], "{\"id\":7}")];
    let server = Server::start(twice).await;
    let run = Run::new(&flow(server.port), json!({}));
    run.models.answer(Ok(text("one")));
    *run.journal.limit.lock().unwrap() = Some(2);
    let failure = run.go().await.unwrap_err();
    assert_eq!(failure.code(), Some("STORAGE_UNAVAILABLE"));

    *run.journal.limit.lock().unwrap() = None;
    run.models.answer(Ok(text("two")));
    run.go().await.unwrap();
    let key = Some(format!("{}:tell#1", run.spec.id));
    assert_eq!(server.header("idempotency-key"), [key.clone(), key]);
}

#[tokio::test]
async fn a_crash_after_any_entry_leads_to_the_same_result() {
    let yaml = "
name: f
steps:
  - { name: a, kind: agent }
  - { name: b, kind: condition, when: $.input.go }
  - { name: c, kind: agent, input: { x: $.steps.a.output.text } }
";
    for limit in 0..3 {
        let run = Run::new(yaml, json!({ "go": true }));
        for _ in 0..3 {
            run.models.answer(Ok(text("same")));
        }
        *run.journal.limit.lock().unwrap() = Some(limit);
        assert!(run.go().await.is_err());
        *run.journal.limit.lock().unwrap() = None;
        assert_eq!(run.go().await.unwrap(), json!({ "text": "same" }), "{limit}");
        let paths: Vec<_> = run.entries().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a#1", "b#1", "c#1"]);
    }
}
