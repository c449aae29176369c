//! The whole flow of the guide, on the real engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use runcor_core::{
    Decision, Error, Execution, ExecutionState, ModelService, Runtime, Store, Trigger,
};
use runcor_engine::{Engine, EngineParts};
use runcor_pipeline::{FlowFile, pipeline_flow};
use runcor_store_memory::MemoryStore;
use serde_json::json;

use crate::support::{FakeModels, Server, http, parsed};

/// The flow of `docs/flows-yaml.md`, with the bank and the mail service on `port`.
fn of_the_guide(port: u16) -> String {
    let page = include_str!("../../../../docs/flows-yaml.md");
    let flow = page.split("```yaml\n").find(|text| text.starts_with("name: refund")).unwrap();
    let flow = flow.split("\n```").next().unwrap();
    flow.replace("https://bank.example.com", &format!("http://bank.example.com:{port}"))
        .replace("https://mail.example.com", &format!("http://mail.example.com:{port}"))
}

async fn waiting(engine: &Engine) -> Execution {
    let input =
        json!({ "order": "1017", "cents": 4200, "mail": "ada@example.com", "letter": "It broke." });
    let mut events = engine.subscribe();
    let id =
        engine.trigger("refund", Trigger::new("refund-1017", input)).await.unwrap().execution.id();
    loop {
        let execution = engine.execution(id).await.unwrap();
        if execution.state() == ExecutionState::Waiting || execution.state().is_terminal() {
            return execution;
        }
        let _ = events.next().await;
    }
}

async fn start(server: &Server, models: &Arc<FakeModels>) -> Engine {
    let mut parts = EngineParts::new(Arc::new(MemoryStore::new()) as Arc<dyn Store>);
    parts.models = Arc::clone(models) as Arc<dyn ModelService>;
    let engine = Engine::start(parts).await.unwrap();
    let spec = FlowFile::parse(&of_the_guide(server.port), "refund.yaml").unwrap();
    engine.register(pipeline_flow(spec, &http(true))).unwrap();
    engine
}

#[tokio::test]
async fn the_refund_of_the_guide_waits_for_its_approval_and_repeats_nothing() {
    let server = Server::echoing().await;
    let models = Arc::<FakeModels>::default();
    models.answer(Ok(parsed(&json!({ "justified": true, "summary": "It broke." }))));
    let engine = start(&server, &models).await;
    let waiting = waiting(&engine).await;
    let shown = waiting.status.wait.as_ref().unwrap().wait_data.clone().unwrap();
    assert_eq!(shown["approval"]["action"], "refund");
    assert_eq!(shown["approval"]["subject"]["cents"], 4200);

    let token = shown["approval"]["token"].as_str().unwrap().to_owned();
    let wrong = Decision::Approve { token: "0".repeat(32), by: None, note: None };
    let refused: Error = engine.decide(waiting.id(), wrong).await.unwrap_err();
    assert_eq!(refused.code(), runcor_core::ErrorCode::InvalidToken);
    let yes = Decision::Approve { token, by: Some("ann".to_owned()), note: None };
    engine.decide(waiting.id(), yes).await.unwrap();
    let ended = engine.finished(waiting.id()).await.unwrap();
    assert_eq!(ended.state(), ExecutionState::Complete, "{:?}", ended.status.error);
    let result = ended.status.result.as_deref().unwrap();
    assert_eq!(result, &json!({ "to": "ada@example.com", "approved_by": "ann" }));
    assert_eq!((models.asked().len(), server.requests().len()), (1, 2));
    assert!(!models.echoes.load(Ordering::SeqCst));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_rejected_refund_of_the_guide_ends_without_a_mail() {
    let server = Server::echoing().await;
    let models = Arc::<FakeModels>::default();
    models.answer(Ok(parsed(&json!({ "justified": true, "summary": "It broke." }))));
    let engine = start(&server, &models).await;
    let waiting = waiting(&engine).await;
    let shown = waiting.status.wait.as_ref().unwrap().wait_data.clone().unwrap();
    let token = shown["approval"]["token"].as_str().unwrap().to_owned();
    let no = Decision::Reject { token, by: Some("ann".to_owned()), note: None };
    engine.decide(waiting.id(), no).await.unwrap();
    let ended = engine.finished(waiting.id()).await.unwrap();
    assert_eq!(ended.state(), ExecutionState::Complete, "{:?}", ended.status.error);
    assert_eq!(ended.status.result.as_deref().unwrap()["approved"], false);
    assert_eq!(server.requests().len(), 1, "the reservation and no mail");
    engine.shutdown().await.unwrap();
}
