//! The laws of the check: it agrees with a full validator, and what passes deserialises.

use std::sync::LazyLock;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::prop_oneof;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::check;
use crate::config::Config;
use crate::findings::Findings;
use crate::node::{Content, Entry, Node, Place};
use crate::schema::strict;

/// The full validator.
static FULL: LazyLock<runcor_core::Schema> =
    LazyLock::new(|| runcor_core::Schema::compile(&strict()).unwrap());

/// Every key of the file once.
fn everything() -> Value {
    let mut file = json!({
        "engine": { "concurrency": 4, "drainTimeout": 1, "retentionPeriod": 0,
            "onOrphanedExecution": "requeue", "maxQueued": 9 },
        "providers": [{ "type": "openai", "name": "a", "apiKey": "k", "baseUrl": "http://x",
            "priority": 1, "models": ["m"], "costPerToken": { "input": 0.1, "output": 1 },
            "costPerMillionTokens": { "input": 1, "output": 2.5, "cachedInput": 0.1,
                "reasoning": 3 }, "defaultModel": "m",
            "timeoutMs": 5 }],
        "routing": { "strategy": "round-robin", "maxFallbackAttempts": 0,
            "failureThreshold": 5, "cooldownMs": 3 },
        "flows": { "dir": "flows" },
        "webhooks": { "allowPrivateAddresses": ["h"], "allowedHosts": ["h"] },
        "state": { "type": "sqlite", "path": "p", "durability": "normal" },
        "httpServer": { "enabled": true, "port": 65535, "hostname": "h", "authToken": "t", "allowUnauthenticated": false,
            "tokens": [{ "token": "s", "user": "u", "tenant": "t", "name": "n" }],
            "cors": { "origin": ["o"], "methods": ["GET"], "headers": ["h"] },
            "bodyLimit": 1, "basePath": "", "allowedHosts": [], "shutdownTimeout": 1 },
        "connections": [{ "name": "n", "preset": "gmail", "transport": "stdio", "command": "c",
            "args": ["a"], "env": { "A": "b" }, "url": "u", "headers": { "H": "v" },
            "timeoutMs": 1, "retryAttempts": 0, "retryDelayMs": 0, "healthCheckIntervalMs": 0 }],
        "costs": { "warningThreshold": 0.8, "defaultTokenEstimate": 1, "maxLedgerEntries": 1,
            "reservationTimeoutMs": 1, "unpriced": "deny",
            "prices": { "m": { "input": 1, "output": 2, "cachedInput": 0.5, "reasoning": 2 } },
            "budgets": { "perExecution": { "limit": 1, "onExceed": "pause" },
                "perTenant": { "limit": 0, "enforcement": "disabled" }, "perUser": { "limit": 10, "enforcement": "soft",
                "window": { "type": "custom", "durationMs": 4 } }, "global": { "limit": 0.5 } } },
        "telemetry": { "serviceName": "s", "serviceVersion": "1", "memorySpans": false },
        "policy": { "rules": [{ "name": "r", "priority": -1, "operations": ["trigger", "*"],
                "flows": ["f"], "users": ["u"], "tenants": ["t"], "action": "modify",
                "when": [{ "input": "/a", "exists": true, "equals": { "b": [1, null] },
                    "notEquals": "x", "in": ["a", 2, true], "notIn": [{}], "contains": 3,
                    "greaterThan": 1.5, "atLeast": -1, "lessThan": 2, "atMost": 3 },
                    { "metadata": "", "exists": false }],
                "reason": "w", "set": { "/a": [1], "/b": "x" } }],
            "unknownTenants": "allow", "rateLimits": [{ "name": "n", "scope": "user", "limit": 1, "windowMs": 1,
                "behavior": "queue", "maxQueueDepth": 1, "queueTimeoutMs": 1, "flowName": "f", "operations": ["trigger", "read"] }],
            "accessPolicies": [{ "identity": "*", "allowedOperations": ["listWaiting", "*"] }],
            "tenants": [{ "tenantId": "t", "allowedFlows": ["f"] }] },
        "memory": { "maxKeyBytes": 1, "maxValueBytes": 1, "maxEntries": 1 },
        "evaluation": { "autoFlagScoreThreshold": 0.3, "concurrency": 1, "maxEvaluations": 1,
            "evaluators": [{ "type": "format", "weight": 1, "sample": 0.5, "flowNames": ["f"],
            "timeoutMs": 1, "thresholds": { "high": 1, "medium": 0 }, "config": { "at": "/a",
            "expectedFormat": "json-object", "pattern": "p", "schema": { "type": "object" } } },
            { "type": "keyword", "config": { "required": ["a"], "requiredKeywords": ["b"],
            "forbidden": ["c"], "forbiddenKeywords": ["d"], "caseSensitive": true } },
            { "type": "similarity", "config": { "expected": [1], "expectedInput": "",
            "expectedMetadata": "/m", "method": "edits" } },
            { "type": "judge", "config": { "rubric": "r", "model": "m", "provider": "p",
            "temperature": 0.5, "dimension": "d" } },
            { "type": "length", "config": { "minLength": 1, "maxLength": 2 } }] },
        "server": { "enabled": true, "name": "n", "version": "1" },
        "scheduler": { "defaultTimezone": "UTC", "flows": { "f": { "cron": "* * * * *" } } },
        "discernment": { "enabled": true, "autonomy": "observe", "lookbackPeriod": 1,
            "thresholds": { "idleFlowDays": 7 } },
        "objectives": [{ "name": "n", "description": "d" }]
    });
    file["policy"]["guardrails"] = json!([guardrail()]);
    let overrides = json!({ "off": ["g"], "add": [guardrail()] });
    file["policy"]["tenants"][0]["guardrailOverrides"] = overrides;
    file
}

fn guardrail() -> Value {
    json!({ "name": "g", "type": "pii", "phases": ["modelRequest", "toolResult"],
        "mode": "transform", "priority": -1, "failureMode": "pass", "timeoutMs": 1,
        "flowName": "f", "flowNames": ["g"], "tenants": ["t"], "mandatory": true,
        "buffer": true, "holdBack": 16, "replacement": "", "redaction": "keepLast4",
        "patterns": ["a"], "ignoreCase": true, "keywords": ["k"], "wholeWords": true,
        "kinds": ["card"], "min": 0, "max": 1, "schema": {}, "threshold": 1,
        "instructions": "i", "model": "m" })
}

fn node(value: &Value) -> Node {
    let content = match value {
        Value::Null => Content::Null,
        Value::Bool(flag) => Content::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Content::Int(whole),
            None => Content::Float(number.as_f64().unwrap()),
        },
        Value::String(text) => Content::Text(text.as_str().into()),
        Value::Array(items) => Content::List(items.iter().map(node).collect()),
        Value::Object(fields) => Content::Map(
            fields
                .iter()
                .map(|(key, value)| Entry {
                    key: key.as_str().into(),
                    place: Place::START,
                    value: node(value),
                })
                .collect(),
        ),
    };
    Node { place: Place::START, content }
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Rename(String),
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..70_000).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3.0..3.0_f64).prop_map(Value::from),
        (0_i32..9).prop_map(|whole| Value::from(f64::from(whole))),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(Value::from("x".repeat(129))),
        proptest::sample::select(vec!["mock", "memory", "queue", "daily", "sse", "json", "h"])
            .prop_map(Value::from),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let value = prop_oneof![
        leaf(),
        proptest::collection::vec(leaf(), 0..3).prop_map(Value::from),
        proptest::collection::vec(("[a-z]{1,4}", leaf()), 0..3)
            .prop_map(|fields| Value::Object(fields.into_iter().collect())),
    ];
    prop_oneof![
        value.prop_map(Change::Replace),
        Just(Change::Remove),
        "[a-zA-Z]{1,5}".prop_map(Change::Rename)
    ]
}

/// Lists the pointers of everything below `value`.
fn pointers(value: &Value, at: &str, list: &mut Vec<(String, String)>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect()
        }
        _ => return,
    };
    for (key, child) in children {
        list.push((at.to_owned(), key.clone()));
        let key = key.replace('~', "~0").replace('/', "~1");
        pointers(child, &format!("{at}/{key}"), list);
    }
}

fn apply(document: &mut Value, at: &Index, change: Change) {
    let mut list = Vec::new();
    pointers(document, "", &mut list);
    if list.is_empty() {
        return;
    }
    let (parent, key) = &list[at.index(list.len())];
    match (document.pointer_mut(parent).unwrap(), change) {
        (Value::Object(fields), Change::Replace(value)) => {
            fields.insert(key.clone(), value);
        }
        (Value::Object(fields), Change::Remove) => {
            fields.shift_remove(key);
        }
        (Value::Object(fields), Change::Rename(name)) => {
            let value = fields.shift_remove(key).unwrap();
            fields.insert(name, value);
        }
        (Value::Array(items), Change::Replace(value)) => {
            items[key.parse::<usize>().unwrap()] = value
        }
        (Value::Array(items), _) => drop(items.remove(key.parse().unwrap())),
        _ => unreachable!("only containers have children"),
    }
}

fn verdict(document: &Value) -> Result<Value, Vec<String>> {
    let mut findings = Findings::default();
    let json = check(&node(document), &strict(), &mut findings);
    match findings.finish() {
        Ok(_) => Ok(json),
        Err((problems, _)) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn a_file_with_every_key_passes_and_comes_out_whole() {
    let json = verdict(&everything()).unwrap();
    assert_eq!(json, everything());
    let known: Map<String, Value> = serde_json::from_value(strict()["properties"].clone()).unwrap();
    for section in known.keys() {
        assert!(everything().get(section).is_some(), "{section} is not tried");
    }
}

proptest! {
    #[test]
    fn the_check_agrees_with_a_full_validator_and_what_passes_deserialises(
        changes in proptest::collection::vec((any::<Index>(), change()), 0..3)
    ) {
        let mut document = everything();
        for (at, change) in changes {
            apply(&mut document, &at, change);
        }
        let full = FULL.check(&document);
        match verdict(&document) {
            Ok(json) => {
                prop_assert!(full.is_ok(), "passes, but {full:?}");
                let read = serde_json::from_value::<Config>(json);
                prop_assert!(read.is_ok(), "{read:?}");
            }
            Err(problems) => prop_assert_eq!(full.is_err(), true, "refused for {:?}", problems),
        }
    }
}
