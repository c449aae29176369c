//! Health and probes: what people, load balancers and orchestrators are told.

use reqwest::{Method, StatusCode};
use runcor_core::{EngineStatus, ErrorCode};
use runcor_http::HttpConfig;
use serde_json::json;

use crate::client::{Site, answer, code, config};

#[tokio::test]
async fn health_is_always_200_and_has_the_documented_shape() {
    let site = Site::open().await;
    let response = site.request(Method::GET, "/v1/health").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.text().await.unwrap(),
        concat!(
            r#"{"status":"ready","degraded":null,"uptime":51,"flows":2,"adapters":0,"#,
            r#""capabilities":{"cost":false,"evaluation":false,"adapters":false,"#,
            r#""discernment":false,"scheduler":false,"policy":false}}"#
        )
    );
    site.fake.set_status(EngineStatus::ShuttingDown);
    let (status, body) = site.get("/v1/health").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("shutting_down")));
}

#[tokio::test]
async fn probes_tell_whether_the_server_lives_and_the_engine_takes_work() {
    let site = Site::with(HttpConfig { base_path: "/api".to_owned(), ..config() }).await;
    for prefix in ["", "/api"] {
        assert_eq!(site.get(&format!("{prefix}/livez")).await.0, StatusCode::OK);
        assert_eq!(site.get(&format!("{prefix}/readyz")).await.0, StatusCode::OK);
    }
    site.fake.set_status(EngineStatus::Initializing);
    let (status, body) = site.get("/readyz").await;
    assert_eq!((status.as_u16(), code(&body)), (503, "ENGINE_NOT_READY"));
    site.fake.set_status(EngineStatus::Stopped);
    let (status, body) = site.get("/readyz").await;
    assert_eq!((status.as_u16(), code(&body)), (503, "ENGINE_SHUTTING_DOWN"));
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_store_in_trouble_is_told_by_health_and_turns_readiness_away() {
    let site = Site::open().await;
    site.fake.degrade(Some(ErrorCode::StorageFull));
    let (status, body) = site.get("/v1/health").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("degraded")));
    assert_eq!(
        body["degraded"],
        json!({
            "code": "STORAGE_FULL",
            "message": "no space left on /secret",
            "since": "2026-01-01T00:00:00.000Z",
        })
    );
    let response = site.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, body) = answer(response).await;
    assert_eq!((status.as_u16(), code(&body)), (503, "STORAGE_FULL"));
    assert_eq!(body["error"]["details"]["since"], "2026-01-01T00:00:00.000Z");
    assert!(!body.to_string().contains("/secret"), "a probe needs no token: {body}");
    assert_eq!(site.get("/livez").await.0, StatusCode::OK);

    // What the engine itself says comes before the trouble of its store.
    site.fake.set_status(EngineStatus::ShuttingDown);
    assert_eq!(site.get("/v1/health").await.1["status"], "shutting_down");
    site.fake.set_status(EngineStatus::Ready);
    site.fake.degrade(None);
    assert_eq!(site.get("/v1/health").await.1["status"], "ready");
    assert_eq!(site.get("/readyz").await.0, StatusCode::OK);
}
