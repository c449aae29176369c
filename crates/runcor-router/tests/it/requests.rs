//! What becomes of a request on its way to the provider.

use std::sync::Arc;

use runcor_core::{ErrorCode, Message, ModelRequest, ModelResponse, ModelService, Strategy};

use crate::fakes::{Scripted, World};

async fn sent(request: ModelRequest) -> (ModelRequest, ModelResponse) {
    let provider = Scripted::new("openai/gpt-4o", []);
    let router = World::default().router().provider(Arc::clone(&provider)).build().unwrap();
    let answer = router.complete(request).await.unwrap();
    (provider.seen(0), answer)
}

#[tokio::test]
async fn an_empty_request_is_refused_before_any_call() {
    let provider = Scripted::new("a", []);
    let router = World::default().router().provider(Arc::clone(&provider)).build().unwrap();
    let only_system =
        ModelRequest::messages([Message::system("be nice")]).with_system_prompt("be brief");
    for request in [ModelRequest::default(), ModelRequest::prompt(""), only_system] {
        let error = router.complete(request.clone()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        let error = router.stream(request).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
    }
    assert_eq!(provider.calls(), 0);
}

#[tokio::test]
async fn empty_messages_fall_back_to_the_prompt() {
    let request = ModelRequest { messages: Vec::new(), ..ModelRequest::prompt("hello") };
    assert_eq!(sent(request.clone()).await.0, request);
}

#[tokio::test]
async fn messages_win_over_the_prompt() {
    let both = ModelRequest { prompt: Some("no".to_owned()), ..talk() };
    assert_eq!(sent(both).await.0, talk());
}

#[tokio::test]
async fn a_system_prompt_removes_system_messages() {
    let mut request = talk().with_system_prompt("be brief");
    request.messages.insert(0, Message::system("be long"));
    let (seen, _) = sent(request).await;
    assert_eq!(seen, talk().with_system_prompt("be brief"));
}

#[tokio::test]
async fn without_a_system_prompt_system_messages_stay() {
    let request = ModelRequest::messages([Message::system("be long"), Message::user("hello")]);
    assert_eq!(sent(request.clone()).await.0, request);
}

#[tokio::test]
async fn pin_and_strategy_never_reach_the_provider() {
    let request = talk().with_provider("openai").with_strategy(Strategy::LowestCost);
    assert_eq!(sent(request).await.0, talk());
}

#[tokio::test]
async fn the_answer_carries_the_registered_name() {
    let (_, answer) = sent(talk()).await;
    assert_eq!(answer.provider, "openai/gpt-4o");
    assert_eq!((answer.model.as_str(), answer.parsed), ("vendor-model", None));
}

fn talk() -> ModelRequest {
    ModelRequest::messages([Message::user("hello")])
}
