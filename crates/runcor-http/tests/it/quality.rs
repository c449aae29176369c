//! Evaluations and flags, over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::code;
use crate::house::{House, OPERATOR};

async fn execution(house: &House, key: &str) -> String {
    let execution = house.run(OPERATOR, key, json!({})).await;
    format!("/executions/{}", execution["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_execution_is_evaluated_on_demand_and_read_again() {
    let house = House::open().await;
    let path = execution(&house, "k").await;
    let (status, body) = house.get(OPERATOR, &format!("{path}/evaluation")).await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "EVALUATION_NOT_FOUND"));
    let (status, body) = house.post(OPERATOR, &format!("{path}/evaluate"), json!({})).await;
    assert_eq!((status, &body["evaluation"]["confidence"]), (StatusCode::OK, &json!("medium")));
    let (status, again) = house.get(OPERATOR, &format!("{path}/evaluation")).await;
    assert_eq!((status, again), (StatusCode::OK, body));

    let (_, body) = house.get(OPERATOR, "/evaluations?flowName=greet&since=0").await;
    assert_eq!(body["evaluations"].as_array().unwrap().len(), 1);
    assert_eq!(body["nextCursor"], Value::Null);
    let (_, body) = house.get(OPERATOR, "/evaluations?flowName=other").await;
    assert_eq!(body["evaluations"], json!([]));
    house.close().await;
}

#[tokio::test]
async fn what_is_not_complete_can_not_be_evaluated() {
    let house = House::open().await;
    let body = json!({ "idempotencyKey": "k" });
    let (_, body) = house.post(OPERATOR, "/flows/never/trigger", body).await;
    let path = format!("/executions/{}", body["execution"]["id"].as_str().unwrap());
    let (status, body) = house.post(OPERATOR, &format!("{path}/evaluate"), json!({})).await;
    house.post(OPERATOR, &format!("{path}/cancel"), json!({})).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "INVALID_STATE"));
    house.close().await;
}

#[tokio::test]
async fn the_past_is_judged_a_chunk_at_a_time() {
    let house = House::open().await;
    for key in ["a", "b", "c"] {
        execution(&house, key).await;
    }
    let (status, body) =
        house.post(OPERATOR, "/evaluations/run", json!({ "flowName": "greet", "limit": 2 })).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!((&body["lookedAt"], &body["failed"]), (&json!(2), &json!([])));
    let rest = json!({ "flowName": "greet", "limit": 2, "cursor": body["nextCursor"] });
    let (_, body) = house.post(OPERATOR, "/evaluations/run", rest).await;
    assert_eq!((&body["lookedAt"], &body["nextCursor"]), (&json!(1), &Value::Null));
    for (wish, field) in [
        (json!({ "flowname": "greet" }), "flowname"),
        (json!({ "limit": 0 }), "limit"),
        (json!({ "limit": "2" }), "limit"),
        (json!({ "again": 1 }), "again"),
        (json!({ "cursor": "x" }), "cursor"),
        (json!({ "since": "monday" }), "since"),
        (json!({ "flowName": " " }), "flowName"),
    ] {
        let (status, body) = house.post(OPERATOR, "/evaluations/run", wish.clone()).await;
        assert_eq!(
            (status, &body["error"]["details"]["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{wish}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn two_sets_are_compared_and_both_must_be_described() {
    let house = House::open().await;
    let ids = |path: String| path.rsplit('/').next().unwrap().to_owned();
    let first = ids(execution(&house, "a").await);
    let second = ids(execution(&house, "b").await);
    let wish = json!({ "first": { "executions": [first] }, "second": { "executions": [second] } });
    let (status, body) = house.post(OPERATOR, "/evaluations/compare", wish).await;
    assert_eq!((status, &body["sizes"]), (StatusCode::OK, &json!([1, 1])));
    for (wish, field) in [
        (json!({ "first": {} }), "second"),
        (json!({ "first": { "flw": "x" }, "second": {} }), "first"),
        (json!({ "first": {}, "second": {}, "third": {} }), "third"),
    ] {
        let (status, body) = house.post(OPERATOR, "/evaluations/compare", wish.clone()).await;
        assert_eq!(
            (status, &body["error"]["details"]["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{wish}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn a_flag_goes_from_pending_to_reviewed_to_resolved_and_no_other_way() {
    let house = House::open().await;
    let path = format!("{}/flag", execution(&house, "k").await);
    let step = async |status: &str| {
        house.send(OPERATOR, Method::PATCH, &path, json!({ "status": status })).await
    };
    let (status, body) = step("reviewed").await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "FLAG_NOT_FOUND"));
    let (status, body) = house.get(OPERATOR, &path).await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "FLAG_NOT_FOUND"));

    let (status, body) = house.post(OPERATOR, &path, json!({ "reason": "odd" })).await;
    assert_eq!((status, &body["flag"]["status"]), (StatusCode::CREATED, &json!("pending")));
    let (status, body) = house.post(OPERATOR, &path, json!({})).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "ALREADY_FLAGGED"));
    let (status, body) = step("resolved").await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "INVALID_FLAG_TRANSITION"));
    let (status, body) = step("done").await;
    assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "VALIDATION_ERROR"));

    let list = async |query: &str| {
        let (_, body) = house.get(OPERATOR, &format!("/flags{query}")).await;
        body["flags"].as_array().unwrap().len()
    };
    assert_eq!((list("?status=pending").await, list("?status=reviewed").await), (1, 0));
    assert_eq!(step("reviewed").await.0, StatusCode::OK);
    assert_eq!((list("?status=pending").await, list("?status=reviewed").await), (0, 1));
    let (status, body) = step("resolved").await;
    assert_eq!((status, &body["flag"]["status"]), (StatusCode::OK, &json!("resolved")));
    assert_eq!(list("").await, 1);
    let (status, _) = house.get(OPERATOR, "/flags?status=lost").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    house.close().await;
}

#[tokio::test]
async fn a_reason_has_a_length_that_people_can_read() {
    let house = House::open().await;
    let path = format!("{}/flag", execution(&house, "k").await);
    let (status, body) = house.post(OPERATOR, &path, json!({ "reason": "x".repeat(2_001) })).await;
    assert_eq!(
        (status, &body["error"]["details"]["field"]),
        (StatusCode::BAD_REQUEST, &json!("reason"))
    );
    house.close().await;
}
