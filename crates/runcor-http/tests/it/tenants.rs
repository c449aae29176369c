//! Two tenants: neither gets a byte of the other, by any route.

use std::sync::Arc;

use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use runcor_core::{BudgetScope, Event, LedgerEntry, UserId};
use runcor_store_sqlite::{SqliteConfig, SqliteStore};
use serde_json::{Value, json};

use crate::client::{PATIENCE, code};
use crate::house::{ACME, House, OPERATOR, UMBRELLA, guarded, id, row};

/// The routes that show something, by what a path needs; `{id}` is one's own execution.
const SHOWING: [&str; 19] = [
    "/health",
    "/flows",
    "/executions?limit=200",
    "/executions/{id}",
    "/executions/{id}/detail",
    "/executions/{id}/timeline",
    "/executions/{id}/journal/model%231",
    "/executions/{id}/evaluation",
    "/executions/{id}/flag",
    "/evaluations?limit=200",
    "/flags?limit=200",
    "/cost/summary",
    "/cost/entries?limit=200",
    "/cost/totals?by=tenant",
    "/budgets",
    "/events?lastEventId=0",
    "/providers",
    "/../livez",
    "/../readyz",
];

/// Everything that a tenant has, each thing with the tenant's name in it.
async fn furnish(house: &House, token: &str, tenant: &str, number: usize) -> String {
    let execution = house
        .run(
            token,
            &format!("key-{number}"),
            json!({
                "input": { "secret": format!("input-of-{tenant}") },
                "userId": format!("user-of-{tenant}"),
                "sessionId": format!("session-of-{tenant}"),
                "metadata": { "note": format!("note-of-{tenant}") },
            }),
        )
        .await;
    let paid = LedgerEntry {
        execution_id: Some(id(&execution)),
        user_id: Some(UserId::new(format!("user-of-{tenant}")).unwrap()),
        ..row(Some(tenant), &format!("provider-of-{tenant}"), 1_000)
    };
    house.book(paid).await;
    let path = format!("/executions/{}", execution["id"].as_str().unwrap());
    house.post(token, &format!("{path}/evaluate"), json!({})).await;
    let reason = json!({ "reason": format!("flag-of-{tenant}") });
    house.post(token, &format!("{path}/flag"), reason).await;
    execution["id"].as_str().unwrap().to_owned()
}

/// Reads a route whole; a stream of events up to and with an event that is published now.
async fn read(house: &House, token: &str, path: &str, last: &str) -> String {
    let response = house.request(token, Method::GET, path).send().await.unwrap();
    if !path.starts_with("/events") {
        return response.text().await.unwrap();
    }
    let (mut text, mut stream) = (String::new(), response.bytes_stream());
    let reading = async {
        while !text.contains(last) {
            text.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    text
}

async fn neither_sees_the_other(house: House) {
    let mut ids = [Vec::new(), Vec::new()];
    for number in 0..6 {
        // In a changing order, so that what is next to each other belongs to both.
        for which in if number % 3 == 0 { [0, 1] } else { [1, 0] } {
            let (token, tenant) = [(ACME, "acme"), (UMBRELLA, "umbrella")][which];
            ids[which].push(furnish(&house, token, tenant, number).await);
        }
    }
    for tenant in ["acme", "umbrella"] {
        house.purse.open(BudgetScope::User, Some(tenant), &format!("user-of-{tenant}"));
    }
    for (token, tenant, other, own, foreign) in [
        (ACME, "acme", "umbrella", &ids[0], &ids[1]),
        (UMBRELLA, "umbrella", "acme", &ids[1], &ids[0]),
    ] {
        let is_clean = |text: &str, path: &str| {
            assert!(!text.contains(other), "{path} tells {tenant} of {other}: {text}");
            for id in foreign {
                assert!(!text.contains(id.as_str()), "{path} tells {tenant} of {id}: {text}");
            }
        };
        for path in SHOWING {
            let path = path.replace("{id}", &own[3]);
            let text = read(&house, token, &path, &own[5]).await;
            is_clean(&text, &path);
        }
        // What is there is there: the test sees nothing only where there is nothing.
        let count = async |path: &str, key: &str| {
            house.get(token, path).await.1[key].as_array().unwrap().len()
        };
        assert_eq!(count("/executions?limit=200", "executions").await, 6);
        assert_eq!(count("/cost/entries?limit=200", "entries").await, 6);
        assert_eq!(count("/evaluations?limit=200", "evaluations").await, 6);
        assert_eq!(count("/flags?limit=200", "flags").await, 6);
        assert_eq!(count("/budgets", "budgets").await, 1);
        foreign_ids_do_not_exist(&house, token, &foreign[0]).await;
        for list in ["/executions", "/cost/entries", "/cost/totals", "/evaluations", "/flags"] {
            let (status, body) = house.get(token, &format!("{list}?tenantId={other}")).await;
            assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "ACCESS_DENIED"), "{list}");
            let owned = house.get(token, &format!("{list}?tenantId={tenant}")).await;
            assert_eq!(owned.0, StatusCode::OK, "{list}");
        }
        let (_, body) = house.get(token, &format!("/cost/entries?userId=user-of-{other}")).await;
        assert_eq!(body["entries"], json!([]));
    }
    let (_, body) = house.get(OPERATOR, "/executions?limit=200").await;
    assert_eq!(body["executions"].as_array().unwrap().len(), 12);
    house.close().await;
}

/// Every route that takes an id answers as for an id that nobody has.
async fn foreign_ids_do_not_exist(house: &House, token: &str, foreign: &str) {
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (method, rest, body) in [
        (Method::GET, "", json!({})),
        (Method::GET, "/detail", json!({})),
        (Method::GET, "/timeline", json!({})),
        (Method::GET, "/journal/model%231", json!({})),
        (Method::GET, "/evaluation", json!({})),
        (Method::GET, "/flag", json!({})),
        (Method::POST, "/evaluate", json!({})),
        (Method::POST, "/flag", json!({})),
        (Method::PATCH, "/flag", json!({ "status": "reviewed" })),
        (Method::POST, "/resume", json!({})),
        (Method::POST, "/replay", json!({})),
        (Method::POST, "/fork", json!({})),
        (Method::POST, "/cancel", json!({})),
        (Method::POST, "/decision", json!({ "decision": "give_up" })),
        (Method::DELETE, "", json!({})),
    ] {
        let ask = async |id: &str| {
            let path = format!("/executions/{id}{rest}");
            let (status, body) = house.send(token, method.clone(), &path, body.clone()).await;
            (status, body.to_string().replace(id, "…"))
        };
        let (theirs, nobodys) = (ask(foreign).await, ask(nobody).await);
        assert_eq!(theirs, nobodys, "{method} {rest}");
        assert_eq!(theirs.0, StatusCode::NOT_FOUND, "{method} {rest}: {}", theirs.1);
    }
    let (_, body) = house.get(token, &format!("/executions?parentId={foreign}")).await;
    assert_eq!(body["executions"], json!([]));
    let (status, _) = house.get(token, &format!("/cost/entries?executionId={foreign}")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_tenants_never_see_a_byte_of_each_other_in_memory() {
    neither_sees_the_other(House::open().await).await;
}

#[tokio::test]
async fn two_tenants_never_see_a_byte_of_each_other_in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("db"), SqliteConfig::default()).unwrap();
    neither_sees_the_other(House::on(Arc::new(store), guarded(), None).await).await;
}

#[test]
fn every_route_that_shows_something_is_among_those_that_are_tested() {
    let source = include_str!("../../src/routes.rs");
    let routes = source.split(".route(").skip(1);
    let showing =
        routes.filter(|route| route.contains(" get(") || route.contains("\n            get("));
    assert_eq!(showing.count(), SHOWING.len(), "add the new route to SHOWING");
}

#[tokio::test]
async fn a_tenant_that_comes_back_hears_of_no_gap_where_others_were() {
    let house = House::open().await;
    let mine = furnish(&house, ACME, "acme", 0).await;
    for number in 0..3 {
        furnish(&house, UMBRELLA, "umbrella", number).await;
    }
    let last = furnish(&house, ACME, "acme", 9).await;
    let text = read(&house, ACME, "/events?lastEventId=0", &last).await;
    assert!(text.contains(&mine) && !text.contains("gap"), "{text}");
    // A number of somebody else's event is a place in the history like any other.
    let at = house.store.last_event().await.unwrap();
    house
        .store
        .commit(runcor_core::Batch::new().with(runcor_core::Op::Emit(Event::Ready)))
        .await
        .unwrap();
    let newest = furnish(&house, ACME, "acme", 10).await;
    let text = read(&house, ACME, &format!("/events?lastEventId={}", at + 1), &newest).await;
    assert!(!text.contains("gap") && !text.contains(&mine), "{text}");
    house.close().await;
}

#[tokio::test]
async fn health_tells_a_tenant_what_is_on() {
    let house = House::open().await;
    let (_, body) = house.get(ACME, "/health").await;
    let on: Vec<_> = body["capabilities"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, on)| **on == Value::Bool(true))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(on, ["cost", "evaluation", "policy"]);
    house.close().await;
}
