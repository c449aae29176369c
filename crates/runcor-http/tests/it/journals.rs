//! Journals over HTTP: timelines, single results, forks.

use reqwest::StatusCode;
use runcor_core::{
    Fork, ForkChanges, JournalEntry, JournalKind, Money, Outcome, Spend, StepFailure, Timestamp,
    Usage,
};
use serde_json::{Value, json};

use crate::client::{Site, code};

const LONG: usize = 10_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

fn journal() -> Vec<JournalEntry> {
    let usage = Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() };
    let spend = Spend {
        provider: "mock".to_owned(),
        model: "m-1".to_owned(),
        usage,
        cost: Some(Money::from_nanos(1_500)),
    };
    let failure = StepFailure { code: Some("WEBHOOK_FAILED".to_owned()), message: "no".to_owned() };
    let mut model = JournalEntry::intent("risk#1/model#1", JournalKind::Model, at(0))
        .with_outcome(Outcome::Done(json!({ "risk": "low" })), at(2));
    model.spend = Some(spend);
    vec![
        model,
        JournalEntry::done("big#1", JournalKind::Step, json!("x".repeat(LONG)), at(2)),
        JournalEntry::intent("mail#1", JournalKind::Step, at(3))
            .with_outcome(Outcome::Failed(failure), at(4)),
        JournalEntry::intent("approval#1", JournalKind::Approval, at(5))
            .with_note(json!({ "token": "5ec2e7" })),
    ]
}

async fn written() -> (Site, String) {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    site.fake.write_journal(journal());
    (site, format!("/v1/executions/{id}"))
}

#[tokio::test]
async fn a_timeline_shows_every_entry_in_order_and_the_total() {
    let (site, path) = written().await;
    let (status, body) = site.get(&format!("{path}/timeline")).await;
    assert_eq!((status, &body["execution"]["state"]), (StatusCode::OK, &json!("running")));
    let entry = &body["entries"][0];
    assert_eq!((&entry["number"], &entry["path"]), (&json!(1), &json!("risk#1/model#1")));
    assert_eq!((&entry["kind"], &entry["state"]), (&json!("model"), &json!("done")));
    assert_eq!((&entry["durationMs"], &entry["value"]["risk"]), (&json!(2_000), &json!("low")));
    assert_eq!(entry["spend"]["usage"]["promptTokens"], 10);
    let big = &body["entries"][1];
    assert_eq!((&big["bytes"], big.get("value")), (&json!(LONG + 2), None));
    assert_eq!(body["entries"][2]["error"]["code"], "WEBHOOK_FAILED");
    assert_eq!(body["entries"][3]["state"], "begun");
    assert_eq!(
        body["total"],
        json!({ "calls": 1, "promptTokens": 10, "completionTokens": 5, "costNanos": 1_500, "unpriced": 0 })
    );
    assert!(!body["entries"].to_string().contains("5ec2e7"), "the token is no part of it: {body}");
}

#[tokio::test]
async fn a_result_is_given_whole_by_its_path_however_that_is_escaped() {
    let (site, path) = written().await;
    let (status, body) = site.get(&format!("{path}/journal/big%231")).await;
    assert_eq!((status, &body["path"]), (StatusCode::OK, &json!("big#1")));
    assert_eq!(body["value"].as_str().unwrap().len(), LONG);
    for escaped in ["risk%231%2Fmodel%231", "risk%231/model%231"] {
        let (status, body) = site.get(&format!("{path}/journal/{escaped}")).await;
        let expected = json!({ "path": "risk#1/model#1", "value": { "risk": "low" } });
        assert_eq!((status, body), (StatusCode::OK, expected), "{escaped}");
    }
    for nothing in ["nope%231", "mail%231", "approval%231", "big"] {
        let (status, body) = site.get(&format!("{path}/journal/{nothing}")).await;
        assert_eq!((status.as_u16(), code(&body)), (404, "ENTRY_NOT_FOUND"), "{nothing}");
    }
}

async fn fork(body: &Value) -> (StatusCode, Value, Fork) {
    let (site, path) = written().await;
    let (status, answer) = site.post(&format!("{path}/fork"), body.to_string()).await;
    (status, answer, site.fake.last_fork())
}

#[tokio::test]
async fn a_fork_answers_201_with_a_new_execution_that_names_its_origin() {
    let body = json!({
        "at": "risk#1/model#1", "idempotencyKey": "f", "input": null, "model": "m-2",
        "provider": "other", "systemPrompt": "s", "prompt": "p",
    });
    let (status, answer, fork) = fork(&body).await;
    assert_eq!(status, StatusCode::CREATED);
    let origin = &answer["execution"]["fork"];
    assert_eq!((&origin["at"], &origin["changes"]["model"]), (&body["at"], &json!("m-2")));
    let text = |text: &str| Some(text.to_owned());
    let changes = ForkChanges {
        model: text("m-2"),
        provider: text("other"),
        system_prompt: text("s"),
        prompt: text("p"),
    };
    let expected = Fork {
        at: text("risk#1/model#1"),
        idempotency_key: text("f"),
        input: Some(Value::Null),
        changes,
    };
    assert_eq!(fork, expected);
}

#[tokio::test]
async fn a_fork_of_everything_needs_no_body_and_a_place_may_be_a_number() {
    assert_eq!(fork(&json!({})).await.2, Fork::default());
    assert_eq!(fork(&json!({ "at": 2 })).await.2.at.as_deref(), Some("2"));
    assert_eq!(fork(&json!({ "at": null, "model": null })).await.2, Fork::default());
}

#[tokio::test]
async fn a_fork_that_makes_no_sense_is_refused() {
    let (site, path) = written().await;
    for (body, field) in [
        (json!({ "modle": "m-2" }), "modle"),
        (json!({ "at": -1 }), "at"),
        (json!({ "at": 1.5 }), "at"),
        (json!({ "at": [] }), "at"),
        (json!({ "model": 5 }), "model"),
    ] {
        let (status, answer) = site.post(&format!("{path}/fork"), body.to_string()).await;
        assert_eq!((status.as_u16(), code(&answer)), (400, "VALIDATION_ERROR"), "{body}");
        assert_eq!(answer["error"]["details"]["field"], field);
    }
    let body = json!({ "at": "nowhere#1" }).to_string();
    let (status, answer) = site.post(&format!("{path}/fork"), body).await;
    assert_eq!((status.as_u16(), code(&answer)), (404, "ENTRY_NOT_FOUND"));
}
