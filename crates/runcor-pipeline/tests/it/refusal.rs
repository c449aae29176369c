//! Addresses that webhooks must not reach.

use std::net::IpAddr;
use std::sync::Arc;

use runcor_core::{FlowError, Retry};
use runcor_pipeline::{SafeHttp, WebhookPolicy};
use serde_json::json;

use crate::support::{Fixed, Run, Server, answer};

async fn post(url: &str, http: SafeHttp) -> Result<(), FlowError> {
    let yaml = format!("name: f\nsteps: [{{ name: a, kind: webhook, url: '{url}', retries: 0 }}]");
    let mut run = Run::new(&yaml, json!({}));
    run.http = http;
    run.go().await.map(|_| ())
}

fn assert_refused(result: Result<(), FlowError>, url: &str) {
    let failure = result.expect_err(url);
    assert_eq!(failure.code(), Some("ADDRESS_REFUSED"), "{url}: {failure}");
    assert_eq!(failure.retry(), Retry::Never, "{url}");
    assert!(failure.message().contains("webhooks.allow"), "{url}: {failure}");
}

fn resolving_to(addresses: &[&str], policy: WebhookPolicy) -> SafeHttp {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    SafeHttp::with_lookup(policy, Arc::new(Fixed(addresses))).unwrap()
}

#[tokio::test]
async fn addresses_in_the_url_are_refused_in_every_notation() {
    let server = Server::start(vec![answer("200 OK", &[], "{}")]).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "10.0.0.1",
        "192.168.0.1",
        "172.20.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[64:ff9b::7f00:1]",
        "①②⑦.0.0.1",
    ] {
        let url = format!("http://{host}:{}/", server.port);
        let http = SafeHttp::new(WebhookPolicy::default()).unwrap();
        assert_refused(post(&url, http).await, &url);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let server = Server::start(vec![answer("200 OK", &[], "{}")]).await;
    let url = format!("http://localhost:{}/", server.port);
    let http = SafeHttp::new(WebhookPolicy::default()).unwrap();
    assert_refused(post(&url, http).await, &url);

    let url = format!("http://hooks.example.com:{}/", server.port);
    for address in
        ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "169.254.169.254", "fd00::1"]
    {
        let http = resolving_to(&[address], WebhookPolicy::default());
        assert_refused(post(&url, http).await, address);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn private_addresses_are_reached_when_the_policy_allows_them() {
    let ok = || answer("200 OK", &[], "{}");
    let server = Server::start(vec![ok(), ok(), ok()]).await;
    let all = WebhookPolicy { allow_private: true, ..WebhookPolicy::default() };
    let local = format!("http://127.0.0.1:{}/", server.port);
    post(&local, SafeHttp::new(all).unwrap()).await.unwrap();

    let one = |host: &str| WebhookPolicy {
        private_hosts: vec![host.to_owned()],
        ..WebhookPolicy::default()
    };
    post(&local, SafeHttp::new(one("127.0.0.1")).unwrap()).await.unwrap();
    let named = format!("http://hooks.internal:{}/", server.port);
    post(&named, resolving_to(&["127.0.0.1"], one("hooks.internal"))).await.unwrap();
    assert_refused(post(&named, resolving_to(&["127.0.0.1"], one("other"))).await, &named);
}

#[tokio::test]
async fn link_local_addresses_need_their_host_named() {
    let all = WebhookPolicy { allow_private: true, ..WebhookPolicy::default() };
    let url = "http://169.254.169.254/latest/meta-data";
    assert_refused(post(url, SafeHttp::new(all).unwrap()).await, url);
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused_before_its_name_is_resolved() {
    let server = Server::start(vec![answer("200 OK", &[], "{}")]).await;
    let listed = WebhookPolicy {
        allow_private: true,
        allowed_hosts: vec!["hooks.example.com".to_owned()],
        ..WebhookPolicy::default()
    };
    let http = || resolving_to(&["127.0.0.1"], listed.clone());
    for host in ["other.example.com", "127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/", server.port);
        assert_refused(post(&url, http()).await, &url);
    }
    assert!(server.requests().is_empty());
    post(&format!("http://hooks.example.com:{}/", server.port), http()).await.unwrap();
}

#[tokio::test]
async fn a_name_without_an_address_is_a_failure_that_may_pass() {
    let http = resolving_to(&[], WebhookPolicy::default());
    let failure = post("http://hooks.example.com/", http).await.unwrap_err();
    assert_eq!((failure.code(), failure.retry()), (Some("WEBHOOK_FAILED"), Retry::After(None)));
}
