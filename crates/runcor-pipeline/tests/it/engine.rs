//! Pipelines on the real engine with the store in memory.

use std::sync::Arc;

use runcor_core::{
    Error, ErrorCode, Execution, ExecutionState, ModelService, Runtime, Store, Trigger,
};
use runcor_engine::{Engine, EngineParts};
use runcor_pipeline::{FlowFile, pipeline_flow, total_usage, usage_of};
use runcor_store_memory::MemoryStore;
use serde_json::json;

use crate::support::{FakeModels, Server, answer, http, text};

struct Bed {
    engine: Engine,
    store: Arc<MemoryStore>,
    models: Arc<FakeModels>,
}

impl Bed {
    async fn new(yaml: &str) -> Self {
        let store = Arc::new(MemoryStore::new());
        let models = Arc::<FakeModels>::default();
        let mut parts = EngineParts::new(Arc::clone(&store) as Arc<dyn Store>);
        parts.models = Arc::clone(&models) as Arc<dyn ModelService>;
        let engine = Engine::start(parts).await.unwrap();
        let spec = FlowFile::parse(yaml, "f.yaml").unwrap();
        engine.register(pipeline_flow(spec, &http(true))).unwrap();
        Self { engine, store, models }
    }

    async fn run(&self, input: serde_json::Value) -> Execution {
        let accepted = self.engine.trigger("f", Trigger::new("key", input)).await.unwrap();
        self.engine.finished(accepted.execution.id()).await.unwrap()
    }
}

fn two_steps(port: u16) -> String {
    format!(
        "
name: f
max_retries: 2
base_retry_delay_ms: 1
max_retry_delay_ms: 1
input_schema: {{ type: object, required: [who] }}
steps:
  - {{ name: words, kind: agent, input: {{ who: $.input.who }} }}
  - {{ name: tell, kind: webhook, url: 'http://hooks.example.com:{port}/', retries: 0, input: {{ said: $.steps.words.output.text }} }}
"
    )
}

#[tokio::test]
async fn a_retry_of_the_flow_repeats_the_failed_step_alone_with_the_same_key() {
    let server = Server::start(vec![
        answer("503 Service Unavailable", &["retry-after: 0"], ""),
        answer("200 OK", &[], "{\"id\":1}"),
    ])
    .await;
    let bed = Bed::new(&two_steps(server.port)).await;
    bed.models.answer(Ok(text("hello")));
    let ended = bed.run(json!({ "who": "Ada" })).await;
    assert_eq!(ended.state(), ExecutionState::Complete, "{:?}", ended.status.error);
    assert_eq!(ended.status.result.as_deref(), Some(&json!({ "id": 1 })));
    assert_eq!((ended.status.retry_count, bed.models.asked().len()), (1, 1));
    let keys = server.header("idempotency-key");
    assert_eq!(keys, vec![Some(format!("{}:tell#1", ended.id())); 2]);

    let journal = bed.store.journal(ended.id()).await.unwrap();
    assert_eq!(total_usage(&usage_of(&journal)).prompt_tokens, 10);
    bed.engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_permanent_failure_ends_the_execution_with_step_and_code() {
    let server = Server::start(vec![answer("404 Not Found", &[], "gone")]).await;
    let bed = Bed::new(&two_steps(server.port)).await;
    bed.models.answer(Ok(text("hello")));
    let ended = bed.run(json!({ "who": "Ada" })).await;
    let error = ended.status.error.unwrap();
    assert_eq!(error.message, "step 'tell': the webhook answered 404: gone");
    assert_eq!(error.code.as_deref(), Some("WEBHOOK_FAILED"));
    assert_eq!(error.retry_count, 0);
}

#[tokio::test]
async fn an_input_that_does_not_match_is_refused_before_any_step() {
    let bed = Bed::new(&two_steps(1)).await;
    let refused: Error = bed.engine.trigger("f", Trigger::new("key", json!({}))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidInput);
    assert!(bed.models.asked().is_empty());
}
