//! Durable flows written in Rust, run and served by the test, for commands to look at and answer.

use std::sync::Arc;
use std::time::Duration;

use runcor::cost::{BudgetLimits, CostConfig};
use runcor::eval::{self, LengthEvaluator};
use runcor::flow::{Approval, FlowContext, FlowError, FlowName, FlowOutcome};
use runcor::governance::BudgetLimit;
use runcor::http::{HttpConfig, HttpParts, Server, ServerHandle};
use runcor::model::{ModelRequest, Money, TokenPrice};
use runcor::provider::{Mock, MockConfig};
use runcor::router::Registration;
use runcor::store::{SqliteConfig, SqliteStore};
use runcor::{EvaluationSettings, Flow, Runcor, Runtime, Trigger};
use serde_json::{Value, json};

use crate::bed::{PATIENCE, Project, Ran};

/// Looks an order up, asks a model, asks for an approval, and writes a long mail.
async fn refund(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let order: Value = ctx.step("order", async { Ok(json!({ "amount": 125 })) }).await?;
    let risk = ctx.model().complete(ModelRequest::prompt("how risky?")).await?.text;
    let asked = json!({ "order": order, "risk": risk });
    let answer = ctx.approval(Approval::of("refund", &asked)).await?;
    let _: String = ctx.step("mail", async { Ok("x".repeat(10_000)) }).await?;
    let said = json!({ "approved": answer.approved, "by": answer.by, "note": answer.note });
    Ok(FlowOutcome::Complete(json!({ "said": said, "risk": risk })))
}

/// Does something that nobody knows the end of.
async fn charge(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let work = async |_| Err::<Value, _>(FlowError::retryable("no answer"));
    let receipt = ctx.describe_step("charge").non_idempotent().run(work).await?;
    Ok(FlowOutcome::Complete(receipt))
}

async fn outer(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    Ok(FlowOutcome::Complete(ctx.call("refund", ()).await?))
}

/// Sleeps a moment: whoever waits for it sees its end.
async fn doze(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    ctx.sleep(Duration::from_millis(20)).await?;
    Ok(FlowOutcome::Complete(json!("awake")))
}

/// Sleeps two days: nobody waits for that.
async fn nap(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    ctx.sleep(Duration::from_secs(172_800)).await?;
    Ok(FlowOutcome::Complete(Value::Null))
}

/// Asks a model, and is done.
async fn ask(ctx: FlowContext) -> Result<FlowOutcome, FlowError> {
    let text = ctx.model().complete(ModelRequest::prompt("how are you?")).await?.text;
    Ok(FlowOutcome::Complete(json!(text)))
}

/// A runtime with these flows on a project's database, and its API.
pub(crate) struct Served {
    runcor: Runcor,
    server: ServerHandle,
    url: String,
}

impl Served {
    pub(crate) async fn on(project: &Project) -> Self {
        Self::with(project, HttpConfig { port: 0, ..HttpConfig::default() }).await
    }

    /// Serves with these settings.
    pub(crate) async fn with(project: &Project, config: HttpConfig) -> Self {
        let store = SqliteStore::open(project.path("runcor.db"), SqliteConfig::default()).unwrap();
        let runcor = Runcor::builder()
            .store(store)
            .registration(answering("cheap", 1e-6).with_priority(1))
            .registration(answering("dear", 5e-6).with_priority(2))
            .costs(costs())
            .evaluation(EvaluationSettings::default())
            .start()
            .await
            .unwrap();
        let evaluators = runcor.evaluators().unwrap();
        // Nothing is so long, so all is flagged.
        let length = LengthEvaluator::new("length").between(Some(1_000), None).unwrap();
        evaluators.add(eval::Registration::new(length)).unwrap();
        let flow = |name: &str| FlowName::new(name).unwrap();
        for flow in [
            Flow::new(flow("refund"), refund),
            Flow::new(flow("charge"), charge),
            Flow::new(flow("outer"), outer),
            Flow::new(flow("doze"), doze),
            Flow::new(flow("nap"), nap),
            Flow::new(flow("ask"), ask),
        ] {
            runcor.register(flow).unwrap();
        }
        let parts = HttpParts::new(Arc::new(runcor.engine().clone()))
            .with_ledger(runcor.store().ledger())
            .with_budgets(runcor.costs().unwrap().clone())
            .with_quality(evaluators.clone());
        let server = Server::bind(config, parts).await.unwrap().start();
        let url = format!("http://{}", server.local_addr());
        Self { runcor, server, url }
    }

    /// Runs a command against this runtime.
    pub(crate) fn run(&self, project: &Project, args: &[&str]) -> Ran {
        project.run(&[args, &["--url", &self.url]].concat())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Begins an execution, and returns its id once it waits or has ended.
    pub(crate) async fn begin(&self, flow: &str) -> String {
        let trigger = Trigger::new(flow, json!({ "n": 1 }));
        let id = self.runcor.trigger(flow, trigger).await.unwrap().execution.id();
        let looking = async {
            loop {
                let found = self.runcor.execution(id).await.unwrap();
                if found.state().is_terminal() || found.status.wait.is_some() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap();
        id.to_string()
    }

    /// Stops, and leaves the database to others.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.runcor.shutdown().await.unwrap();
    }
}

/// Counts money: ten dollars a day for everybody, little for each user, and next to nothing for a tenant.
fn costs() -> CostConfig {
    let budgets = BudgetLimits {
        global: Some(BudgetLimit::hard(Money::from_dollars(10.0))),
        per_user: Some(BudgetLimit::hard(Money::from_dollars(0.01)).pausing()),
        per_tenant: Some(BudgetLimit::hard(Money::from_dollars(0.001_05)).pausing()),
        ..BudgetLimits::default()
    };
    CostConfig { budgets, ..CostConfig::default() }
}

/// Makes a provider that answers with its own name.
fn answering(name: &str, price: f64) -> Registration {
    let mock = MockConfig {
        name: name.to_owned(),
        template: format!("{name}: {{prompt}}"),
        ..MockConfig::default()
    };
    Registration::new(Arc::new(Mock::from_config(mock)))
        .with_price(TokenPrice::per_token(price, price))
}
