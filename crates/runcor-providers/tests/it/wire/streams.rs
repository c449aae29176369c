//! Streams that break off, stall, stutter and arrive in crumbs.

use std::time::Duration;

use futures_util::StreamExt;
use runcor_core::{
    FinishReason, ModelChunk, ModelProvider, ModelRequest, ModelResponse, ProviderError,
    ProviderErrorKind, ResponseFormat,
};
use runcor_testkit::vendor_server::{Reply, VendorServer, chat_completion, chat_completion_events};
use serde_json::json;

use super::vendors::{VENDORS, greeting_stream, impatient, provider};

/// The text that came, and how the stream ended.
struct Outcome {
    text: String,
    end: Result<ModelResponse, ProviderError>,
}

async fn listen(provider: &dyn ModelProvider) -> Outcome {
    let mut stream = provider.stream(&ModelRequest::prompt("x")).await.unwrap();
    let mut text = String::new();
    loop {
        let end = match stream.next().await.expect("an end") {
            Ok(ModelChunk::TextDelta { text: piece }) => {
                text.push_str(&piece);
                continue;
            }
            Ok(ModelChunk::ToolCall { .. }) => continue,
            Ok(ModelChunk::Finished { response }) => Ok(*response),
            Err(error) => Err(error),
        };
        assert!(stream.next().await.is_none(), "nothing comes after the end");
        return Outcome { text, end };
    }
}

async fn outcome(vendor: &str, reply: Reply) -> Outcome {
    let server = VendorServer::start().await.unwrap();
    server.enqueue(reply);
    listen(impatient(vendor, &server.url()).as_ref()).await
}

fn greeting(vendor: &str) -> Reply {
    Reply::event_stream(greeting_stream(vendor))
}

#[tokio::test]
async fn crumbs_of_any_size_make_the_same_answer() {
    for vendor in VENDORS {
        let whole = outcome(vendor, greeting(vendor)).await;
        assert_eq!(whole.text, "Hello wörld 😀!");
        for size in [1, 2, 3, 7, 64] {
            let crumbs = outcome(vendor, greeting(vendor).in_pieces_of(size)).await;
            assert_eq!(crumbs.text, whole.text);
            assert_eq!(crumbs.end.unwrap(), *whole.end.as_ref().unwrap());
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_is_an_error_and_never_a_short_answer() {
    for vendor in VENDORS {
        let text = greeting_stream(vendor);
        for at in (0..text.len()).step_by(29) {
            let Outcome { text, end } = outcome(vendor, greeting(vendor).cut_after_bytes(at)).await;
            match end {
                Ok(response) => panic!("{vendor} cut at {at} passes for {response:?}"),
                Err(error) => assert_eq!(error.kind, ProviderErrorKind::Network, "{vendor} {at}"),
            }
            assert!("Hello wörld 😀!".starts_with(&text));
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_properly_before_the_answer_is_an_error_too() {
    for vendor in VENDORS {
        let text = greeting_stream(vendor);
        for at in (1..text.len() / 2).step_by(17).filter(|at| text.is_char_boundary(*at)) {
            let end = outcome(vendor, Reply::event_stream(&text[..at])).await.end;
            let error = end.unwrap_err();
            assert_eq!(error.kind, ProviderErrorKind::Network, "{vendor} {at}: {error}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_stalls_times_out() {
    for vendor in VENDORS {
        let end = outcome(vendor, greeting(vendor).stall_after_events(2)).await.end;
        assert_eq!(end.unwrap_err().kind, ProviderErrorKind::Timeout, "{vendor}");
    }
}

#[tokio::test]
async fn garbage_is_malformed_and_what_came_before_it_is_kept() {
    for vendor in VENDORS {
        let events = if vendor == "anthropic" { 4 } else { 2 };
        let garbage = outcome(vendor, greeting(vendor).garbage_before_event(events)).await;
        assert_eq!(garbage.end.unwrap_err().kind, ProviderErrorKind::Malformed, "{vendor}");
        assert!(garbage.text.starts_with("Hello"), "{vendor}: {}", garbage.text);
        let not_json = Reply::events(["{\"choices\": tru"]);
        let error = outcome(vendor, not_json).await.end.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Malformed, "{vendor}");
    }
}

#[tokio::test]
async fn an_event_that_comes_twice_does_not_break_the_stream() {
    for vendor in VENDORS {
        let events = if vendor == "anthropic" { 3 } else { 1 };
        let Outcome { text, end } = outcome(vendor, greeting(vendor).duplicate_event(events)).await;
        assert_eq!(end.unwrap().text, text);
        assert!(text.starts_with("Hello"), "{vendor}: {text}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_stream_with_its_kind() {
    for vendor in VENDORS {
        let error = json!({ "type": "overloaded_error", "message": "Overloaded" });
        let error = json!({ "type": "error", "error": error });
        let begin: String = greeting_stream(vendor).split_inclusive("\n\n").take(1).collect();
        let begin = if vendor == "google" { String::new() } else { begin };
        let reply = Reply::event_stream(format!("{begin}data: {error}\n\n"));
        let error = outcome(vendor, reply).await.end.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Unavailable, "{vendor}: {error}");
    }
}

#[tokio::test]
async fn an_endless_event_is_refused() {
    for vendor in VENDORS {
        let endless = format!("data: {}", "x".repeat(5 << 20));
        let error = outcome(vendor, Reply::event_stream(endless)).await.end.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Malformed, "{vendor}: {error}");
    }
}

#[tokio::test]
async fn a_dropped_stream_cancels_its_request() {
    for vendor in VENDORS {
        let server = VendorServer::start().await.unwrap();
        server.enqueue(greeting(vendor).stall_after_events(4));
        let made = provider(vendor, &server.url(), &json!({}));
        let mut stream = made.stream(&ModelRequest::prompt("x")).await.unwrap();
        assert!(stream.next().await.unwrap().is_ok());
        drop(stream);
        server.departures(1).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let reply = Reply::json(200, &chat_completion("m", "all at once"));
    let Outcome { text, end } = outcome("openai", reply).await;
    assert_eq!((text.as_str(), end.unwrap().text.as_str()), ("all at once", "all at once"));
}

#[tokio::test]
async fn a_server_that_forgets_usage_and_end_mark_is_understood() {
    let events = chat_completion_events("m", "Hello there");
    let forgetful = &events[..events.len() - 2];
    let Outcome { text, end } = outcome("openai", Reply::events(forgetful)).await;
    let response = end.unwrap();
    assert_eq!(text, "Hello there");
    assert!(response.usage.estimated);
    assert_eq!(response.finish_reason, Some(FinishReason::Stop));
}

#[tokio::test]
async fn streamed_tool_calls_without_numbers_are_kept_apart() {
    let delta = |call: serde_json::Value, reason: Option<&str>| {
        json!({ "choices": [{ "delta": { "tool_calls": [call] }, "finish_reason": reason }] })
            .to_string()
    };
    let events = [
        delta(json!({ "id": "a", "function": { "name": "one", "arguments": "{\"x\":" } }), None),
        delta(json!({ "function": { "arguments": "1}" } }), None),
        delta(json!({ "id": "b", "function": { "name": "two", "arguments": {} } }), Some("stop")),
    ];
    let calls = outcome("openai", Reply::events(events)).await.end.unwrap().tool_calls;
    let calls: Vec<_> =
        calls.iter().map(|call| (call.id.as_str(), call.arguments.to_string())).collect();
    assert_eq!(calls, [("a", "{\"x\":1}".to_owned()), ("b", "{}".to_owned())]);
}

#[tokio::test]
async fn the_openai_compatible_server_answers_everything() {
    let server = VendorServer::openai_compatible().await.unwrap();
    let made = provider("openai", &server.url(), &json!({}));
    let request = ModelRequest::prompt("good morning");
    assert_eq!(made.complete(&request).await.unwrap().text, "You said: good morning");
    let said = listen(made.as_ref()).await;
    assert_eq!((said.text.as_str(), said.end.unwrap().usage.estimated), ("You said: x", false));
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let structured = request.with_response_format(ResponseFormat::Schema(schema));
    let answer = made.complete(&structured).await.unwrap();
    assert_eq!(answer.text, "{\"a\":\"You said: good morning\"}");
}

#[tokio::test]
async fn a_slow_trickle_is_waited_for_as_long_as_the_whole_may_take() {
    for vendor in VENDORS {
        let trickle = greeting(vendor).in_pieces_of(40).with_pause(Duration::from_millis(1));
        assert_eq!(outcome(vendor, trickle).await.text, "Hello wörld 😀!");
        let server = VendorServer::start().await.unwrap();
        server.enqueue(greeting(vendor).in_pieces_of(1).with_pause(Duration::from_millis(100)));
        let hurried = provider(vendor, &server.url(), &json!({ "timeouts": { "totalMs": 400 } }));
        let error = listen(hurried.as_ref()).await.end.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Timeout, "{vendor}: {error}");
    }
}
