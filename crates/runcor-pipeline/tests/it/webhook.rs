//! Webhooks against a server of their own.

use std::time::Duration;

use runcor_core::{ManualClock, Retry};
use serde_json::{Value, json};

use crate::support::{Run, Server, answer, skipping};

fn flow(port: u16, more: &str) -> String {
    format!(
        "
name: f
steps:
  - name: tell
    kind: webhook
    url: http://hooks.example.com:{port}/T/secret?x=1
    headers: {{ X-Team: support, Authorization: Bearer hidden }}
    {more}
"
    )
}

async fn output_of(answer: Vec<u8>) -> Result<Value, String> {
    let server = Server::start(vec![answer]).await;
    let run = Run::new(&flow(server.port, "retries: 0"), json!({ "a": 1 }));
    run.go().await.map_err(|error| error.message().to_owned())
}

#[tokio::test]
async fn the_input_is_posted_as_json_with_the_headers_and_a_key() {
    let server = Server::start(vec![answer("200 OK", &[], "{\"ok\":true}")]).await;
    let run = Run::new(&flow(server.port, "input: { n: $.input.a }"), json!({ "a": 1 }));
    assert_eq!(run.go().await.unwrap(), json!({ "ok": true }));
    let request = &server.requests()[0];
    assert!(request.starts_with("POST /T/secret?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"n\":1}"), "{request}");
    assert_eq!(server.header("content-type"), [Some("application/json".to_owned())]);
    assert_eq!(server.header("x-team"), [Some("support".to_owned())]);
    assert_eq!(server.header("authorization"), [Some("Bearer hidden".to_owned())]);
    assert_eq!(server.header("host"), [Some(format!("hooks.example.com:{}", server.port))]);
    assert_eq!(server.header("idempotency-key"), [Some(format!("{}:tell#1", run.spec.id))]);
}

#[tokio::test]
async fn a_good_answer_is_json_text_or_nothing() {
    assert_eq!(output_of(answer("201 Created", &[], "[1]")).await, Ok(json!([1])));
    assert_eq!(output_of(answer("200 OK", &[], "ok")).await, Ok(json!({ "text": "ok" })));
    assert_eq!(output_of(answer("204 No Content", &[], "")).await, Ok(json!({})));
}

#[tokio::test]
async fn a_bad_answer_fails_with_status_and_body_but_without_the_address() {
    let message = output_of(answer("404 Not Found", &[], "no such hook")).await.unwrap_err();
    assert_eq!(message, "step 'tell': the webhook answered 404: no such hook");
    let long = output_of(answer("400 Bad Request", &[], &"x".repeat(5000))).await.unwrap_err();
    assert!(long.len() < 2200, "{}", long.len());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(vec![answer("200 OK", &[], "{}")]).await;
    let location = format!("location: http://hooks.example.com:{}/", other.port);
    let message = output_of(answer("302 Found", &[&location], "")).await.unwrap_err();
    assert!(message.contains("302, and redirects are not followed"), "{message}");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn an_answer_of_more_than_a_mebibyte_is_refused() {
    let message = output_of(answer("200 OK", &[], &"x".repeat((1 << 20) + 1))).await.unwrap_err();
    assert!(message.contains("more than 1 MiB"), "{message}");
    let most = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert!(output_of(answer("200 OK", &[], &most)).await.is_ok());
}

#[tokio::test]
async fn overload_is_tried_again_with_the_same_key_and_as_late_as_asked() {
    let clock = ManualClock::new();
    let server = Server::start(vec![
        answer("503 Service Unavailable", &["retry-after: 20"], ""),
        answer("429 Too Many Requests", &["retry-after: Thu, 01 Jan 2026 00:00:50 GMT"], ""),
        answer("200 OK", &[], "{\"n\":3}"),
    ])
    .await;
    let yaml = flow(server.port, "timeout_ms: 3600000");
    let run = Run::new(&yaml, json!({})).with_clock(clock.clone());
    // An attempt on loopback may meet the skipping of its timeout; it is far away.
    let (result, slept) = skipping_pauses(&clock, &run).await;
    assert_eq!(result, json!({ "n": 3 }));
    assert_eq!(slept, Duration::from_secs(50));
    let keys = server.header("idempotency-key");
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]));
}

/// Runs and skips pauses of up to a minute, but no timeout of an attempt.
async fn skipping_pauses(clock: &ManualClock, run: &Run) -> (Value, Duration) {
    use runcor_core::Clock;

    let start = clock.now();
    let work = run.go();
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return (done.unwrap(), clock.now().since(start)),
            () = tokio::time::sleep(Duration::from_millis(10)) => {
                let wake = clock.next_wake().filter(|wake| wake.since(clock.now()) <= Duration::from_secs(60));
                wake.into_iter().for_each(|wake| clock.set(wake));
            }
        }
    }
}

#[tokio::test]
async fn what_still_fails_after_the_retries_leaves_the_flow_retryable() {
    let down = || answer("500 Internal Server Error", &[], "down");
    let server = Server::start(vec![down(), down(), down()]).await;
    let yaml = flow(server.port, "")
        .replace("steps:", "base_retry_delay_ms: 1\nmax_retry_delay_ms: 1\nsteps:");
    let clock = ManualClock::new();
    let run = Run::new(&yaml, json!({})).with_clock(clock.clone());
    let (result, _) = skipping(&clock, run.go()).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.message(), "step 'tell': the webhook answered 500: down");
    assert_eq!((failure.code(), failure.retry()), (Some("WEBHOOK_FAILED"), Retry::After(None)));
    assert_eq!(server.requests().len(), 3, "one attempt and two retries");
}

#[tokio::test]
async fn a_client_error_is_final_after_one_attempt() {
    let server =
        Server::start(vec![answer("404 Not Found", &[], ""), answer("200 OK", &[], "")]).await;
    let run = Run::new(&flow(server.port, ""), json!({}));
    assert_eq!(run.go().await.unwrap_err().retry(), Retry::Never);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_longer_delay_than_a_minute_is_left_to_the_flow() {
    let busy = answer("429 Too Many Requests", &["retry-after: 600"], "");
    let server = Server::start(vec![busy]).await;
    let run = Run::new(&flow(server.port, ""), json!({}));
    let failure = run.go().await.unwrap_err();
    assert_eq!(failure.retry(), Retry::After(Some(Duration::from_secs(600))));
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_failure_that_may_pass_and_tells_no_address() {
    let server =
        Server::start(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec()]).await;
    let run = Run::new(&flow(server.port, "retries: 0"), json!({}));
    let broken = run.go().await.unwrap_err();
    assert_eq!(broken.retry(), Retry::After(None));

    let nobody = Run::new(&flow(1, "retries: 0"), json!({})).go().await.unwrap_err();
    assert!(
        nobody.message().starts_with("step 'tell': can't reach hooks.example.com: "),
        "{nobody}"
    );
    for failure in [broken, nobody] {
        let message = failure.message();
        assert!(!message.contains("secret") && !message.contains("hidden"), "{message}");
        assert_eq!((failure.code(), failure.retry()), (Some("WEBHOOK_FAILED"), Retry::After(None)));
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let run = Run::new(&flow(port, "timeout_ms: 100\n    retries: 0"), json!({}));
    let failure = run.go().await.unwrap_err();
    assert_eq!(failure.message(), "step 'tell': took longer than 100 ms (timeout_ms)");
    assert_eq!(failure.code(), Some("WEBHOOK_FAILED"));
}
