//! Calls against a vendor that fails in every way that vendors do.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::ProviderErrorKind::{
    Auth, Malformed, Network, RateLimited, Rejected, Timeout, Unavailable,
};
use runcor_core::{ManualClock, ModelProvider, ModelRequest, ProviderError, Timestamp};
use runcor_providers::{OpenAi, OpenAiConfig};
use runcor_testkit::vendor_server::{Reply, VendorServer, chat_completion};
use serde_json::json;

use super::vendors::{KEY, VENDORS, impatient, provider};

/// What each vendor's client makes of the same reply, whole and streamed.
async fn errors(reply: Reply) -> Vec<ProviderError> {
    let mut errors = Vec::new();
    for vendor in VENDORS {
        let server = VendorServer::start().await.unwrap();
        server.enqueue(reply.clone()).enqueue(reply.clone());
        let made = impatient(vendor, &server.url());
        let request = ModelRequest::prompt("tell me");
        errors.push(made.complete(&request).await.unwrap_err());
        errors.push(made.stream(&request).await.err().expect("an error, not a stream"));
        assert_eq!(server.requests().len(), 2, "one call is one request");
    }
    errors
}

#[tokio::test]
async fn every_status_is_classified_the_same_at_every_vendor() {
    for (status, kind) in [
        (302, Rejected),
        (400, Rejected),
        (401, Auth),
        (403, Auth),
        (404, Rejected),
        (408, Timeout),
        (413, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (500, Unavailable),
        (502, Unavailable),
        (529, Unavailable),
    ] {
        for error in errors(Reply::error(status, "because")).await {
            assert_eq!((error.kind, error.status), (kind, Some(status)), "{error}");
            assert!(error.message.contains("because"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_rate_limit_carries_the_wish_in_seconds_and_as_a_date() {
    for error in errors(Reply::rate_limited("7")).await {
        assert_eq!((error.kind, error.retry_after), (RateLimited, Some(Duration::from_secs(7))));
    }
    // The vendor's clock is a year behind ours; its own date counts.
    let dated = Reply::rate_limited("Thu, 20 Nov 2025 10:00:30 GMT")
        .with_header("date", "Thu, 20 Nov 2025 10:00:00 GMT");
    for error in errors(dated).await {
        assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
    }
    for error in errors(Reply::overloaded().with_header("retry-after", "1")).await {
        assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
        assert!(error.kind.is_transient());
    }
}

#[tokio::test]
async fn a_date_without_the_vendors_clock_counts_from_ours() {
    let server = VendorServer::start().await.unwrap();
    server.enqueue(Reply::rate_limited("Thu, 20 Nov 2025 10:00:30 GMT"));
    let clock = ManualClock::at(Timestamp::from_millis(1_763_632_800_000));
    let config = OpenAiConfig { base_url: Some(server.url()), ..OpenAiConfig::default() };
    let made = OpenAi::new(config).unwrap().with_clock(Arc::new(clock));
    let error = made.complete(&ModelRequest::prompt("x")).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn silence_is_a_timeout() {
    for error in errors(Reply::hang()).await {
        assert_eq!(error.kind, Timeout, "{error}");
    }
}

#[tokio::test]
async fn broken_connections_are_network_errors() {
    for error in errors(Reply::reset()).await {
        assert_eq!(error.kind, Network, "{error}");
    }
    for vendor in VENDORS {
        let server = VendorServer::start().await.unwrap();
        server.enqueue(Reply::json(200, &chat_completion("m", "hi")).cut_after_bytes(20));
        let made = provider(vendor, &server.url(), &json!({}));
        let error = made.complete(&ModelRequest::prompt("x")).await.unwrap_err();
        assert_eq!(error.kind, Network, "{error}");
        drop(server);
        let error = made.complete(&ModelRequest::prompt("x")).await.unwrap_err();
        assert_eq!(error.kind, Network, "{error}");
    }
}

#[tokio::test]
async fn a_success_with_an_error_inside_is_an_error() {
    let overloaded =
        json!({ "type": "error", "error": { "type": "overloaded_error", "message": "busy" } });
    for error in errors(Reply::json(200, &overloaded)).await {
        assert_eq!(error.kind, Unavailable, "{error}");
        assert!(error.message.contains("busy"));
    }
    let limited = json!({ "error": { "code": 429, "message": "slow down" } });
    for error in errors(Reply::json(200, &limited)).await {
        assert_eq!(error.kind, RateLimited, "{error}");
    }
}

#[tokio::test]
async fn answers_that_are_none_are_malformed_and_are_not_repeated() {
    let bodies = ["{}", "[]", "null", "42", "{\"private\":", "", "{\"choices\":[],\"content\":7}"];
    for body in bodies {
        for error in errors(Reply::new(200, "application/json", body)).await {
            assert_eq!(error.kind, Malformed, "{body}: {error}");
            assert!(!error.message.contains("private"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_huge_answer_is_refused() {
    for error in errors(Reply::huge(17 << 20)).await {
        assert_eq!(error.kind, Malformed, "{error}");
        assert!(error.message.contains("16 MiB"), "{error}");
    }
}

#[tokio::test]
async fn errors_are_short_and_hold_no_keys() {
    let said =
        format!("bad key {KEY}, Bearer abc.def and sk-proj-AAAAAAAAAAAA {}", "x".repeat(9000));
    for reply in [Reply::error(401, &said), Reply::text(401, &said)] {
        for error in errors(reply).await {
            assert!(error.message.len() < 2100, "{}", error.message.len());
            for secret in [KEY, "abc.def", "sk-proj"] {
                assert!(!error.to_string().contains(secret), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_dropped_call_cancels_its_request() {
    for vendor in VENDORS {
        let server = VendorServer::start().await.unwrap();
        server.enqueue(Reply::hang());
        let made = provider(vendor, &server.url(), &json!({}));
        let call = tokio::spawn(async move { made.complete(&ModelRequest::prompt("x")).await });
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        call.abort();
        server.departures(1).await;
    }
}

#[tokio::test]
async fn usage_that_is_missing_or_nonsense_is_estimated() {
    for usage in [json!(null), json!({}), json!({ "prompt_tokens": -3, "completion_tokens": "x" })]
    {
        let server = VendorServer::start().await.unwrap();
        let mut body = chat_completion("m", "Hello there");
        body["usage"] = usage;
        server.enqueue(Reply::json(200, &body));
        let made = provider("openai", &server.url(), &json!({}));
        let answer = made.complete(&ModelRequest::prompt("Hi, you")).await.unwrap();
        assert!(answer.usage.estimated);
        assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (2, 3));
    }
}

#[tokio::test]
async fn a_tool_call_whose_json_is_cut_is_an_error_and_no_other_call() {
    let call = json!({ "id": "1", "function": { "name": "pay", "arguments": "{\"amount\": 1" } });
    let mut body = chat_completion("m", "");
    body["choices"][0]["message"]["tool_calls"] = json!([call]);
    let server = VendorServer::start().await.unwrap();
    server.enqueue(Reply::json(200, &body));
    let made = provider("openai", &server.url(), &json!({}));
    let error = made.complete(&ModelRequest::prompt("x")).await.unwrap_err();
    assert_eq!(error.kind, Malformed);
    assert!(error.message.contains("pay") && !error.message.contains("amount"), "{error}");
}
