//! The runtime of a scenario: the same in the child and in the parent.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runcor::cost::{BudgetLimits, CostConfig};
use runcor::engine::EngineConfig;
use runcor::governance::BudgetLimit;
use runcor::model::{
    ModelCapabilities, ModelProvider, ModelRequest, ModelResponse, Money, ProviderError,
    ProviderStream, TokenPrice, Usage,
};
use runcor::policy::PolicyConfig;
use runcor::router::Registration;
use runcor::store::{SqliteConfig, SqliteStore};
use runcor::tool::{ToolInfo, ToolProvider, ToolRequest};
use runcor::{Builder, Error, Runcor};
use serde_json::{Value, json};

use crate::child::KEYS;
use crate::effects::Effects;
use crate::scenario::Scenario;

/// Starts a runtime on the trial's database, with the scenario's flows.
pub(crate) async fn start(dir: &Path, scenario: Scenario, port: u16) -> Runcor {
    let effects = Effects::of(dir);
    let builder = match scenario {
        Scenario::Governed => governed(Runcor::builder()),
        _ => Runcor::builder(),
    };
    let model = Arc::new(Model { effects: effects.clone() });
    let runtime = builder
        .store(SqliteStore::open(database(dir), SqliteConfig::default()).unwrap())
        .registration(Registration::new(model).with_price(price()))
        .tools(Tool { effects: effects.clone() })
        .limits(EngineConfig { retention: Duration::from_secs(3_600), ..EngineConfig::default() })
        .seed(1)
        .start()
        .await
        .unwrap();
    scenario.register(&runtime, &Arc::new(effects), dir, port);
    runtime
}

/// The hard limit of every budget: enough for all requests and one lost one, and not for much more.
pub(crate) const LIMIT: Money = Money::from_nanos(1_000_000);

/// A thousand nano-dollars for each token.
fn price() -> TokenPrice {
    TokenPrice { input_picos: 1_000_000, output_picos: 1_000_000, ..TokenPrice::default() }
}

/// Budgets of every scope, and a rate limit that lets each key of a trial through once.
fn governed(builder: Builder) -> Builder {
    let hard = Some(BudgetLimit::hard(LIMIT));
    let budgets = BudgetLimits {
        per_execution: hard,
        per_flow: hard,
        global: hard,
        ..BudgetLimits::default()
    };
    let limits = json!([{
        "name": "two", "scope": "global", "limit": KEYS.len(), "windowMs": 86_400_000,
        "operations": ["trigger"],
    }]);
    let policy: PolicyConfig = serde_json::from_value(json!({ "rateLimits": limits })).unwrap();
    builder.costs(CostConfig { budgets, ..CostConfig::default() }).policies(policy)
}

pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join("runcor.db")
}

/// A model that answers with the number of words that it was asked.
#[derive(Debug)]
struct Model {
    effects: Effects,
}

#[async_trait]
impl ModelProvider for Model {
    fn name(&self) -> &str {
        "fake"
    }

    fn capabilities(&self) -> ModelCapabilities {
        ModelCapabilities::default()
    }

    async fn complete(&self, request: &ModelRequest) -> Result<ModelResponse, ProviderError> {
        let prompt = request.prompt.clone().unwrap_or_default();
        self.effects.note(&key_of(&prompt));
        tokio::task::yield_now().await;
        Ok(ModelResponse {
            text: prompt.len().to_string(),
            model: "fake-1".to_owned(),
            usage: Usage { prompt_tokens: 7, completion_tokens: 3, ..Usage::default() },
            ..ModelResponse::default()
        })
    }

    async fn stream(&self, request: &ModelRequest) -> Result<ProviderStream, ProviderError> {
        let response = Box::new(self.complete(request).await?);
        let pieces = [
            Ok(runcor::model::ModelChunk::TextDelta { text: response.text.clone() }),
            Ok(runcor::model::ModelChunk::Finished { response }),
        ];
        Ok(Box::pin(futures_util::stream::iter(pieces)))
    }
}

/// A model gets no key; the prompts of the scenarios begin with theirs, and the
/// pipeline's is the id alone.
fn key_of(prompt: &str) -> String {
    match prompt.split_once(' ') {
        Some((key, _)) => key.to_owned(),
        None => format!("{prompt}:think#1"),
    }
}

/// A tool that gives its argument back.
#[derive(Debug)]
struct Tool {
    effects: Effects,
}

#[async_trait]
impl ToolProvider for Tool {
    async fn tools(&self) -> Result<Vec<ToolInfo>, Error> {
        Ok(vec![ToolInfo {
            name: "look".to_owned(),
            description: "Looks something up.".to_owned(),
            input_schema: json!({ "type": "object" }),
            idempotent: true,
        }])
    }

    async fn call(&self, request: &ToolRequest) -> Result<Value, Error> {
        self.effects.note(&request.idempotency_key);
        tokio::task::yield_now().await;
        Ok(request.arguments.clone())
    }
}
