//! Durable flows over HTTP, with the real engine: timelines, approvals, doubts, children, forks.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use runcor_core::{
    Approval, Error, ErrorCode, Flow, FlowContext, FlowError, FlowName, FlowOutcome, ModelRequest,
    ModelResponse, ModelService, ModelStream, Money, Usage,
};
use runcor_engine::EngineParts;
use runcor_store_memory::MemoryStore;
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use serde_json::{Value, json};

use crate::client::{code, config};
use crate::engine::{Running, id_of};

/// Answers with the name of the model and the prompt.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl ModelService for Echo {
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, Error> {
        let model = request.model.unwrap_or_else(|| "m-1".to_owned());
        let mut answer: ModelResponse = serde_json::from_value(json!({
            "text": format!("{model}: {}", request.prompt.unwrap_or_default()),
            "model": model, "provider": "echo", "usage": Usage::default(),
        }))
        .unwrap();
        answer.usage = Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() };
        answer.cost = Some(Money::from_nanos(1_000));
        Ok(answer)
    }

    async fn stream(&self, _: ModelRequest) -> Result<ModelStream, Error> {
        Err(Error::new(ErrorCode::InternalError, "not streamed here"))
    }
}

fn flows() -> Vec<Flow> {
    let name = |name: &str| FlowName::new(name).unwrap();
    vec![
        Flow::new(name("refund"), async |ctx: FlowContext| {
            let order: Value = ctx.step("order", async { Ok(json!({ "amount": 125 })) }).await?;
            let risk = ctx.model().complete(ModelRequest::prompt("how risky?")).await?.text;
            let asked = json!({ "order": order, "risk": risk });
            let answer = ctx.approval(Approval::of("refund", &asked)).await?;
            let _: String = ctx.step("mail", async { Ok("x".repeat(10_000)) }).await?;
            Ok(FlowOutcome::Complete(json!({ "approved": answer.approved, "risk": risk })))
        }),
        Flow::new(name("charge"), async |ctx: FlowContext| {
            let charge = async |_| Err::<Value, _>(FlowError::retryable("no answer"));
            let receipt = ctx.describe_step("charge").non_idempotent().run(charge).await?;
            Ok(FlowOutcome::Complete(receipt))
        }),
        Flow::new(name("outer"), async |ctx: FlowContext| {
            Ok(FlowOutcome::Complete(ctx.call("refund", json!(null)).await?))
        }),
    ]
}

impl Running {
    async fn durable() -> Self {
        let mut parts = EngineParts::new(Arc::new(MemoryStore::new()));
        parts.models = Arc::new(Echo);
        Self::start(parts, flows(), config()).await
    }

    async fn begin(&self, flow: &str) -> String {
        let body = json!({ "idempotencyKey": flow, "input": { "n": 1 } });
        id_of(&self.post(&format!("/flows/{flow}/trigger"), body).await.1)
    }

    async fn decide(&self, id: &str, decision: Value) -> (StatusCode, Value) {
        self.post(&format!("/executions/{id}/decision"), decision).await
    }

    /// Approves or rejects what an execution asks for.
    async fn answer(&self, id: &str, decision: &str) {
        let waiting = self.until(id, "waiting").await;
        let token = &waiting["waitContext"]["waitData"]["approval"]["token"];
        let (status, _) = self.decide(id, json!({ "decision": decision, "token": token })).await;
        assert_eq!(status, StatusCode::OK);
    }

    async fn timeline(&self, id: &str) -> Value {
        self.get(&format!("/executions/{id}/timeline")).await.1
    }
}

/// Each entry's path, kind and state.
fn told(timeline: &Value) -> Vec<String> {
    let entries = timeline["entries"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let tell = |entry: &Value| {
        let parts = ["path", "kind", "state"].map(|field| word(&entry[field]));
        format!("{}{}", parts.join(" "), if entry["reused"] == true { " reused" } else { "" })
    };
    entries.map(tell).collect()
}

#[tokio::test]
async fn an_approval_shows_what_is_asked_and_only_its_token_answers_it() {
    let site = Running::durable().await;
    let id = site.begin("refund").await;
    let waiting = site.until(&id, "waiting").await;
    assert_eq!(waiting["waitContext"]["kind"], "approval");
    let approval = &waiting["waitContext"]["waitData"]["approval"];
    assert_eq!(approval["action"], "refund");
    assert_eq!(approval["subject"]["order"], json!({ "amount": 125 }));

    let (status, body) = site.decide(&id, json!({ "decision": "approve", "token": "x" })).await;
    assert_eq!((status.as_u16(), code(&body)), (403, "INVALID_TOKEN"));
    assert!(!body.to_string().contains(approval["token"].as_str().unwrap()));
    let (status, body) = site.decide(&id, json!({ "decision": "did_not_happen" })).await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_STATE"));
    let (status, body) = site.post(&format!("/executions/{id}/resume"), json!({})).await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_STATE"));

    let token = &approval["token"];
    let (status, _) = site.decide(&id, json!({ "decision": "reject", "token": token })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(site.until(&id, "complete").await["result"]["approved"], false);
    let (status, body) = site.decide(&id, json!({ "decision": "approve", "token": token })).await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_STATE"));
    site.close().await;
}

#[tokio::test]
async fn the_timeline_tells_what_was_done_and_large_results_are_read_apart() {
    let site = Running::durable().await;
    let id = site.begin("refund").await;
    site.until(&id, "waiting").await;
    let open = ["order#1 step done", "model#1 model done", "approval#1 approval begun"];
    assert_eq!(told(&site.timeline(&id).await), open);
    site.answer(&id, "approve").await;
    site.until(&id, "complete").await;

    let timeline = site.timeline(&id).await;
    let done =
        ["order#1 step done", "model#1 model done", "approval#1 approval done", "mail#1 step done"];
    assert_eq!(told(&timeline), done);
    let total = json!({ "calls": 1, "promptTokens": 10, "completionTokens": 5, "costNanos": 1_000, "unpriced": 0 });
    assert_eq!(timeline["total"], total);
    let mail = &timeline["entries"][3];
    assert_eq!((&mail["bytes"], mail.get("value")), (&json!(10_002), None));
    let (status, body) = site.get(&format!("/executions/{id}/journal/mail%231")).await;
    assert_eq!((status, body["value"].as_str().unwrap().len()), (StatusCode::OK, 10_000));
    let (status, body) = site.get(&format!("/executions/{id}/journal/mail%232")).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "ENTRY_NOT_FOUND"));
    site.close().await;
}

#[tokio::test]
async fn a_step_in_doubt_is_settled_by_somebodys_word() {
    for (decision, state, expected) in [
        (json!({ "decision": "happened", "result": 7 }), "complete", json!(7)),
        (json!({ "decision": "give_up", "reason": "too late" }), "failed", Value::Null),
    ] {
        let site = Running::durable().await;
        let id = site.begin("charge").await;
        let waiting = site.until(&id, "waiting").await;
        assert_eq!(waiting["waitContext"]["kind"], "decision");
        let (status, _) = site.decide(&id, decision).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(site.until(&id, state).await["result"], expected);
        site.close().await;
    }
    let site = Running::durable().await;
    let id = site.begin("charge").await;
    site.until(&id, "waiting").await;
    assert_eq!(site.decide(&id, json!({ "decision": "did_not_happen" })).await.0, StatusCode::OK);
    // It is run again, and nobody knows again.
    loop {
        let shown = site.until(&id, "waiting").await;
        if site.timeline(&id).await["entries"][0]["attempts"] == 2 {
            assert_eq!(shown["waitContext"]["kind"], "decision");
            break;
        }
        tokio::task::yield_now().await;
    }
    site.close().await;
}

#[tokio::test]
async fn called_executions_are_listed_by_their_caller() {
    let site = Running::durable().await;
    let id = site.begin("outer").await;
    let waiting = site.until(&id, "waiting").await;
    let child = waiting["waitContext"]["awaits"][0].as_str().unwrap().to_owned();
    let (_, body) = site.get(&format!("/executions?parentId={id}")).await;
    let called = &body["executions"][0];
    assert_eq!((&called["id"], &called["parent"]["id"]), (&json!(child), &json!(id)));
    assert_eq!(body["executions"].as_array().unwrap().len(), 1);
    site.answer(&child, "approve").await;
    assert_eq!(site.until(&id, "complete").await["result"]["approved"], true);
    assert_eq!(site.timeline(&id).await["entries"][0]["child"], *child);
    site.close().await;
}

#[tokio::test]
async fn a_fork_reuses_what_came_before_its_place_and_pays_for_the_rest() {
    let site = Running::durable().await;
    let id = site.begin("refund").await;
    site.answer(&id, "approve").await;
    site.until(&id, "complete").await;
    let body = json!({ "at": "model#1", "model": "m-2", "idempotencyKey": "f" });
    let path = format!("/executions/{id}/fork");
    let (status, answer) = site.post(&path, body.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    let fork = id_of(&answer);
    assert_eq!(answer["execution"]["fork"]["of"], *id);
    site.answer(&fork, "approve").await;
    let done = site.until(&fork, "complete").await;
    assert_eq!(done["result"]["risk"], "m-2: how risky?");
    let timeline = site.timeline(&fork).await;
    assert_eq!(told(&timeline)[0], "order#1 step done reused");
    assert_eq!(timeline["entries"][1]["spend"]["model"], "m-2");
    assert_eq!(timeline["total"]["calls"], 1);

    // The same key is the same fork.
    let (status, again) = site.post(&path, body).await;
    assert_eq!((status, id_of(&again)), (StatusCode::CREATED, fork));
    let (status, body) = site.post(&path, json!({ "at": 9 })).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "ENTRY_NOT_FOUND"));
    let (status, body) = site.post(&path, json!({ "at": 2 })).await;
    assert_eq!(
        (status, &body["execution"]["fork"]["at"]),
        (StatusCode::CREATED, &json!("model#1"))
    );
    site.send(Method::POST, &format!("/executions/{}/cancel", id_of(&body)), &json!({})).await;
    site.close().await;
}

#[tokio::test]
async fn an_approval_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runcor.db");
    let start = async || {
        let store = SqliteStore::open(&path, SqliteConfig::default()).unwrap();
        let mut parts = EngineParts::new(Arc::new(store));
        parts.models = Arc::new(Echo);
        Running::start(parts, flows(), config()).await
    };
    let site = start().await;
    let id = site.begin("refund").await;
    site.until(&id, "waiting").await;
    site.close().await;

    let site = start().await;
    site.answer(&id, "approve").await;
    assert_eq!(site.until(&id, "complete").await["result"]["approved"], true);
    assert_eq!(site.timeline(&id).await["total"]["calls"], 1);
    site.close().await;
}
