//! Decisions over HTTP: what may be sent, what reaches the runtime, what is never said.

use reqwest::StatusCode;
use runcor_core::{Decision, Error, ErrorCode};
use serde_json::{Value, json};

use crate::client::{Site, code};
use crate::fake::TOKEN;
use crate::log::Log;

async fn waiting() -> (Site, String) {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    site.fake.wait(id);
    (site, format!("/v1/executions/{id}/decision"))
}

async fn send(body: &Value) -> (StatusCode, Value, Decision) {
    let (site, path) = waiting().await;
    let (status, answer) = site.post(&path, body.to_string()).await;
    (status, answer, site.fake.last_decision())
}

#[tokio::test]
async fn an_approval_reaches_the_runtime_and_answers_with_the_execution() {
    let body = json!({ "decision": "approve", "token": TOKEN, "by": "ann", "note": "fine" });
    let (status, answer, decision) = send(&body).await;
    assert_eq!((status, &answer["execution"]["state"]), (StatusCode::OK, &json!("running")));
    let (by, note) = (Some("ann".to_owned()), Some("fine".to_owned()));
    assert_eq!(decision, Decision::Approve { token: TOKEN.to_owned(), by, note });
}

#[tokio::test]
async fn every_decision_has_its_word() {
    let token = || TOKEN.to_owned();
    for (body, expected) in [
        (
            json!({ "decision": "reject", "token": TOKEN, "by": null }),
            Decision::Reject { token: token(), by: None, note: None },
        ),
        (
            json!({ "decision": "happened", "result": { "id": 7 } }),
            Decision::Happened { result: json!({ "id": 7 }) },
        ),
        (json!({ "decision": "happened" }), Decision::Happened { result: Value::Null }),
        (json!({ "decision": "did_not_happen" }), Decision::DidNotHappen),
        (
            json!({ "decision": "give_up", "reason": "too late" }),
            Decision::GiveUp { reason: Some("too late".to_owned()) },
        ),
    ] {
        let (status, _, decision) = send(&body).await;
        assert_eq!((status, decision), (StatusCode::OK, expected), "{body}");
    }
}

#[tokio::test]
async fn a_decision_that_makes_no_sense_is_400_and_reaches_nobody() {
    let (site, path) = waiting().await;
    for (body, field, says) in [
        (json!({}), "decision", "missing field"),
        (json!({ "decision": "perhaps" }), "decision", "did_not_happen"),
        (json!({ "decision": 5 }), "decision", "must be a string"),
        (json!({ "decision": "approve" }), "decision", "token"),
        (json!({ "decision": "approve", "token": 5 }), "token", "must be a string"),
        (json!({ "decision": "approve", "token": "t", "By": "x" }), "By", "unknown"),
        (json!({ "decision": "approve", "token": "t", "reason": "x" }), "decision", "reason"),
        (json!({ "decision": "give_up", "reason": ["x"] }), "reason", "must be a string"),
    ] {
        let (status, answer) = site.post(&path, body.to_string()).await;
        assert_eq!((status.as_u16(), code(&answer)), (400, "VALIDATION_ERROR"), "{body}");
        let details = &answer["error"]["details"];
        assert_eq!(details["field"], field, "{answer}");
        assert!(details["reason"].as_str().unwrap().contains(says), "{answer}");
    }
    for (body, expected) in [("[]", "VALIDATION_ERROR"), ("{", "INVALID_JSON")] {
        let (status, answer) = site.post(&path, body).await;
        assert_eq!((status.as_u16(), code(&answer)), (400, expected), "{body}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_403_and_neither_token_is_said() {
    let (site, path) = waiting().await;
    let body = json!({ "decision": "approve", "token": "guess-1234" });
    let (status, answer) = site.post(&path, body.to_string()).await;
    assert_eq!((status.as_u16(), code(&answer)), (403, "INVALID_TOKEN"));
    let text = answer.to_string();
    assert!(!text.contains("guess-1234") && !text.contains(TOKEN), "{text}");
}

#[tokio::test]
async fn what_does_not_wait_can_not_be_decided() {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    let body = json!({ "decision": "did_not_happen" }).to_string();
    let (status, answer) = site.post(&format!("/v1/executions/{id}/decision"), body).await;
    assert_eq!((status.as_u16(), code(&answer)), (409, "INVALID_STATE"));
}

#[tokio::test]
async fn no_token_of_an_approval_reaches_the_log() {
    let (log, _guard) = Log::begin();
    let (site, path) = waiting().await;
    for body in [
        json!({ "decision": "approve", "token": "guess-1234" }),
        json!({ "decision": "approve", "token": "guess-1234", "wrong": TOKEN }),
        json!({ "decision": "approve", "token": ["guess-1234"] }),
        json!({ "decision": "approve", "token": TOKEN }),
        json!({ "decision": "approve", "token": TOKEN }),
    ] {
        site.post(&path, body.to_string()).await;
    }
    site.fake.fail_next(Error::new(ErrorCode::InternalError, "broken"));
    let body = json!({ "decision": "approve", "token": TOKEN });
    let (status, _) = site.post(&path, body.to_string()).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let text = log.text();
    assert!(text.contains("/decision") && text.contains("broken"), "nothing was noted: {text}");
    assert!(!text.contains("guess-1234") && !text.contains(TOKEN), "{text}");
}
