//! On whose behalf a request is made: tokens, headers, bodies.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use runcor_core::{
    Admission, Caller, Error, ErrorCode, FlowName, Operation, Policy, PolicyRequest, TenantId,
    UserId,
};
use runcor_http::HttpConfig;
use serde_json::{Value, json};

use crate::client::{Site, answer, code, config};
use crate::house::{ACME, ALICE, BOB, House, OPERATOR, UMBRELLA, guarded};

fn caller(user: Option<&str>, tenant: Option<&str>) -> Caller {
    Caller {
        user: user.map(|user| UserId::new(user).unwrap()),
        tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
    }
}

/// Asks for an execution with a token and headers, and tells on whose behalf the runtime was asked.
async fn seen_as(
    site: &Site,
    token: Option<&str>,
    headers: &[(&str, &str)],
) -> Result<Option<Caller>, (StatusCode, Value)> {
    let id = site.fake.add("hello", &format!("{token:?}{headers:?}"));
    let mut request = site.request(Method::GET, &format!("/v1/executions/{id}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (status, body) = answer(request.send().await.unwrap()).await;
    if status == StatusCode::OK { Ok(site.fake.last_caller()) } else { Err((status, body)) }
}

#[tokio::test]
async fn without_a_token_or_a_header_nobody_in_particular_asks() {
    let site = Site::open().await;
    assert_eq!(seen_as(&site, None, &[]).await.unwrap(), None);
    let found = seen_as(&site, None, &[("X-Runcor-User", "ann"), ("X-Runcor-Tenant", "acme")]);
    assert_eq!(found.await.unwrap(), Some(caller(Some("ann"), Some("acme"))));
}

#[tokio::test]
async fn a_token_says_who_asks_and_headers_may_add_what_it_leaves_open() {
    let site = Site::with(guarded()).await;
    let seen = async |token, headers: &[(&str, &str)]| seen_as(&site, Some(token), headers).await;
    assert_eq!(seen(OPERATOR, &[]).await.unwrap(), None);
    assert_eq!(seen(ACME, &[]).await.unwrap(), Some(caller(None, Some("acme"))));
    assert_eq!(seen(ALICE, &[]).await.unwrap(), Some(caller(Some("alice"), Some("acme"))));
    let ann = [("X-Runcor-User", "ann")];
    assert_eq!(seen(ACME, &ann).await.unwrap(), Some(caller(Some("ann"), Some("acme"))));
    let same = [("X-Runcor-Tenant", "acme")];
    assert_eq!(seen(ACME, &same).await.unwrap(), Some(caller(None, Some("acme"))));
    let other = [("X-Runcor-Tenant", "umbrella")];
    assert_eq!(seen(OPERATOR, &other).await.unwrap(), Some(caller(None, Some("umbrella"))));
    for (token, headers) in [(ACME, &other), (ALICE, &ann), (BOB, &other), (BOB, &ann)] {
        let (status, body) = seen(token, headers).await.unwrap_err();
        assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "ACCESS_DENIED"), "{token}");
    }
    let (status, body) = seen(ACME, &[("X-Runcor-User", "")]).await.unwrap_err();
    assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "VALIDATION_ERROR"));
    let (status, body) = seen("token-of-nobody", &[]).await.unwrap_err();
    assert_eq!((status, code(&body)), (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"));
}

#[tokio::test]
async fn tokens_of_tenants_alone_close_the_server_as_well() {
    let config = HttpConfig { auth_token: None, ..guarded() };
    let site = Site::with(config).await;
    let (status, _) = site.get("/v1/executions").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(seen_as(&site, Some(ACME), &[]).await.is_ok());
}

#[tokio::test]
async fn a_body_may_name_nobody_whom_the_token_does_not_stand_for() {
    let house = House::open().await;
    let trigger = async |token, key: &str, more: Value| {
        let mut body = json!({ "idempotencyKey": key });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, body) = house.post(token, "/flows/greet/trigger", body).await;
        let ids = [&body["execution"]["userId"], &body["execution"]["tenantId"]];
        (status, ids.map(|id| id.as_str().map(str::to_owned)))
    };
    let text = |text: &str| Some(text.to_owned());
    let made = |user: Option<&str>, tenant: Option<&str>| {
        (StatusCode::CREATED, [user.and_then(text), tenant.and_then(text)])
    };
    assert_eq!(trigger(ACME, "1", json!({})).await, made(None, Some("acme")));
    assert_eq!(
        trigger(ACME, "2", json!({ "userId": "ann" })).await,
        made(Some("ann"), Some("acme"))
    );
    assert_eq!(trigger(ALICE, "3", json!({})).await, made(Some("alice"), Some("acme")));
    assert_eq!(
        trigger(OPERATOR, "4", json!({ "userId": "u", "tenantId": "t" })).await,
        made(Some("u"), Some("t"))
    );
    for (token, more) in [
        (ACME, json!({ "tenantId": "umbrella" })),
        (ALICE, json!({ "userId": "ann" })),
        (BOB, json!({ "tenantId": "acme" })),
        (BOB, json!({ "userId": "ann" })),
    ] {
        assert_eq!(trigger(token, "5", more).await.0, StatusCode::FORBIDDEN, "{token}");
    }
    house.close().await;
}

#[tokio::test]
async fn one_key_is_two_pieces_of_work_for_two_tenants() {
    let house = House::open().await;
    let (mine, other) =
        (house.run(ACME, "same", json!({})).await, house.run(UMBRELLA, "same", json!({})).await);
    assert_ne!(mine["id"], other["id"]);
    house.close().await;
}

/// Lets nobody but ann read, and hides a flow from everybody.
#[derive(Debug)]
struct AnnReads;

#[async_trait]
impl Policy for AnnReads {
    async fn admit(&self, request: &PolicyRequest<'_>) -> Result<Admission, Error> {
        let is_ann = request.caller.user.as_ref().is_some_and(|user| user.as_str() == "ann");
        if request.operation == Operation::Read && !is_ann {
            return Err(Error::new(ErrorCode::AccessDenied, "only ann reads"));
        }
        Ok(Admission::default())
    }

    fn sees_flow(&self, _: &Caller, flow: &FlowName) -> bool {
        flow.as_str() != "never"
    }
}

#[tokio::test]
async fn the_policy_judges_reads_of_costs_and_of_quality_too() {
    let house = House::with(config(), Some(Arc::new(AnnReads))).await;
    let execution = house.run("none", "k", json!({ "userId": "ann" })).await;
    let id = execution["id"].as_str().unwrap();
    let as_user = async |user: &str, path: &str| {
        let request = house.request("none", Method::GET, path).header("X-Runcor-User", user);
        answer(request.send().await.unwrap()).await
    };
    for path in [
        "/cost/summary".to_owned(),
        "/cost/entries".to_owned(),
        format!("/cost/entries?executionId={id}"),
        "/cost/totals".to_owned(),
        "/budgets".to_owned(),
        "/evaluations".to_owned(),
        "/flags".to_owned(),
        "/executions".to_owned(),
        "/events".to_owned(),
        format!("/executions/{id}"),
        format!("/executions/{id}/detail"),
        format!("/executions/{id}/timeline"),
        format!("/executions/{id}/evaluation"),
        format!("/executions/{id}/flag"),
    ] {
        let (status, body) = as_user("ben", &path).await;
        assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "ACCESS_DENIED"), "{path}");
    }
    let (status, _) = as_user("ann", &format!("/executions/{id}/detail")).await;
    assert_eq!(status, StatusCode::OK);
    let (_, body) = as_user("ann", "/flows").await;
    assert_eq!(body["flows"].as_array().unwrap().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn costs_of_a_flow_that_a_caller_does_not_see_are_left_out() {
    let house = House::with(config(), Some(Arc::new(AnnReads))).await;
    let hidden = runcor_core::LedgerEntry {
        flow_name: FlowName::new("never").unwrap(),
        ..crate::house::row(None, "openai", 1)
    };
    house.book(hidden).await;
    house.book(crate::house::row(None, "openai", 2)).await;
    for (path, key) in [
        ("/cost/entries", "entries"),
        ("/cost/totals?by=flow", "totals"),
        ("/cost/summary", "byFlow"),
    ] {
        let request = house.request("none", Method::GET, path).header("X-Runcor-User", "ann");
        let (_, body) = answer(request.send().await.unwrap()).await;
        assert_eq!(body[key].as_array().unwrap().len(), 1, "{path}: {body}");
    }
    house.close().await;
}

#[tokio::test]
async fn events_of_a_flow_that_a_caller_does_not_see_are_left_out() {
    let house = House::with(config(), Some(Arc::new(AnnReads))).await;
    let body = json!({ "idempotencyKey": "hidden" });
    let (_, body) = house.post("none", "/flows/never/trigger", body).await;
    let hidden = body["execution"]["id"].as_str().unwrap().to_owned();
    house.post("none", &format!("/executions/{hidden}/cancel"), json!({})).await;
    let seen = house.run("none", "seen", json!({ "userId": "ann" })).await;
    let seen = seen["id"].as_str().unwrap();
    let heard = async |user: Option<&str>, more: &str| {
        let mut request = house.request("none", Method::GET, &format!("/events?{more}"));
        if let Some(user) = user {
            request = request.header("X-Runcor-User", user);
        }
        let (mut text, mut events) = (String::new(), request.send().await.unwrap().bytes_stream());
        let end = format!(r#""executionId":"{seen}","state":"complete""#);
        while !text.contains(&end) {
            text.push_str(&String::from_utf8_lossy(&events.next().await.unwrap().unwrap()));
        }
        text
    };
    assert!(heard(None, "lastEventId=0").await.contains(&hidden));
    assert!(!heard(Some("ann"), "lastEventId=0").await.contains(&hidden));
    house.close().await;
}

#[tokio::test]
async fn whoever_does_not_see_every_flow_names_one_for_scores_and_sums() {
    let house = House::with(config(), Some(Arc::new(AnnReads))).await;
    let hidden = runcor_core::LedgerEntry {
        flow_name: FlowName::new("never").unwrap(),
        execution_id: Some(runcor_core::ExecutionId::mint(runcor_core::Timestamp::from_millis(1))),
        ..crate::house::row(None, "openai", 1)
    };
    house.book(hidden).await;
    let ask = async |user: Option<&str>, path: &str, body: Value| {
        let mut request = house.request("none", Method::POST, path).json(&body);
        if let Some(user) = user {
            request = request.header("X-Runcor-User", user);
        }
        answer(request.send().await.unwrap()).await
    };
    let wide = json!({ "since": "2020-01-01T00:00:00Z" });
    let named = json!({ "flowName": "greet" });
    let set = json!({ "flow": "greet" });
    for (path, body) in [
        ("/evaluations/run", json!({})),
        ("/evaluations/compare", json!({ "first": wide.clone(), "second": set.clone() })),
        ("/evaluations/compare", json!({ "first": set.clone(), "second": wide.clone() })),
    ] {
        let (status, answer) = ask(Some("ann"), path, body.clone()).await;
        assert_eq!((status, code(&answer)), (StatusCode::FORBIDDEN, "ACCESS_DENIED"), "{path}");
        assert_eq!(ask(None, path, body).await.0, StatusCode::OK, "an operator sees everything");
    }
    assert_eq!(ask(Some("ann"), "/evaluations/run", named).await.0, StatusCode::OK);
    let summary =
        house.request("none", Method::GET, "/cost/summary").header("X-Runcor-User", "ann");
    let (_, body) = answer(summary.send().await.unwrap()).await;
    assert_eq!(body["execProviders"], json!({}), "{body}");
    house.close().await;
}
