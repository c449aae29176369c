//! Case 89: every route returns the documented shapes and statuses.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use runcor_core::{Error, ErrorCode, ExecutionId, ExecutionState, Timestamp};
use runcor_http::{HttpConfig, HttpParts, Server};
use serde_json::{Value, json};

use crate::client::{Site, answer, client, code, config};
use crate::fake::{Fake, Providers, state};

fn trigger(key: &str) -> String {
    json!({ "idempotencyKey": key }).to_string()
}

fn unknown_id() -> ExecutionId {
    ExecutionId::mint(Timestamp::from_millis(1))
}

#[tokio::test]
async fn flows_are_listed_in_order_with_their_limits() {
    let site = Site::open().await;
    let response = site.request(Method::GET, "/v1/flows").send().await.unwrap();
    let config = r#"{"timeout":30000,"maxRetries":3,"baseRetryDelay":1000,"maxRetryDelay":30000,"waitTimeout":0}"#;
    assert_eq!(
        response.text().await.unwrap(),
        format!(
            r#"{{"flows":[{{"name":"hello","config":{config}}},{{"name":"a b/c","config":{config}}}]}}"#
        )
    );
}

#[tokio::test]
async fn a_trigger_answers_201_with_the_execution_in_the_documented_key_order() {
    let site = Site::open().await;
    let body = json!({ "idempotencyKey": "k1", "input": { "n": 1 }, "userId": "u" }).to_string();
    let request = site.request(Method::POST, "/v1/flows/hello/trigger").body(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(!response.headers().contains_key("idempotency-replayed"));
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let id = body["execution"]["id"].as_str().unwrap();
    let at = "2026-01-01T00:00:00.000Z";
    assert_eq!(
        text,
        format!(
            concat!(
                r#"{{"execution":{{"id":"{id}","flowName":"hello","idempotencyKey":"k1","#,
                r#""state":"running","input":{{"n":1}},"result":null,"error":null,"retryCount":0,"#,
                r#""timestamps":{{"queued":"{at}","started":"{at}","completed":null,"#,
                r#""transitions":[{{"from":"queued","to":"running","at":"{at}"}}]}},"#,
                r#""waitContext":null,"resumeData":null,"replayOf":null,"userId":"u","#,
                r#""sessionId":null,"tenantId":null,"metadata":null}}}}"#
            ),
            id = id,
            at = at
        )
    );
}

#[tokio::test]
async fn everything_a_trigger_may_carry_reaches_the_runtime() {
    let site = Site::open().await;
    let body = json!({
        "idempotencyKey": "k", "input": [1, null], "userId": "u", "sessionId": "s",
        "tenantId": "t", "metadata": { "m": 1 }, "timeout": 5, "waitTimeout": 0, "unknown": {}
    });
    let (status, _) = site.post("/v1/flows/a%20b%2Fc/trigger", body.to_string()).await;
    assert_eq!(status, StatusCode::CREATED);
    let trigger = site.fake.last_trigger();
    assert_eq!(trigger.input, json!([1, null]));
    assert_eq!(trigger.user_id.as_deref(), Some("u"));
    assert_eq!(trigger.session_id.as_deref(), Some("s"));
    assert_eq!(trigger.tenant_id.as_deref(), Some("t"));
    assert_eq!(trigger.metadata, Some(json!({ "m": 1 })));
    assert_eq!(trigger.timeout, Some(Duration::from_millis(5)));
    assert_eq!(trigger.wait_timeout, Some(Duration::ZERO));

    let (status, body) = site.post("/v1/flows/hello/trigger", trigger_of_nothing()).await;
    assert_eq!((status, &body["execution"]["input"]), (StatusCode::CREATED, &Value::Null));
    assert_eq!(site.fake.last_trigger().timeout, None);
}

fn trigger_of_nothing() -> String {
    json!({ "idempotencyKey": "n", "userId": null, "timeout": null }).to_string()
}

#[tokio::test]
async fn a_repeated_key_answers_201_with_the_same_execution_and_says_so() {
    let site = Site::open().await;
    let (_, first) = site.post("/v1/flows/hello/trigger", trigger("k")).await;
    let request = site.request(Method::POST, "/v1/flows/hello/trigger").body(trigger("k"));
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["idempotency-replayed"], "true");
    let (status, second) = answer(response).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(first["execution"]["id"], second["execution"]["id"]);
}

#[tokio::test]
async fn a_missing_key_is_400_with_the_field_in_the_details() {
    let site = Site::open().await;
    for body in ["", "{}", r#"{"idempotencyKey":""}"#, r#"{"idempotencyKey":5}"#] {
        // The key is looked at first, as in the reference: the flow does not even exist.
        let (status, body) = site.post("/v1/flows/nope/trigger", body).await;
        assert_eq!((status.as_u16(), code(&body)), (400, "VALIDATION_ERROR"));
        let details = json!({ "field": "idempotencyKey", "reason": "required" });
        assert_eq!(body["error"]["details"], details);
    }
}

#[tokio::test]
async fn a_blank_key_is_400_and_not_500() {
    let site = Site::open().await;
    let (status, body) = site.post("/v1/flows/hello/trigger", trigger("  ")).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "MISSING_IDEMPOTENCY_KEY"));
    assert_eq!(body["error"]["details"]["field"], "idempotencyKey");
}

#[tokio::test]
async fn a_body_that_is_no_object_is_400_and_one_that_is_no_json_is_invalid_json() {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    for path in [
        "/v1/flows/hello/trigger".to_owned(),
        format!("/v1/executions/{id}/resume"),
        format!("/v1/executions/{id}/cancel"),
    ] {
        for (body, expected) in [
            ("null", "VALIDATION_ERROR"),
            ("[]", "VALIDATION_ERROR"),
            ("7", "VALIDATION_ERROR"),
            ("{", "INVALID_JSON"),
            ("hello", "INVALID_JSON"),
            ("\u{feff}{}", "INVALID_JSON"),
        ] {
            let (status, answer) = site.post(&path, body).await;
            assert_eq!((status.as_u16(), code(&answer)), (400, expected), "{path} {body}");
        }
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_400_and_named() {
    let site = Site::open().await;
    for (field, wrong) in [
        ("userId", json!(5)),
        ("sessionId", json!({})),
        ("tenantId", json!([])),
        ("metadata", json!("x")),
        ("timeout", json!("5")),
        ("timeout", json!(-5)),
        ("waitTimeout", json!(1.5)),
    ] {
        let mut body = json!({ "idempotencyKey": "k" });
        body[field] = wrong;
        let (status, body) = site.post("/v1/flows/hello/trigger", body.to_string()).await;
        assert_eq!((status.as_u16(), code(&body)), (400, "VALIDATION_ERROR"));
        assert_eq!(body["error"]["details"]["field"], field);
    }
    let id = site.fake.add("hello", "k");
    let path = format!("/v1/executions/{id}/cancel");
    let (status, body) = site.post(&path, r#"{"reason":5}"#).await;
    assert_eq!((status.as_u16(), &body["error"]["details"]["field"]), (400, &json!("reason")));
}

#[tokio::test]
async fn json_that_is_nested_too_deeply_is_400() {
    let site = Site::open().await;
    let deep =
        format!(r#"{{"idempotencyKey":"k","input":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let (status, body) = site.post("/v1/flows/hello/trigger", deep).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_JSON"));
}

#[tokio::test]
async fn a_trigger_of_an_unknown_flow_is_404() {
    let site = Site::open().await;
    for path in ["/v1/flows/nope/trigger", "/v1/flows/%FF/trigger"] {
        let (status, body) = site.post(path, trigger("k")).await;
        assert_eq!((status.as_u16(), code(&body)), (404, "FLOW_NOT_FOUND"));
    }
}

#[tokio::test]
async fn a_trigger_that_waits_answers_with_the_ended_execution() {
    let site = Site::open().await;
    let waiting = tokio::spawn({
        let request = site.request(Method::POST, "/v1/flows/hello/trigger?wait=60000");
        let request = request.body(trigger("k"));
        async move { answer(request.send().await.unwrap()).await }
    });
    let id = loop {
        let (_, body) = site.get("/v1/executions").await;
        match body["executions"][0]["id"].as_str() {
            Some(id) => break id.parse().unwrap(),
            None => tokio::task::yield_now().await,
        }
    };
    site.fake.finish(id, json!("done"));
    let (status, body) = waiting.await.unwrap();
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(body["execution"]["state"], state(ExecutionState::Complete));
    assert_eq!(body["execution"]["result"], "done");
}

#[tokio::test]
async fn a_trigger_waits_no_longer_than_it_says() {
    let site = Site::open().await;
    for wait in ["0", "5"] {
        let path = format!("/v1/flows/hello/trigger?wait={wait}");
        let (status, body) = site.post(&path, trigger("k")).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(body["execution"]["state"], state(ExecutionState::Running));
    }
    let (status, body) = site.post("/v1/flows/hello/trigger?wait=soon", trigger("k")).await;
    assert_eq!((status.as_u16(), &body["error"]["details"]["field"]), (400, &json!("wait")));
}

#[tokio::test]
async fn the_longest_wait_is_bounded() {
    let site = Site::with(HttpConfig { max_wait: Duration::from_millis(1), ..config() }).await;
    let path = format!("/v1/flows/hello/trigger?wait={}", u64::MAX);
    let (status, body) = site.post(&path, trigger("k")).await;
    assert_eq!((status.as_u16(), &body["execution"]["state"]), (201, &json!("running")));
}

async fn keys(site: &Site, query: &str) -> Vec<String> {
    let (status, body) = site.get(&format!("/v1/executions{query}")).await;
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    let list = body["executions"].as_array().unwrap();
    list.iter().map(|one| one["idempotencyKey"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn executions_are_listed_oldest_first_fifty_at_a_time_and_two_hundred_at_most() {
    let site = Site::open().await;
    let response = site.request(Method::GET, "/v1/executions").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), r#"{"executions":[],"nextCursor":null}"#);
    for n in 0..250 {
        site.fake.add("hello", &format!("k{n}"));
    }
    let first = keys(&site, "").await;
    assert_eq!((first.len(), first[0].as_str()), (50, "k0"));
    assert_eq!(keys(&site, "?limit=1000").await.len(), 200);
    for default in ["?limit=-1", "?limit=NaN", "?limit=", "?limit=1.5"] {
        assert_eq!(keys(&site, default).await.len(), 50, "{default}");
    }
    assert!(keys(&site, "?limit=0").await.is_empty());
    assert_eq!(keys(&site, "?limit=2&offset=3").await, ["k3", "k4"]);
    assert_eq!(keys(&site, "?limit=1&offset=-3").await, ["k0"]);
    assert_eq!(keys(&site, "?limit=2&order=desc").await, ["k249", "k248"]);
    assert_eq!(keys(&site, "?limit=1&order=asc").await, ["k0"]);
}

#[tokio::test]
async fn executions_are_filtered_and_a_filter_that_names_nothing_finds_nothing() {
    let site = Site::open().await;
    let a = site.fake.add("hello", "a");
    site.fake.add("a b/c", "b");
    site.fake.finish(a, json!(1));
    site.post("/v1/flows/hello/trigger", r#"{"idempotencyKey":"c","userId":"u"}"#).await;
    let parent = unknown_id();
    assert!(keys(&site, &format!("?parentId={parent}")).await.is_empty());
    assert_eq!(keys(&site, "?state=complete").await, ["a"]);
    assert_eq!(keys(&site, "?state=running").await, ["b", "c"]);
    assert_eq!(keys(&site, "?flowName=hello").await, ["a", "c"]);
    assert_eq!(keys(&site, "?flowName=a%20b%2Fc&state=running").await, ["b"]);
    assert_eq!(keys(&site, "?userId=u").await, ["c"]);
    for nothing in [
        "?state=nope",
        "?flowName=nope",
        "?flowName=%20",
        "?userId=%00",
        "?tenantId=t",
        "?parentId=x",
    ] {
        assert!(keys(&site, nothing).await.is_empty(), "{nothing}");
    }
    site.fake.add_child(parent, "child");
    assert_eq!(keys(&site, &format!("?parentId={parent}")).await, ["child"]);
}

#[tokio::test]
async fn pages_by_cursor_visit_every_execution_once() {
    let site = Site::open().await;
    for n in 0..7 {
        site.fake.add("hello", &format!("k{n}"));
    }
    for order in ["asc", "desc"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/executions?limit=3&order={order}&cursor={cursor}");
            let (_, body) = site.get(&path).await;
            let page = body["executions"].as_array().unwrap();
            seen.extend(page.iter().map(|one| one["idempotencyKey"].as_str().unwrap().to_owned()));
            match body["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        seen.sort();
        assert_eq!(seen, ["k0", "k1", "k2", "k3", "k4", "k5", "k6"], "{order}");
    }
}

#[tokio::test]
async fn a_wrong_order_or_cursor_is_400_rather_than_the_wrong_page() {
    let site = Site::open().await;
    for (query, field) in
        [("?order=up", "order"), ("?cursor=x", "cursor"), ("?cursor=c-1", "cursor")]
    {
        let (status, body) = site.get(&format!("/v1/executions{query}")).await;
        assert_eq!((status.as_u16(), code(&body)), (400, "VALIDATION_ERROR"));
        assert_eq!(body["error"]["details"]["field"], field);
    }
}

#[tokio::test]
async fn an_execution_is_shown_alone_and_in_detail() {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    let (status, body) = site.get(&format!("/v1/executions/{id}")).await;
    assert_eq!((status, &body["execution"]["id"]), (StatusCode::OK, &json!(id)));
    let (status, detail) = site.get(&format!("/v1/executions/{id}/detail")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        detail,
        json!({
            "execution": body["execution"],
            "costEntries": null, "evaluation": null, "flag": null,
        })
    );
}

#[tokio::test]
async fn an_unknown_execution_is_404_on_every_route() {
    let site = Site::open().await;
    for id in [unknown_id().to_string(), "nope".to_owned(), "%FF".to_owned()] {
        for (method, action) in [
            (Method::GET, ""),
            (Method::GET, "/detail"),
            (Method::POST, "/resume"),
            (Method::POST, "/replay"),
            (Method::POST, "/cancel"),
            (Method::POST, "/decision"),
            (Method::POST, "/fork"),
            (Method::GET, "/timeline"),
            (Method::GET, "/journal/a%231"),
            (Method::DELETE, ""),
        ] {
            let request = site.request(method, &format!("/v1/executions/{id}{action}"));
            let request = request.body(
                r#"{"decision":"did_not_happen"}"#.repeat(usize::from(action == "/decision")),
            );
            let (status, body) = answer(request.send().await.unwrap()).await;
            assert_eq!((status.as_u16(), code(&body)), (404, "EXECUTION_NOT_FOUND"), "{action}");
        }
    }
}

#[tokio::test]
async fn a_resume_tells_null_from_nothing_and_accepts_both_names() {
    let site = Site::open().await;
    for (body, expected) in [
        ("", None),
        ("{}", None),
        (r#"{"resumeData":null}"#, Some(Value::Null)),
        (r#"{"data":null}"#, Some(Value::Null)),
        (r#"{"resumeData":{"ok":true}}"#, Some(json!({ "ok": true }))),
        (r#"{"data":[1]}"#, Some(json!([1]))),
        (r#"{"data":1,"resumeData":2}"#, Some(json!(2))),
    ] {
        let id = site.fake.add("hello", "k");
        site.fake.wait(id);
        let (status, answer) = site.post(&format!("/v1/executions/{id}/resume"), body).await;
        assert_eq!((status, &answer["execution"]["state"]), (StatusCode::OK, &json!("running")));
        assert_eq!(site.fake.resumed_with(), expected, "{body}");
    }
}

#[tokio::test]
async fn a_replay_answers_201_with_a_new_execution() {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    let path = format!("/v1/executions/{id}/replay");
    let (status, body) = site.post(&path, "").await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_STATE"));
    site.fake.finish(id, json!(1));
    let (status, body) = site.post(&path, "").await;
    assert_eq!((status, &body["execution"]["replayOf"]), (StatusCode::CREATED, &json!(id)));
}

#[tokio::test]
async fn a_cancel_fails_the_execution_with_the_reason() {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    let path = format!("/v1/executions/{id}/cancel");
    let (status, body) = site.post(&path, r#"{"reason":"because"}"#).await;
    assert_eq!((status, &body["execution"]["state"]), (StatusCode::OK, &json!("failed")));
    assert_eq!(
        body["execution"]["error"].to_string(),
        r#"{"message":"because","stack":null,"retryable":false,"retryCount":0,"code":"CANCELLED"}"#
    );
    let (status, body) = site.post(&path, "").await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_STATE"));
}

#[tokio::test]
async fn a_delete_removes_an_ended_execution_and_no_other() {
    let site = Site::open().await;
    let id = site.fake.add("hello", "k");
    let path = format!("/v1/executions/{id}");
    let (status, body) = site.delete(&path).await;
    assert_eq!((status.as_u16(), code(&body)), (409, "INVALID_TRANSITION"));
    site.fake.finish(id, json!(1));
    let (status, body) = site.delete(&path).await;
    assert_eq!((status, body), (StatusCode::OK, json!({ "deleted": true, "id": id })));
    assert_eq!(site.delete(&path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn providers_are_there_only_with_a_report() {
    let site = Site::open().await;
    let (status, body) = site.get("/v1/providers").await;
    assert_eq!((status.as_u16(), code(&body)), (404, "NOT_FOUND"));

    let parts = HttpParts::new(Fake::new()).with_providers(Arc::new(Providers));
    let handle = Server::bind(config(), parts).await.unwrap().start();
    let url = format!("http://{}/v1/providers", handle.local_addr());
    let text = client().get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, r#"{"providers":[{"name":"mock","healthState":"healthy","priority":1}]}"#);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let site = Site::open().await;
    for path in ["/", "/v1", "/v1/nope", "/v1/flows/", "/health", "//v1/health"] {
        let (status, body) = site.get(path).await;
        assert_eq!((status.as_u16(), code(&body)), (404, "NOT_FOUND"), "{path}");
        assert_eq!(body["error"]["details"], Value::Null);
    }
    let response = site.request(Method::PUT, "/v1/flows").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    let (status, body) = answer(response).await;
    assert_eq!((status.as_u16(), code(&body)), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_head_request_gets_the_headers_alone() {
    let site = Site::open().await;
    let response = site.request(Method::HEAD, "/v1/flows").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.text().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_base_path_counts_with_and_without_a_trailing_slash() {
    for base in ["/api/runcor", "/api/runcor/", "/api/runcor//"] {
        let site = Site::with(HttpConfig { base_path: base.to_owned(), ..config() }).await;
        assert_eq!(site.get("/api/runcor/v1/health").await.0, StatusCode::OK, "{base}");
        assert_eq!(site.get("/v1/health").await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn errors_of_the_engine_have_the_documented_statuses() {
    let site = Site::open().await;
    for (error, status, retry_after) in [
        (ErrorCode::InvalidInput, 400, None),
        (ErrorCode::QueueFull, 429, Some("1")),
        (ErrorCode::EngineShuttingDown, 503, Some("1")),
        (ErrorCode::EngineNotReady, 503, Some("1")),
        (ErrorCode::StorageFull, 503, Some("1")),
        (ErrorCode::StorageUnavailable, 503, Some("1")),
        (ErrorCode::StorageSlow, 503, Some("1")),
        (ErrorCode::InvalidToken, 403, None),
        (ErrorCode::EntryNotFound, 404, None),
        (ErrorCode::CallTooDeep, 400, None),
    ] {
        site.fake.fail_next(Error::new(error, "no").with_details(json!({ "why": 1 })));
        let request = site.request(Method::POST, "/v1/flows/hello/trigger").body(trigger("k"));
        let response = request.send().await.unwrap();
        let told = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(told, retry_after, "{error}");
        let (got, body) = answer(response).await;
        assert_eq!((got.as_u16(), code(&body)), (status, error.as_str()));
        assert_eq!(body["error"]["details"], json!({ "why": 1 }));
    }
    let delay = Some(Duration::from_millis(2_500));
    site.fake.fail_next(Error::new(ErrorCode::QueueFull, "full").retryable(delay));
    let request = site.request(Method::POST, "/v1/flows/hello/trigger").body(trigger("k"));
    assert_eq!(request.send().await.unwrap().headers()["retry-after"], "3");
}

#[tokio::test]
async fn an_inner_error_has_a_request_id_and_not_its_cause() {
    let site = Site::open().await;
    for (error, expected) in [
        (ErrorCode::InternalError, 500),
        (ErrorCode::StorageCorrupt, 503),
        (ErrorCode::StorageLocked, 503),
    ] {
        let cause = std::io::Error::other("hunter2");
        site.fake.fail_next(Error::new(error, "page 7 of /var/db").with_source(cause));
        let (status, body) = site.get("/v1/executions").await;
        assert_eq!((status.as_u16(), code(&body)), (expected, error.as_str()));
        assert!(body["error"]["details"]["requestId"].is_string());
        let text = body.to_string();
        assert!(!text.contains("hunter2") && !text.contains("/var"), "{text}");
    }
}

#[tokio::test]
async fn a_panic_behind_a_route_is_500_and_the_server_goes_on() {
    let site = Site::open().await;
    let (status, body) = site.post("/v1/flows/panics/trigger", trigger("k")).await;
    assert_eq!((status.as_u16(), code(&body)), (500, "INTERNAL_ERROR"));
    assert_eq!(site.get("/v1/health").await.0, StatusCode::OK);
}
