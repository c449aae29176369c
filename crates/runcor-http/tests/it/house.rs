//! A whole house: an engine on a store, with a ledger, budgets and quality, and tokens of several tenants.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use runcor_core::{
    AttemptId, AttemptOutcome, Bill, ExecutionId, Flow, FlowContext, FlowName, FlowOutcome,
    LedgerEntry, ManualClock, Money, Policy, Store, TenantId, Timestamp, Usage, UserId,
};
use runcor_engine::{Engine, EngineParts};
use runcor_http::{AccessToken, HttpConfig, HttpParts, Server, ServerHandle};
use runcor_store_memory::MemoryStore;
use serde_json::{Value, json};

use crate::client::{answer, client, config};
use crate::doubles::{Middling, Purse};

pub(crate) const OPERATOR: &str = "token-of-the-operator";
pub(crate) const ACME: &str = "token-of-acme";
pub(crate) const UMBRELLA: &str = "token-of-umbrella";
/// Of the user alice of the tenant acme.
pub(crate) const ALICE: &str = "token-of-alice";
/// Of the user bob, who has no tenant.
pub(crate) const BOB: &str = "token-of-bob";

pub(crate) struct House {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) purse: Arc<Purse>,
    engine: Engine,
    handle: ServerHandle,
    client: Client,
}

fn token(token: &str, user: Option<&str>, tenant: Option<&str>) -> AccessToken {
    AccessToken {
        token: token.into(),
        user: user.map(|user| UserId::new(user).unwrap()),
        tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        name: None,
    }
}

/// Settings with a token for everybody of this house.
pub(crate) fn guarded() -> HttpConfig {
    let tokens = vec![
        token(ACME, None, Some("acme")),
        token(UMBRELLA, None, Some("umbrella")),
        token(ALICE, Some("alice"), Some("acme")),
        token(BOB, Some("bob"), None),
    ];
    HttpConfig { auth_token: Some(OPERATOR.into()), tokens, ..config() }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(guarded(), None).await
    }

    pub(crate) async fn with(config: HttpConfig, policy: Option<Arc<dyn Policy>>) -> Self {
        Self::on(Arc::new(MemoryStore::new()), config, policy).await
    }

    pub(crate) async fn on(
        store: Arc<dyn Store>,
        config: HttpConfig,
        policy: Option<Arc<dyn Policy>>,
    ) -> Self {
        let mut parts = EngineParts::new(Arc::clone(&store));
        // Standing time: nothing of this is about time.
        parts.clock = Arc::new(ManualClock::new());
        parts.governance.policy = policy;
        let engine = Engine::start(parts).await.unwrap();
        for flow in flows() {
            engine.register(flow).unwrap();
        }
        let purse = Arc::new(Purse::default());
        let parts = HttpParts::new(Arc::new(engine.clone()))
            .with_ledger(store.ledger())
            .with_budgets(purse.clone())
            .with_quality(Arc::new(Middling::new(Arc::clone(&store))))
            .with_policy();
        let handle = Server::bind(config, parts).await.unwrap().start();
        Self { store, purse, engine, handle, client: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/v1{path}", self.handle.local_addr())
    }

    pub(crate) fn request(
        &self,
        token: &str,
        method: Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(token)
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> (StatusCode, Value) {
        answer(self.request(token, Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(token, Method::POST, path, body).await
    }

    pub(crate) async fn send(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self.request(token, method, path).body(body.to_string());
        answer(request.send().await.unwrap()).await
    }

    /// Runs a flow to its end and returns its execution.
    pub(crate) async fn run(&self, token: &str, key: &str, more: Value) -> Value {
        let mut body = json!({ "idempotencyKey": key });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, body) = self.post(token, "/flows/greet/trigger?wait=60000", body).await;
        assert_eq!(
            (status, &body["execution"]["state"]),
            (StatusCode::CREATED, &json!("complete"))
        );
        body["execution"].clone()
    }

    /// Books a request that cost `nanos`, as a meter does.
    pub(crate) async fn book(&self, row: LedgerEntry) {
        let bill = Bill { entries: vec![row] };
        let batch = runcor_core::Batch { ops: bill.into_ops() };
        self.store.commit(batch).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.handle.stop().await;
        self.engine.shutdown().await.unwrap();
    }
}

/// A row of the ledger: two tokens in and three out, for a thousandth of a dollar.
pub(crate) fn row(tenant: Option<&str>, provider: &str, at: i64) -> LedgerEntry {
    let timestamp = Timestamp::from_millis(at);
    LedgerEntry {
        id: AttemptId::mint(timestamp),
        timestamp,
        execution_id: None,
        path: None,
        flow_name: FlowName::new("greet").unwrap(),
        user_id: None,
        tenant_id: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        provider: provider.to_owned(),
        model: format!("model-of-{provider}"),
        usage: Usage { prompt_tokens: 2, completion_tokens: 3, ..Usage::default() },
        cost: Money::from_nanos(1_000_000),
        outcome: AttemptOutcome::Answered,
        unpriced: false,
        duration: Duration::from_millis(7),
    }
}

pub(crate) fn id(execution: &Value) -> ExecutionId {
    execution["id"].as_str().unwrap().parse().unwrap()
}

fn flows() -> Vec<Flow> {
    let name = |name: &str| FlowName::new(name).unwrap();
    vec![
        Flow::new(name("greet"), async |ctx: FlowContext| {
            Ok(FlowOutcome::Complete(json!({ "greeting": ctx.input() })))
        }),
        Flow::new(name("never"), async |_: FlowContext| {
            std::future::pending::<Result<FlowOutcome, runcor_core::FlowError>>().await
        })
        .with_timeout(Duration::ZERO),
    ]
}
