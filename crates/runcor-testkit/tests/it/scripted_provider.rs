//! The scripted provider keeps to its script and to the contract of providers.

use futures_util::{FutureExt, StreamExt};

use runcor_core::{
    ModelChunk, ModelProvider, ModelRequest, ModelResponse, ProviderErrorKind, ToolCall,
};
use runcor_testkit::{ScriptStep, ScriptedProvider};

fn request() -> ModelRequest {
    ModelRequest::prompt("hello")
}

async fn chunks(provider: &ScriptedProvider) -> Vec<String> {
    let stream = provider.stream(&request()).await.unwrap();
    let shown = stream.map(|chunk| match chunk {
        Ok(ModelChunk::TextDelta { text }) => text,
        Ok(ModelChunk::ToolCall { tool_call }) => format!("call {}", tool_call.name),
        Ok(ModelChunk::Finished { response }) => format!("finished {}", response.text),
        Err(error) => format!("error {:?}", error.kind),
    });
    shown.collect().await
}

#[tokio::test]
async fn a_stream_ends_with_the_whole_answer() {
    let provider = ScriptedProvider::new("p").streams(["Hel", "lo"]).answers("whole");
    assert_eq!(chunks(&provider).await, ["Hel", "lo", "finished Hello"]);
    assert_eq!(chunks(&provider).await, ["whole", "finished whole"]);
    assert_eq!(provider.cancelled(), 0);
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error() {
    let provider = ScriptedProvider::new("p").breaks_off(["Hel"], ProviderErrorKind::Network);
    assert_eq!(chunks(&provider).await, ["Hel", "error Network"]);
    assert_eq!(provider.cancelled(), 0);
}

#[tokio::test]
async fn tool_calls_are_streamed_before_the_end() {
    let call = ToolCall {
        id: "1".to_owned(),
        name: "search".to_owned(),
        arguments: serde_json::json!({}),
    };
    let response = ModelResponse { tool_calls: vec![call], ..ModelResponse::default() };
    let provider = ScriptedProvider::new("p").then(ScriptStep::Answer(response));
    assert_eq!(chunks(&provider).await, ["call search", "finished "]);
}

#[tokio::test]
async fn a_request_beyond_the_script_is_rejected_with_a_reason() {
    let provider = ScriptedProvider::new("p").answers("one");
    assert_eq!(provider.complete(&request()).await.unwrap().text, "one");
    let error = provider.complete(&request()).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Rejected);
    assert!(error.to_string().contains("no step for request 2"), "{error}");
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn the_last_step_may_go_on_for_ever() {
    let provider = ScriptedProvider::new("p");
    let error = runcor_core::ProviderError::new("p", ProviderErrorKind::Unavailable, "down");
    let provider = provider.answers("one").always(ScriptStep::Fail(error));
    assert!(provider.complete(&request()).await.is_ok());
    for _ in 0..3 {
        assert!(provider.complete(&request()).await.is_err());
    }
}

#[tokio::test]
async fn a_dropped_request_is_counted_as_cancelled() {
    let provider = ScriptedProvider::new("p").hangs().streams(["a", "b"]);
    assert!(provider.complete(&request()).now_or_never().is_none());
    assert_eq!(provider.cancelled(), 1);
    let mut stream = provider.stream(&request()).await.unwrap();
    assert!(stream.next().await.is_some());
    drop(stream);
    assert_eq!(provider.cancelled(), 2);
}
