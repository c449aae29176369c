//! The real engine behind the API: memory and SQLite.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use runcor_core::{
    Flow, FlowContext, FlowError, FlowName, FlowOutcome, ManualClock, Store, WaitSignal,
};
use runcor_engine::{Engine, EngineConfig, EngineParts};
use runcor_http::{HttpConfig, HttpParts, Server, ServerHandle};
use runcor_store_memory::MemoryStore;
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{answer, client, code, config, rest};

pub(crate) struct Running {
    engine: Engine,
    handle: ServerHandle,
    client: Client,
}

impl Running {
    async fn on(store: Arc<dyn Store>, config: HttpConfig) -> Self {
        Self::start(EngineParts::new(store), flows(), config).await
    }

    /// Serves an engine of these parts with these flows.
    pub(crate) async fn start(
        mut parts: EngineParts,
        flows: Vec<Flow>,
        config: HttpConfig,
    ) -> Self {
        // Standing time: nothing of this is about time.
        parts.clock = Arc::new(ManualClock::new());
        parts.config = EngineConfig { concurrency: 64, ..EngineConfig::default() };
        let engine = Engine::start(parts).await.unwrap();
        for flow in flows {
            engine.register(flow).unwrap();
        }
        let parts = HttpParts::new(Arc::new(engine.clone()));
        let handle = Server::bind(config, parts).await.unwrap().start();
        Self { engine, handle, client: client() }
    }

    async fn in_memory() -> Self {
        Self::on(Arc::new(MemoryStore::new()), config()).await
    }

    async fn in_file(path: &Path) -> Self {
        let store = SqliteStore::open(path, SqliteConfig::default()).unwrap();
        Self::on(Arc::new(store), config()).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v1{path}", self.handle.local_addr())
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let request = self.client.request(method, self.url(path)).body(body.to_string());
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.client.get(self.url(path)).send().await.unwrap()).await
    }

    /// Asks until the execution is in `state`.
    pub(crate) async fn until(&self, id: &str, state: &str) -> Value {
        loop {
            let (_, body) = self.get(&format!("/executions/{id}")).await;
            if body["execution"]["state"] == state {
                return body["execution"].clone();
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn close(self) {
        self.handle.stop().await;
        self.engine.shutdown().await.unwrap();
    }
}

fn flows() -> Vec<Flow> {
    let name = |name: &str| FlowName::new(name).unwrap();
    let needs_name = json!({ "type": "object", "required": ["name"] });
    vec![
        Flow::new(name("greet"), async |ctx: FlowContext| {
            Ok(FlowOutcome::Complete(json!({ "greeting": ctx.input()["name"] })))
        })
        .with_input_schema(needs_name),
        Flow::new(name("approve"), async |ctx: FlowContext| {
            let answer = ctx.wait_for(WaitSignal::new("approval")).await?;
            Ok(FlowOutcome::Complete(json!({ "answer": answer })))
        }),
        Flow::new(name("fails"), async |_: FlowContext| Err(FlowError::permanent("no luck today"))),
        Flow::new(name("never"), async |_: FlowContext| {
            std::future::pending::<Result<FlowOutcome, FlowError>>().await
        })
        .with_timeout(Duration::ZERO),
    ]
}

pub(crate) fn id_of(body: &Value) -> String {
    body["execution"]["id"].as_str().unwrap_or_else(|| panic!("no execution: {body}")).to_owned()
}

/// The life of executions, the same on every store.
async fn lives(site: Running) {
    let (status, body) = site
        .post(
            "/flows/greet/trigger?wait=60000",
            json!({ "idempotencyKey": "g", "input": { "name": "Ada" }, "userId": "u" }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(body["execution"]["result"], json!({ "greeting": "Ada" }));
    let greeted = id_of(&body);

    let (status, body) = site.post("/flows/greet/trigger", json!({ "idempotencyKey": "x" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_INPUT"));
    let (status, body) = site.post("/flows/nope/trigger", json!({ "idempotencyKey": "x" })).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "FLOW_NOT_FOUND"));
    let (status, body) =
        site.post("/flows/approve/trigger", json!({ "idempotencyKey": " \t" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "MISSING_IDEMPOTENCY_KEY"));
    let long = json!({ "idempotencyKey": "x".repeat(600) });
    let (status, body) = site.post("/flows/approve/trigger", long).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "VALIDATION_ERROR"));

    let (_, body) = site.post("/flows/approve/trigger", json!({ "idempotencyKey": "a" })).await;
    let waiting = id_of(&body);
    let shown = site.until(&waiting, "waiting").await;
    assert_eq!(shown["waitContext"]["reason"], "approval");
    let path = format!("/executions/{waiting}/resume");
    let (status, _) = site.post(&path, json!({ "data": { "ok": true } })).await;
    assert_eq!(status, StatusCode::OK);
    let done = site.until(&waiting, "complete").await;
    assert_eq!(done["result"], json!({ "answer": { "ok": true } }));
    let (status, body) = site.post(&path, json!({ "resumeData": { "ok": false } })).await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_STATE"));

    let (_, body) =
        site.post("/flows/fails/trigger?wait=60000", json!({ "idempotencyKey": "f" })).await;
    assert_eq!(body["execution"]["error"]["message"], "no luck today");

    let (_, body) = site.post("/flows/never/trigger", json!({ "idempotencyKey": "n" })).await;
    let endless = id_of(&body);
    let (status, body) =
        site.send(Method::DELETE, &format!("/executions/{endless}"), &json!({})).await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_TRANSITION"));
    let path = format!("/executions/{endless}/cancel");
    let (status, body) = site.post(&path, json!({ "reason": "enough" })).await;
    assert_eq!(
        (status, &body["execution"]["error"]["message"]),
        (StatusCode::OK, &json!("enough"))
    );

    let (status, body) = site.post(&format!("/executions/{greeted}/replay"), json!({})).await;
    assert_eq!((status, &body["execution"]["replayOf"]), (StatusCode::CREATED, &json!(greeted)));
    site.until(&id_of(&body), "complete").await;
    let (status, _) =
        site.send(Method::DELETE, &format!("/executions/{greeted}"), &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(site.get(&format!("/executions/{greeted}")).await.0, StatusCode::NOT_FOUND);

    let (_, body) = site.get("/executions?order=desc&limit=2").await;
    assert_eq!(body["executions"][0]["flowName"], "greet");
    assert_eq!(body["executions"][1]["idempotencyKey"], "n");
    let cursor = body["nextCursor"].as_str().unwrap();
    let (_, body) = site.get(&format!("/executions?order=desc&cursor={cursor}")).await;
    assert_eq!(body["executions"][0]["idempotencyKey"], "f");
    assert_eq!(body["nextCursor"], Value::Null);
    let (_, body) = site.get("/executions?state=failed&flowName=fails").await;
    assert_eq!(body["executions"].as_array().unwrap().len(), 1);
    site.close().await;
}

#[tokio::test]
async fn executions_live_over_http_in_memory() {
    lives(Running::in_memory().await).await;
}

#[tokio::test]
async fn executions_live_over_http_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    lives(Running::in_file(&dir.path().join("runcor.db")).await).await;
}

#[tokio::test]
async fn accepted_work_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runcor.db");
    let site = Running::in_file(&path).await;
    let (_, body) = site.post("/flows/approve/trigger", json!({ "idempotencyKey": "a" })).await;
    let id = id_of(&body);
    site.until(&id, "waiting").await;
    site.close().await;

    let site = Running::in_file(&path).await;
    site.post(&format!("/executions/{id}/resume"), json!({ "data": 7 })).await;
    let done = site.until(&id, "complete").await;
    assert_eq!(done["result"], json!({ "answer": 7 }));
    let response = site
        .client
        .post(site.url("/flows/approve/trigger"))
        .body(json!({ "idempotencyKey": "a" }).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["idempotency-replayed"], "true");
    assert_eq!(id_of(&answer(response).await.1), id);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_with_one_key_run_it_once() {
    let site = Running::in_memory().await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let request = site.client.post(site.url("/flows/greet/trigger"));
        let body = json!({ "idempotencyKey": "same", "input": { "name": "x" } });
        let request = request.body(body.to_string());
        asking.spawn(async move { id_of(&answer(request.send().await.unwrap()).await.1) });
    }
    let mut ids = asking.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    site.close().await;
}

#[tokio::test]
async fn the_events_of_one_run_come_in_order_and_again_to_whoever_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let site = Running::in_file(&dir.path().join("runcor.db")).await;
    let mut live = site.client.get(site.url("/events?type=execution")).send().await.unwrap();
    let trigger = json!({ "idempotencyKey": "g", "input": { "name": "Ada" } });
    site.post("/flows/greet/trigger?wait=60000", trigger).await;
    let mut text = String::new();
    while !text.contains("execution:complete") || !text.ends_with("\n\n") {
        text.push_str(std::str::from_utf8(&live.chunk().await.unwrap().unwrap()).unwrap());
    }
    let kinds: Vec<_> = text.lines().filter(|line| line.starts_with("data: ")).collect();
    assert_eq!(kinds.len(), 3, "{text}");
    assert!(kinds[0].contains(r#""to":"running""#), "{text}");
    assert!(kinds[1].contains(r#""to":"complete""#), "{text}");
    assert!(kinds[2].contains("execution:complete"), "{text}");

    // The same three again, with the same numbers, from the store.
    let again = site.client.get(site.url("/events?type=execution&lastEventId=0"));
    let mut again = again.send().await.unwrap();
    let mut repeated = String::new();
    while repeated.len() < text.len() {
        repeated.push_str(std::str::from_utf8(&again.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert_eq!(repeated, text);
    site.close().await;
}

#[tokio::test]
async fn an_engine_that_stops_refuses_work_and_still_shows_what_it_has() {
    let site = Running::in_memory().await;
    let trigger = json!({ "idempotencyKey": "g", "input": { "name": "Ada" } });
    site.post("/flows/greet/trigger?wait=60000", trigger.clone()).await;
    site.engine.shutdown().await.unwrap();
    let (status, body) = site.post("/flows/greet/trigger", trigger).await;
    assert_eq!((status.as_u16(), code(&body)), (503, "ENGINE_SHUTTING_DOWN"));
    let (status, body) = site.get("/health").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("stopped")));
    site.handle.stop().await;
}

#[tokio::test]
async fn a_client_that_half_closes_is_answered_however_long_the_commit_takes() {
    let dir = tempfile::tempdir().unwrap();
    let site = Running::in_file(&dir.path().join("runcor.db")).await;
    for n in 0..10 {
        let mut stream = TcpStream::connect(site.handle.local_addr()).await.unwrap();
        let body = json!({ "idempotencyKey": n.to_string(), "input": { "name": "x" } }).to_string();
        let request = format!(
            "POST /v1/flows/greet/trigger HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }
    site.close().await;
}
