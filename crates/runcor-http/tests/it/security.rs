//! Who may do what: token, hosts, origins, addresses.

use reqwest::{Method, StatusCode};
use runcor_core::ErrorCode;
use runcor_http::{Cors, CorsRules, Error, HttpConfig, HttpParts, Server};
use serde_json::{Value, json};

use crate::client::{Site, answer, code, config};
use crate::fake::Fake;

const TOKEN: &str = "0123456789abcdef-token";

fn guarded() -> HttpConfig {
    HttpConfig { auth_token: Some(TOKEN.to_owned().into()), ..config() }
}

#[tokio::test]
async fn with_a_token_set_every_route_needs_it_reads_and_events_included() {
    let site = Site::with(guarded()).await;
    let id = site.fake.add("hello", "k");
    for (method, path) in [
        (Method::GET, "/v1/flows".to_owned()),
        (Method::POST, "/v1/flows/hello/trigger".to_owned()),
        (Method::GET, "/v1/executions".to_owned()),
        (Method::GET, format!("/v1/executions/{id}")),
        (Method::GET, format!("/v1/executions/{id}/detail")),
        (Method::POST, format!("/v1/executions/{id}/resume")),
        (Method::POST, format!("/v1/executions/{id}/replay")),
        (Method::POST, format!("/v1/executions/{id}/cancel")),
        (Method::DELETE, format!("/v1/executions/{id}")),
        (Method::GET, "/v1/events".to_owned()),
        (Method::GET, format!("/v1/events?token={TOKEN}&access_token={TOKEN}")),
        (Method::GET, "/v1/nope".to_owned()),
        (Method::OPTIONS, "/v1/flows".to_owned()),
    ] {
        let response = site.request(method.clone(), &path).send().await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let (status, body) = answer(response).await;
        assert_eq!((status.as_u16(), code(&body)), (401, "UNAUTHORIZED"), "{method} {path}");
    }
    for wrong in ["Bearer wrong", "Basic 0123", TOKEN, "Bearer "] {
        let request = site.request(Method::GET, "/v1/flows").header("authorization", wrong);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let request = site.request(Method::GET, "/v1/flows").bearer_auth(TOKEN);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    let request = site.request(Method::POST, "/v1/flows/hello/trigger").bearer_auth(TOKEN);
    let request = request.body(r#"{"idempotencyKey":"a"}"#);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn probes_need_no_token_and_health_without_one_tells_the_status_alone() {
    let site = Site::with(guarded()).await;
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
    assert_eq!(site.get("/readyz").await.0, StatusCode::OK);
    assert_eq!(site.get("/v1/health").await, (StatusCode::OK, json!({ "status": "ready" })));
    let request = site.request(Method::GET, "/v1/health").bearer_auth(TOKEN);
    assert_eq!(answer(request.send().await.unwrap()).await.1["flows"], 2);
    let request = site.request(Method::GET, "/v1/health").bearer_auth("wrong");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_without_the_token_costs_no_reading_of_its_body() {
    let site = Site::with(guarded()).await;
    let head = "POST /v1/flows/hello/trigger HTTP/1.1\r\nhost: localhost\r\n\
                content-length: 1000000\r\n\r\n";
    let answer = site.raw(head).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn without_a_token_a_foreign_host_name_is_refused() {
    let site = Site::open().await;
    for host in ["evil.example", "localhost.evil.example:3000", "192.168.0.1"] {
        let request = site.request(Method::GET, "/v1/executions").header("host", host);
        let (status, body) = answer(request.send().await.unwrap()).await;
        assert_eq!((status.as_u16(), code(&body)), (403, "FORBIDDEN"), "{host}");
    }
    let answer = site.raw("GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "no host at all: {answer}");
    let request = site.request(Method::GET, "/v1/executions").header("host", "localhost:1");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_configured_host_name_is_answered() {
    let allowed_hosts = vec!["runcor.example".to_owned()];
    let site = Site::with(HttpConfig { allowed_hosts, ..config() }).await;
    for (host, expected) in
        [("runcor.example:8443", 200), ("evil.example", 403), ("localhost", 200)]
    {
        let request = site.request(Method::GET, "/v1/health").header("host", host);
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected, "{host}");
    }
}

#[tokio::test]
async fn without_a_token_a_page_of_another_origin_can_trigger_nothing() {
    let site = Site::open().await;
    for (origin, expected) in
        [("https://evil.example", 403), ("null", 403), ("http://localhost:5173", 201)]
    {
        let request = site.request(Method::POST, "/v1/flows/hello/trigger");
        let request = request.header("origin", origin).body(r#"{"idempotencyKey":"k"}"#);
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected, "{origin}");
    }
}

#[tokio::test]
async fn cors_is_off_unless_configured() {
    let site = Site::open().await;
    let request = site.request(Method::GET, "/v1/health").header("origin", "http://localhost:5173");
    let response = request.send().await.unwrap();
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    let (status, body) =
        answer(site.request(Method::OPTIONS, "/v1/health").send().await.unwrap()).await;
    assert_eq!((status.as_u16(), code(&body)), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn with_cors_on_a_preflight_is_204_and_needs_no_token() {
    let site = Site::with(HttpConfig { cors: Cors::Any, ..guarded() }).await;
    let request = site
        .request(Method::OPTIONS, "/v1/flows/hello/trigger")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["access-control-allow-methods"], "GET,POST,PATCH,DELETE,OPTIONS");
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("Content-Type") && allowed.contains("Authorization"), "{allowed}");
    assert_eq!(headers["vary"], "access-control-request-headers");
    assert!(!headers.contains_key("access-control-allow-credentials"));
    // A page may read what went wrong, too.
    let request = site.request(Method::GET, "/v1/flows").header("origin", "https://app.example");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn with_a_list_only_the_listed_origins_are_answered() {
    let rules = CorsRules {
        origins: vec!["https://app.example".to_owned()],
        methods: vec!["GET".to_owned()],
        headers: Vec::new(),
    };
    let site = Site::with(HttpConfig { cors: Cors::Rules(rules), ..config() }).await;
    let ask = async |method: Method, origin: &str| {
        site.request(method, "/v1/health").header("origin", origin).send().await.unwrap()
    };
    let response = ask(Method::GET, "https://app.example").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(response.headers()["vary"], "Origin");
    let response = ask(Method::OPTIONS, "https://app.example").await;
    assert_eq!(response.headers()["access-control-allow-methods"], "GET");
    for method in [Method::GET, Method::OPTIONS] {
        let response = ask(method.clone(), "https://evil.example").await;
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{method}");
    }
}

#[tokio::test]
async fn a_public_address_without_a_token_is_refused_unless_told_otherwise() {
    for hostname in ["0.0.0.0", "::", "[::]"] {
        let config = HttpConfig { hostname: hostname.to_owned(), ..config() };
        let error = Server::bind(config, HttpParts::new(Fake::new())).await.unwrap_err();
        assert!(matches!(error, Error::PublicWithoutToken { .. }), "{error}");
        assert!(error.to_string().contains("authToken"), "{error}");
    }
    let hostname = "0.0.0.0".to_owned();
    let open = HttpConfig { hostname: hostname.clone(), allow_unauthenticated: true, ..config() };
    Server::bind(open, HttpParts::new(Fake::new())).await.unwrap();
    Server::bind(HttpConfig { hostname, ..guarded() }, HttpParts::new(Fake::new())).await.unwrap();
}

#[tokio::test]
async fn a_busy_port_is_a_clear_error_at_once() {
    let site = Site::open().await;
    let config = HttpConfig { port: site.addr().port(), ..config() };
    let error = Server::bind(config, HttpParts::new(Fake::new())).await.unwrap_err();
    assert!(matches!(error, Error::PortInUse { .. }), "{error}");
    let upward = runcor_core::Error::from(error);
    assert_eq!(upward.code(), ErrorCode::InvalidConfig);
    assert!(upward.message().contains("another port"), "{upward}");
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_a_clear_error() {
    let hostname = "host.invalid".to_owned();
    let config = HttpConfig { hostname, auth_token: Some("t".to_owned().into()), ..config() };
    let error = Server::bind(config, HttpParts::new(Fake::new())).await.unwrap_err();
    assert!(matches!(error, Error::Bind { .. }), "{error}");
}

#[tokio::test]
async fn answers_are_not_cached_or_sniffed() {
    let site = Site::open().await;
    let response = site.request(Method::GET, "/v1/executions").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["executions"], json!([]));
}
