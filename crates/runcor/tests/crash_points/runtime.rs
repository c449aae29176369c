//! The runtime of a scenario: the same in the child and in the parent.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runcor::engine::EngineConfig;
use runcor::model::{
    ModelCapabilities, ModelProvider, ModelRequest, ModelResponse, ProviderError, ProviderStream,
    Usage,
};
use runcor::store::{SqliteConfig, SqliteStore};
use runcor::tool::{ToolInfo, ToolProvider, ToolRequest};
use runcor::{Error, Runcor};
use serde_json::{Value, json};

use crate::effects::Effects;
use crate::scenario::Scenario;

/// Starts a runtime on the trial's database, with the scenario's flows.
pub(crate) async fn start(dir: &Path, scenario: Scenario, port: u16) -> Runcor {
    let effects = Effects::of(dir);
    let runtime = Runcor::builder()
        .store(SqliteStore::open(database(dir), SqliteConfig::default()).unwrap())
        .provider(Model { effects: effects.clone() })
        .tools(Tool { effects: effects.clone() })
        .limits(EngineConfig { retention: Duration::from_secs(3_600), ..EngineConfig::default() })
        .seed(1)
        .start()
        .await
        .unwrap();
    scenario.register(&runtime, &Arc::new(effects), dir, port);
    runtime
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
