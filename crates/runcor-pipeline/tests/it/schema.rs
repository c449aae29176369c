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
    for step in [
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
    for step in [
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
