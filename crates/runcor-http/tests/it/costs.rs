//! What model calls have cost, over HTTP.

use reqwest::{Method, StatusCode};
use runcor_core::{AttemptOutcome, BudgetScope, LedgerEntry, Money, UserId};
use serde_json::{Value, json};

use crate::client::{Site, code};
use crate::house::{ACME, BOB, House, OPERATOR, id, row};

fn of_user(mut row: LedgerEntry, user: &str, nanos: i64) -> LedgerEntry {
    row.user_id = Some(UserId::new(user).unwrap());
    row.cost = Money::from_nanos(nanos);
    row
}

/// Three paid requests, one answer from a journal, and one of a model without a price.
async fn spent() -> House {
    let house = House::open().await;
    house.book(of_user(row(None, "openai", 1_000), "ann", 3_000_000)).await;
    house.book(of_user(row(None, "google", 2_000), "ben", 5_000_000)).await;
    house.book(row(None, "openai", 86_400_000)).await;
    let replayed = LedgerEntry {
        outcome: AttemptOutcome::Replayed,
        cost: Money::ZERO,
        ..row(None, "openai", 3_000)
    };
    house.book(replayed).await;
    let unpriced = LedgerEntry { unpriced: true, cost: Money::ZERO, ..row(None, "local", 4_000) };
    house.book(unpriced).await;
    house
}

#[tokio::test]
async fn while_costs_are_not_tracked_the_summary_is_empty_and_the_rest_says_what_to_switch_on() {
    let site = Site::open().await;
    let (status, body) = site.get("/v1/cost/summary").await;
    assert_eq!(status, StatusCode::OK);
    for (key, value) in [
        ("total", json!(0.0)),
        ("entryCount", json!(0)),
        ("byFlow", json!([])),
        ("byUser", json!([])),
        ("byProvider", json!([])),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    assert_eq!(body.get("execProviders"), None);
    for path in ["/v1/cost/entries", "/v1/cost/totals", "/v1/budgets", "/v1/evaluations"] {
        let (status, body) = site.get(path).await;
        assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "NOT_FOUND"), "{path}");
        assert!(body["error"]["message"].as_str().unwrap().contains("runcor.yaml"), "{body}");
    }
    let id = site.fake.add("hello", "k");
    let (_, body) = site.get(&format!("/v1/executions/{id}/detail")).await;
    let off = json!({ "costEntries": null, "evaluation": null, "flag": null });
    for (key, value) in off.as_object().unwrap() {
        assert_eq!(&body[key], value, "{key}");
    }
}

#[tokio::test]
async fn the_summary_has_the_documented_shape_and_what_was_saved_and_unpriced() {
    let house = spent().await;
    let execution = house.run(OPERATOR, "k", json!({})).await;
    let first = LedgerEntry { execution_id: Some(id(&execution)), ..row(None, "openai", 5_000) };
    house.book(first).await;
    let second = LedgerEntry { execution_id: Some(id(&execution)), ..row(None, "google", 6_000) };
    house.book(second).await;

    let (status, body) = house.get(OPERATOR, "/cost/summary").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["total"], &body["entryCount"]), (&json!(0.011), &json!(6)));
    let names = |key: &str| -> Vec<_> {
        let shares = body[key].as_array().unwrap();
        shares.iter().map(|share| (share["name"].clone(), share["cost"].clone())).collect()
    };
    assert_eq!(
        names("byProvider"),
        [
            (json!("google"), json!(0.006)),
            (json!("openai"), json!(0.005)),
            (json!("local"), json!(0.0))
        ]
    );
    assert_eq!(
        names("byUser"),
        [
            (json!("ben"), json!(0.005)),
            (json!("ann"), json!(0.003)),
            (json!("system"), json!(0.003))
        ]
    );
    assert_eq!(body["byFlow"][0]["count"], 6);
    assert_eq!((&body["replayedCount"], &body["savedTokens"]), (&json!(1), &json!(5)));
    assert_eq!(body["unpricedCount"], 1);
    assert_eq!(body["execProviders"], json!({ execution["id"].as_str().unwrap(): "openai" }));
    house.close().await;
}

#[tokio::test]
async fn rows_are_found_by_every_filter_and_come_in_pages() {
    let house = spent().await;
    let providers = async |query: &str| -> Vec<Value> {
        let (status, body) = house.get(OPERATOR, &format!("/cost/entries{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {body}");
        body["entries"].as_array().unwrap().iter().map(|row| row["provider"].clone()).collect()
    };
    assert_eq!(providers("").await.len(), 5);
    assert_eq!(providers("?userId=ann").await, ["openai"]);
    assert_eq!(providers("?provider=google").await, ["google"]);
    assert_eq!(providers("?model=model-of-local").await, ["local"]);
    assert_eq!(providers("?flowName=other").await.len(), 0);
    assert_eq!(providers("?tenantId=acme").await.len(), 0);
    assert_eq!(
        providers("?startTime=1970-01-01T00:00:02Z&endTime=3000").await,
        ["google", "openai"]
    );
    assert_eq!(providers("?order=desc&limit=1").await, ["local"]);

    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let (_, body) = house.get(OPERATOR, &format!("/cost/entries{query}")).await;
        let rows = body["entries"].as_array().unwrap();
        assert!(rows.len() <= 2);
        seen.extend(rows.iter().map(|row| row["id"].clone()));
        let Some(cursor) = body["nextCursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 5);
    house.close().await;
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_by_name() {
    let house = House::open().await;
    for (query, field) in [
        ("limit=x", "limit"),
        ("limit=0", "limit"),
        ("order=up", "order"),
        ("cursor=7", "cursor"),
        ("executionId=7", "executionId"),
        ("flowName=%20", "flowName"),
        ("userId=%07", "userId"),
        ("startTime=yesterday", "startTime"),
        ("endTime=2026-13-01T00:00:00Z", "endTime"),
    ] {
        let (status, body) = house.get(OPERATOR, &format!("/cost/entries?{query}")).await;
        assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "VALIDATION_ERROR"), "{query}");
        assert_eq!(body["error"]["details"]["field"], field);
    }
    let (status, body) = house.get(OPERATOR, "/cost/totals?by=colour").await;
    assert_eq!(
        (status, &body["error"]["details"]["field"]),
        (StatusCode::BAD_REQUEST, &json!("by"))
    );
    house.close().await;
}

#[tokio::test]
async fn totals_are_told_apart_by_what_is_asked_for() {
    let house = spent().await;
    let (_, body) = house.get(OPERATOR, "/cost/totals?by=day").await;
    assert_eq!(body["by"], "day");
    let days: Vec<_> = body["totals"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(days, ["1970-01-01", "1970-01-02"]);
    let (_, body) = house.get(OPERATOR, "/cost/totals?provider=openai").await;
    assert_eq!(body["by"], Value::Null);
    assert_eq!(
        (&body["totals"][0]["count"], &body["totals"][0]["replayed"]),
        (&json!(2), &json!(1))
    );
    house.close().await;
}

#[tokio::test]
async fn the_details_of_an_execution_have_its_costs_its_evaluation_and_its_flag() {
    let house = House::open().await;
    let execution = house.run(OPERATOR, "k", json!({})).await;
    let path = format!("/executions/{}", execution["id"].as_str().unwrap());
    let (_, body) = house.get(OPERATOR, &format!("{path}/detail")).await;
    assert_eq!(body["costEntries"], json!([]));
    assert_eq!((&body["evaluation"], &body["flag"]), (&Value::Null, &Value::Null));

    let paid = LedgerEntry { execution_id: Some(id(&execution)), ..row(None, "openai", 5_000) };
    house.book(paid).await;
    house.post(OPERATOR, &format!("{path}/evaluate"), json!({})).await;
    house.post(OPERATOR, &format!("{path}/flag"), json!({ "reason": "odd" })).await;
    let (_, body) = house.get(OPERATOR, &format!("{path}/detail")).await;
    assert_eq!(body["costEntries"][0]["cost"], 0.001);
    assert_eq!(body["costEntries"][0]["costNanos"], 1_000_000);
    assert_eq!(body["evaluation"]["overallScore"], 0.6);
    assert_eq!(body["flag"]["reason"], "odd");
    house.close().await;
}

#[tokio::test]
async fn a_top_up_raises_the_limit_and_is_for_operators_alone() {
    let house = House::open().await;
    house.purse.open(BudgetScope::Global, None, "");
    house.purse.open(BudgetScope::User, Some("acme"), "ann");
    let wish = json!({ "scope": "user", "subject": "ann", "tenant": "acme", "amount": 2.5 });
    let (status, body) = house.post(OPERATOR, "/budgets/top-up", wish.clone()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!((&body["budget"]["left"], &body["woken"]), (&json!(11.5), &json!(0)));
    let (_, body) = house.get(OPERATOR, "/budgets").await;
    let keys: Vec<_> =
        body["budgets"].as_array().unwrap().iter().map(|one| &one["scopeKey"]).collect();
    assert_eq!(keys, ["global", "user:ann"]);

    for token in [ACME, BOB] {
        let (status, body) = house.post(token, "/budgets/top-up", wish.clone()).await;
        assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "ACCESS_DENIED"));
    }
    let on_behalf = house
        .request(OPERATOR, Method::POST, "/budgets/top-up")
        .header("X-Runcor-Tenant", "acme")
        .body(wish.to_string());
    assert_eq!(on_behalf.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    house.close().await;
}

#[tokio::test]
async fn a_top_up_that_names_nobody_or_no_amount_is_refused_by_name() {
    let house = House::open().await;
    for (wish, field) in [
        (json!({ "amount": 1 }), "scope"),
        (json!({ "scope": "planet", "amount": 1 }), "scope"),
        (json!({ "scope": "user", "amount": 1 }), "subject"),
        (json!({ "scope": "global", "subject": "x", "amount": 1 }), "subject"),
        (json!({ "scope": "global" }), "amount"),
        (json!({ "scope": "global", "amount": -1 }), "amount"),
        (json!({ "scope": "global", "amount": "1" }), "amount"),
        (json!({ "scope": "global", "amount": 1, "subjekt": "x" }), "subjekt"),
        (json!({ "scope": "user", "subject": "a", "tenant": " ", "amount": 1 }), "tenant"),
    ] {
        let (status, body) = house.post(OPERATOR, "/budgets/top-up", wish.clone()).await;
        assert_eq!(
            (status, &body["error"]["details"]["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{wish}"
        );
    }
    let (status, body) =
        house.post(OPERATOR, "/budgets/top-up", json!({ "scope": "global", "amount": 1 })).await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "BUDGET_NOT_FOUND"));
    house.close().await;
}
