//! The JSON Schema of flow files.

use runcor_core::Schema;
use serde_json::{Value, json};

fn accepts(file: &Value) -> bool {
    Schema::compile(&runcor_pipeline::schema()).unwrap().check(file).is_ok()
}

fn with_step(step: &Value) -> Value {
    json!({ "name": "f", "steps": [step] })
}

#[test]
fn the_schema_accepts_what_the_reader_accepts() {
    assert!(accepts(&json!({ "name": "f", "steps": [] })));
    assert!(accepts(&json!({ "name": "f", "timeoutMs": 5, "input_schema": {}, "steps": [] })));
    assert!(accepts(&json!({ "name": "f", "budget": 1.5, "steps": [] })));
    let budget =
        json!({ "limit": 1.5, "enforcement": "soft", "window": "90m", "onExceed": "pause" });
    assert!(accepts(&json!({ "name": "f", "budget": budget, "steps": [] })));
    for step in [
        json!({ "name": "a", "kind": "agent", "provider": "p", "strategy": "round-robin" }),
        json!({ "name": "a", "kind": "memory", "get": "k" }),
        json!({ "name": "a", "kind": "memory", "scope": "user", "set": ["k", "$.input"], "value": null, "ttl": "2d" }),
        json!({ "name": "a", "kind": "memory", "append": "k", "value": 1, "keep": 5 }),
        json!({ "name": "a", "kind": "agent", "preamble": "p", "input": { "x": [1, "$.input"] } }),
        json!({ "name": "a", "kind": "webhook", "webhookUrl": "https://example.com", "headers": { "A": "b" } }),
        json!({ "name": "a", "kind": "condition", "when": ["$.input.x > 1"] }),
        json!({ "name": "a", "kind": "wait", "reason": "r", "data": { "x": 1 }, "timeout": "2d" }),
        json!({ "name": "a", "kind": "sleep", "for": "1h30m" }),
        json!({ "name": "a", "kind": "approval", "action": "x", "subject": 1, "onReject": "stop" }),
        json!({ "name": "a", "kind": "call", "flow": "g" }),
        json!({ "name": "a", "kind": "parallel", "branches": { "x": [{ "name": "b", "kind": "wait" }] } }),
        json!({ "name": "a", "kind": "parallel", "forEach": "$.input", "steps": [{ "name": "b", "kind": "wait" }] }),
    ] {
        assert!(accepts(&with_step(&step)), "{step}");
    }
}

#[test]
fn the_schema_refuses_unknown_keys_foreign_kinds_and_missing_keys() {
    assert!(!accepts(&json!({ "name": "f" })));
    assert!(!accepts(&json!({ "name": "f", "steps": [], "stepz": [] })));
    assert!(!accepts(&json!({ "name": "f", "budget": -1, "steps": [] })));
    assert!(!accepts(&json!({ "name": "f", "budget": { "window": "daily" }, "steps": [] })));
    assert!(!accepts(
        &json!({ "name": "f", "budget": { "limit": 1, "window": "weekly" }, "steps": [] })
    ));
    for step in [
        json!({ "name": "a", "kind": "memory" }),
        json!({ "name": "a", "kind": "memory", "get": "k", "delete": "k" }),
        json!({ "name": "a", "kind": "agent", "strategy": "fastest" }),
        json!({ "name": "a", "kind": "computer" }),
        json!({ "name": "a b", "kind": "agent" }),
        json!({ "name": "a", "kind": "webhook" }),
        json!({ "name": "a", "kind": "condition", "when": "$.x", "url": "https://example.com" }),
        json!({ "name": "a", "kind": "agent", "temperature": 9 }),
        json!({ "name": "a", "kind": "sleep" }),
        json!({ "name": "a", "kind": "sleep", "for": "1 hour" }),
        json!({ "name": "a", "kind": "sleep", "for": "1h", "until": "$.input.x" }),
        json!({ "name": "a", "kind": "approval", "action": "x" }),
        json!({ "name": "a", "kind": "parallel", "for_each": "$.input" }),
        json!({ "name": "a", "kind": "parallel", "branches": { "x": [{ "name": "b", "kind": "nap" }] } }),
    ] {
        assert!(!accepts(&with_step(&step)), "{step}");
    }
}
