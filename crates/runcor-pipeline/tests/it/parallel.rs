//! Parallel steps.

use std::sync::atomic::Ordering;

use runcor_core::{Error, ErrorCode, Outcome, Retry, WaitKind};
use serde_json::json;

use crate::support::{Run, Server, text};

fn echoing(yaml: &str, input: serde_json::Value) -> Run {
    let run = Run::new(yaml, input);
    run.models.echoes.store(true, Ordering::SeqCst);
    run
}

const BRANCHES: &str = "
name: f
steps:
  - { name: first, kind: agent, input: begin }
  - name: checks
    kind: parallel
    branches:
      stock:
        - { name: ask-stock, kind: agent, input: $.steps.first.output.text }
        - { name: again, kind: agent, input: { was: $.steps.ask-stock.output.text } }
      fraud:
        - { name: is-large, kind: condition, when: $.input.cents > 1000 }
        - { name: ask-fraud, kind: agent, input: fraud }
  - { name: last, kind: agent, input: { all: $.steps.checks.output } }
";

#[tokio::test]
async fn named_branches_give_a_map_of_their_results() {
    let run = echoing(BRANCHES, json!({ "cents": 5 }));
    let all = json!({ "all": { "stock": { "text": "{\"was\":\"begin\"}" }, "fraud": { "result": false } } });
    assert_eq!(run.go().await.unwrap(), json!({ "text": all.to_string() }));
    let mut paths: Vec<_> = run.entries().into_iter().map(|(path, _)| path).collect();
    paths.sort();
    assert_eq!(
        paths,
        ["checks#1/stock/again#1", "checks#1/stock/ask-stock#1", "first#1", "last#1"]
    );
}

#[tokio::test]
async fn hundreds_of_items_run_side_by_side_and_give_a_list_in_their_order() {
    let yaml = "
name: f
steps:
  - name: lines
    kind: parallel
    for_each: $.input.lines
    at_once: 50
    steps:
      - { name: price, kind: agent, input: { sku: $.item.sku, n: $.index } }
";
    let lines: Vec<_> = (0..300).map(|n| json!({ "sku": format!("s{n}") })).collect();
    let run = echoing(yaml, json!({ "lines": lines }));
    let result = run.go().await.unwrap();
    let texts: Vec<_> = result.as_array().unwrap().iter().map(|one| one["text"].clone()).collect();
    let expected: Vec<_> =
        (0..300).map(|n| json!({ "sku": format!("s{n}"), "n": n }).to_string()).collect();
    assert_eq!(json!(texts), json!(expected));
    assert!(run.journal.answered().contains(&"lines#1/299/price#1".to_owned()));
    assert_eq!(run.go().await.unwrap(), result);
    assert_eq!(run.models.asked().len(), 300, "finished items are not asked again");
}

#[tokio::test]
async fn what_is_no_list_or_too_long_fails_the_step() {
    let yaml = "
name: f
steps: [{ name: each, kind: parallel, for_each: $.input.x, steps: [{ name: a, kind: agent }] }]
";
    for (x, message) in [
        (json!(5), "step 'each': for_each must lead to a list, but leads to a number"),
        (json!({}), "step 'each': for_each must lead to a list, but leads to a map"),
        (json!(vec![0; 1001]), "step 'each': for_each leads to 1001 items; 1000 are allowed"),
    ] {
        let failure = Run::new(yaml, json!({ "x": x })).go().await.unwrap_err();
        assert_eq!((failure.message(), failure.retry()), (message, Retry::Never));
    }
    for x in [json!([]), json!(null)] {
        assert_eq!(Run::new(yaml, json!({ "x": x })).go().await.unwrap(), json!([]));
    }
}

#[tokio::test]
async fn a_branch_that_fails_is_named_and_the_others_are_finished_and_remembered() {
    let yaml = "
name: f
steps:
  - name: each
    kind: parallel
    for_each: [a, b, c]
    steps: [{ name: ask, kind: agent, input: $.item }]
";
    let run = Run::new(yaml, json!({}));
    run.models.answer(Ok(text("one")));
    run.models.answer(Err(Error::new(ErrorCode::ProviderError, "busy").retryable(None)));
    run.models.answer(Ok(text("three")));
    let failure = run.go().await.unwrap_err();
    assert_eq!(failure.message(), "step 'each': item 1: step 'ask': busy");
    assert_eq!((failure.code(), failure.retry()), (Some("PROVIDER_ERROR"), Retry::After(None)));
    run.models.answer(Ok(text("two")));
    let texts = json!([{ "text": "one" }, { "text": "two" }, { "text": "three" }]);
    assert_eq!(run.go().await.unwrap(), texts);
    assert_eq!(run.models.asked().len(), 4, "only the failed one is asked again");
}

#[tokio::test]
async fn branches_that_wait_let_the_others_finish_and_are_answered_one_by_one() {
    let yaml = "
name: f
steps:
  - name: both
    kind: parallel
    at_once: 1
    branches:
      a: [{ name: ann, kind: approval, action: x, subject: 1 }]
      b: [{ name: bob, kind: wait }]
      c: [{ name: ask, kind: agent, input: now }]
";
    let run = echoing(yaml, json!({}));
    let first = run.pause().await;
    assert_eq!((first.kind, first.path.as_deref()), (WaitKind::Approval, Some("both#1/a/ann#1")));
    assert_eq!(run.models.asked().len(), 1, "a branch that waits holds no other up");
    let answer =
        json!({ "approved": true, "by": null, "note": null, "at": "2026-01-01T00:00:00.000Z" });
    run.answer(&first, Outcome::Done(answer)).await.unwrap();
    let second = run.pause().await;
    assert_eq!(second.path.as_deref(), Some("both#1/b/bob#1"));
    run.answer(&second, Outcome::Done(json!("yes"))).await.unwrap();
    let result = run.go().await.unwrap();
    assert_eq!((&result["a"]["approved"], &result["b"]), (&json!(true), &json!("yes")));
    assert_eq!(run.models.asked().len(), 1);
}

#[tokio::test]
async fn webhooks_of_items_have_keys_of_their_own() {
    let server = Server::echoing().await;
    let yaml = format!(
        "
name: f
steps:
  - name: each
    kind: parallel
    for_each: [a, b]
    steps: [{{ name: tell, kind: webhook, url: 'http://hooks.example.com:{}/', input: $.item }}]
",
        server.port
    );
    let run = Run::new(&yaml, json!({}));
    assert_eq!(run.go().await.unwrap(), json!(["a", "b"]));
    let mut keys = server.header("idempotency-key");
    keys.sort();
    let key = |n| Some(format!("{}:each#1/{n}/tell#1", run.spec.id));
    assert_eq!(keys, [key(0), key(1)]);
}

#[tokio::test]
async fn parallel_steps_nest_and_the_innermost_item_counts() {
    let yaml = "
name: f
steps:
  - name: rows
    kind: parallel
    for_each: $.input.rows
    steps:
      - name: cells
        kind: parallel
        for_each: $.item
        steps: [{ name: ask, kind: agent, input: { cell: $.item } }]
";
    let run = echoing(yaml, json!({ "rows": [[1, 2], [3]] }));
    let cell = |n: u32| json!({ "text": json!({ "cell": n }).to_string() });
    assert_eq!(run.go().await.unwrap(), json!([[cell(1), cell(2)], [cell(3)]]));
    assert!(run.journal.answered().contains(&"rows#1/1/cells#1/0/ask#1".to_owned()));
}
