//! The mock, by itself.

use futures_util::StreamExt;
use runcor_core::{
    FinishReason, Message, ModelChunk, ModelProvider, ModelRequest, ModelResponse, ResponseFormat,
    Schema, ToolCall,
};
use runcor_providers::{Mock, MockConfig, MockReply};
use serde_json::{Value, json};

async fn streamed(mock: &Mock, request: &ModelRequest) -> (Vec<String>, usize, ModelResponse) {
    let mut stream = mock.stream(request).await.unwrap();
    let (mut texts, mut calls) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        match chunk.unwrap() {
            ModelChunk::TextDelta { text } => texts.push(text),
            ModelChunk::ToolCall { .. } => calls += 1,
            ModelChunk::Finished { response } => return (texts, calls, *response),
        }
    }
    panic!("the stream has no end");
}

fn search() -> ToolCall {
    ToolCall { id: "tc-1".to_owned(), name: "search".to_owned(), arguments: json!({ "q": "test" }) }
}

#[tokio::test]
async fn the_template_quotes_the_prompt_and_tokens_are_utf_16_units() {
    let answer = Mock::new().complete(&ModelRequest::prompt("hi 😀")).await.unwrap();
    assert_eq!(answer.text, "Mock response to: hi 😀");
    assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (5, 23));
    assert_eq!((answer.model.as_str(), answer.provider.as_str()), ("mock", "mock"));
    let talk = ModelRequest::messages([Message::user("a"), Message::assistant("b")]);
    assert_eq!(Mock::new().complete(&talk).await.unwrap().text, "Mock response to: a\nb");
}

#[tokio::test]
async fn scripted_answers_come_first_then_tools_then_made_up_ones() {
    let mock = Mock::new();
    mock.call_tools_next([search()]);
    mock.queue_all([MockReply::text("first"), MockReply::tools([search()])]);
    let request = ModelRequest::prompt("x").with_response_format(ResponseFormat::Json);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(mock.complete(&request).await.unwrap());
    }
    assert_eq!(answers[0].text, "first");
    assert_eq!(answers[1].tool_calls, [search()]);
    assert_eq!(answers[1].finish_reason, Some(FinishReason::ToolCalls));
    assert_eq!((answers[2].tool_calls.len(), answers[2].usage.completion_tokens), (1, 0));
    let made_up: Value = serde_json::from_str(&answers[3].text).unwrap();
    assert_eq!(made_up, json!({ "response": "Mock response to: x" }));
}

#[tokio::test]
async fn structured_answers_are_as_documented_and_match_their_schema() {
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "age": { "type": "integer" } },
        "required": ["name", "age"],
    });
    let request = ModelRequest::prompt("Extract data")
        .with_response_format(ResponseFormat::Schema(schema.clone()));
    let answer = Mock::new().complete(&request).await.unwrap();
    let value: Value = serde_json::from_str(&answer.text).unwrap();
    Schema::compile(&schema).unwrap().check(&value).unwrap();
    assert_eq!(value, json!({ "name": "mock-string: Extract data", "age": 42 }));
}

#[tokio::test]
async fn streams_have_the_pieces_tools_and_form_that_were_asked_for() {
    let config =
        MockConfig { chunk_size: Some(6), name: "local".to_owned(), ..MockConfig::default() };
    let mock = Mock::from_config(config);
    let (texts, calls, whole) = streamed(&mock, &ModelRequest::prompt("hi")).await;
    assert_eq!(texts, ["Mock r", "espons", "e to: ", "hi"]);
    assert_eq!(
        (calls, whole.text.as_str(), whole.provider.as_str()),
        (0, "Mock response to: hi", "local")
    );
    mock.queue(MockReply { text: "look".to_owned(), tool_calls: vec![search()] });
    let (texts, calls, _) = streamed(&mock, &ModelRequest::prompt("hi")).await;
    assert_eq!((texts.concat().as_str(), calls), ("look", 1));
    let schema = ResponseFormat::Schema(json!({ "type": "integer" }));
    let (texts, _, _) =
        streamed(&mock, &ModelRequest::prompt("n").with_response_format(schema)).await;
    assert_eq!(texts.concat(), "42");
}
