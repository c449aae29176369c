//! Beginning and, above all, ending.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use runcor_http::{HttpConfig, HttpParts, Server};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::client::{PATIENCE, Site, answer, client, code, config, rest, until};
use crate::fake::Fake;

const TRIGGER: &str = "/v1/flows/hello/trigger";

/// Stops the site; much less than the 30 s that requests may take counts as prompt.
async fn stop_promptly(site: Site) {
    let stopped = tokio::time::timeout(Duration::from_secs(20), site.handle.stop());
    stopped.await.expect("the server did not stop promptly");
}

#[tokio::test]
async fn port_zero_gives_a_free_port_and_the_address_tells_it() {
    let server = Server::bind(config(), HttpParts::new(Fake::new())).await.unwrap();
    assert_ne!(server.local_addr().port(), 0);
    assert!(server.local_addr().ip().is_loopback());
}

#[tokio::test]
async fn a_server_serves_until_its_token_is_cancelled() {
    let server = Server::bind(config(), HttpParts::new(Fake::new())).await.unwrap();
    let (addr, shutdown) = (server.local_addr(), CancellationToken::new());
    let serving = tokio::spawn(server.serve(shutdown.clone()));
    let url = format!("http://{addr}/livez");
    assert_eq!(client().get(&url).send().await.unwrap().status(), StatusCode::OK);
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert!(client().get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_server_that_is_dropped_ends_its_connections() {
    let server = Server::bind(config(), HttpParts::new(Fake::new())).await.unwrap();
    let addr = server.local_addr();
    let serving = tokio::spawn(server.serve(CancellationToken::new()));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    until(&mut stream, "connected").await;
    serving.abort();
    rest(&mut stream).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_event_streams_or_idle_connections() {
    let site = Site::open().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = site.connect().await;
        let request = b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        until(&mut stream, "connected").await;
        streams.push(stream);
    }
    let mut idle = site.connect().await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    until(&mut idle, "live").await;
    stop_promptly(site).await;
    for mut stream in streams {
        assert!(rest(&mut stream).await.contains(": shutdown\n\n"));
    }
    assert_eq!(rest(&mut idle).await, "");
}

#[tokio::test]
async fn a_stop_lets_a_waiting_trigger_answer_at_once() {
    let site = Site::open().await;
    let request = site.request(Method::POST, &format!("{TRIGGER}?wait=60000"));
    let request = request.body(r#"{"idempotencyKey":"k"}"#);
    let waiting = tokio::spawn(async move { answer(request.send().await.unwrap()).await });
    while site.get("/v1/executions").await.1["executions"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    stop_promptly(site).await;
    let (status, body) = waiting.await.unwrap();
    assert_eq!((status.as_u16(), &body["execution"]["state"]), (201, &json!("running")));
}

#[tokio::test]
async fn a_request_that_arrives_during_a_stop_is_503() {
    let site = Site::open().await;
    let addr = site.addr();
    let mut half_asked = site.connect().await;
    half_asked.write_all(b"GET /v1/flows HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    // The server has read the first half once a later connection was answered.
    for _ in 0..20 {
        site.get("/livez").await;
    }
    let stopping = tokio::spawn(site.handle.stop());
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    half_asked.write_all(b"\r\n").await.unwrap();
    let answer = rest(&mut half_asked).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("retry-after"), "{head}");
    assert_eq!(code(&serde_json::from_str(body).unwrap()), "ENGINE_SHUTTING_DOWN");
    tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_when_the_time_is_up() {
    let shutdown_timeout = Duration::from_millis(100);
    let site = Site::with(HttpConfig { shutdown_timeout, ..config() }).await;
    let request = site.request(Method::POST, "/v1/flows/hangs/trigger");
    let request = request.body(r#"{"idempotencyKey":"k"}"#);
    let hanging = tokio::spawn(async move { request.send().await });
    while site.fake.triggering.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    stop_promptly(site).await;
    assert!(hanging.await.unwrap().is_err());
}
