//! What runs once: contexts come and go over one journal.

use runcor_core::{Error, ErrorCode};
use serde_json::json;

use crate::support::{Crash, Run, Server, answer, text};

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
    // The first agent is one write, the webhook an intent and an answer.
    run.journal.crash_at(Crash { at: 2, is_durable: false, kills: true });
    run.go().await.unwrap_err();
    assert!(run.journal.repair());
    run.models.answer(Ok(text("two")));
    run.go().await.unwrap();
    let key = Some(format!("{}:tell#1", run.spec.id));
    assert_eq!(server.header("idempotency-key"), [key.clone(), key]);
}
