//! What the configuration lets pass, the policies take: a mistake is told at its place or not at all.

use std::sync::Arc;

use proptest::prelude::*;
use runcor_core::NopSink;
use runcor_policy::{Policies, PolicyConfig};
use serde_json::{Map, Value, json};

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::sample::select(words).prop_map(Value::from)
}

/// Some of the words, most often at least one.
fn some(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::sample::subsequence(words, 0..=words.len().min(3)).prop_map(Value::from)
}

fn name() -> impl Strategy<Value = Value> {
    pick(&["a", "b", "c", "d", "e", "f", "g", "h", " "])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("x")),
        Just(json!(1.5)),
        Just(json!([1, null])),
        Just(json!({ "k": [] }))
    ]
}

/// An object that has each key with some likelihood.
fn object<const N: usize>(
    fields: [(&'static str, f64, BoxedStrategy<Value>); N],
) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(key, likelihood, value)| {
            let value = proptest::option::weighted(likelihood, value);
            value.prop_map(move |value| value.map(|value| (key.to_owned(), value)))
        })
        .collect();
    let whole = |fields: Vec<Option<(String, Value)>>| fields.into_iter().flatten().collect();
    fields.prop_map(move |fields| Value::Object(whole(fields))).boxed()
}

fn list(items: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    proptest::collection::vec(items, 0..3).prop_map(Value::from).boxed()
}

fn condition() -> BoxedStrategy<Value> {
    let pointer = || pick(&["", "/a", "/a/0", "/~1", "a", "/~"]).boxed();
    object([
        ("input", 0.8, pointer()),
        ("metadata", 0.2, pointer()),
        ("exists", 0.4, any::<bool>().prop_map(Value::from).boxed()),
        ("equals", 0.4, value().boxed()),
        ("in", 0.3, list(value().boxed())),
        ("atLeast", 0.3, prop_oneof![Just(json!(1)), Just(json!(0.5))].boxed()),
        ("contains", 0.2, value().boxed()),
    ])
}

fn rule() -> BoxedStrategy<Value> {
    let set = proptest::collection::btree_map("(|/a|/b/-|b)", value(), 0..3);
    let set = set.prop_map(|set| Value::Object(set.into_iter().collect::<Map<_, _>>()));
    let names = || some(&["f", "*", "g"]).boxed();
    object([
        ("name", 0.97, name().boxed()),
        ("priority", 0.5, (-5..5).prop_map(Value::from).boxed()),
        ("operations", 0.97, some(&["trigger", "read", "*"]).boxed()),
        ("flows", 0.3, names()),
        ("users", 0.3, names()),
        ("when", 0.5, list(condition())),
        ("action", 0.97, pick(&["allow", "deny", "modify"]).boxed()),
        ("reason", 0.3, Just(json!("so")).boxed()),
        ("set", 0.3, set.boxed()),
    ])
}

fn limit() -> BoxedStrategy<Value> {
    object([
        ("name", 0.97, name().boxed()),
        ("scope", 0.97, pick(&["user", "flow", "tenant", "global"]).boxed()),
        ("limit", 0.97, (0..9).prop_map(Value::from).boxed()),
        ("windowMs", 0.97, (0..9).prop_map(Value::from).boxed()),
        ("behavior", 0.5, pick(&["reject", "queue"]).boxed()),
        ("maxQueueDepth", 0.3, (0..9).prop_map(Value::from).boxed()),
        ("queueTimeoutMs", 0.3, (0..9).prop_map(Value::from).boxed()),
        ("flowName", 0.3, name().boxed()),
        ("operations", 0.3, some(&["trigger", "read", "callTool"]).boxed()),
    ])
}

fn access() -> BoxedStrategy<Value> {
    let operations = || some(&["trigger", "callTool", "*"]).boxed();
    let identities = ["*", "user:a", "tenant:b", "a", "b", "user:", "tenant: ", " ", "tenant:a"];
    object([
        (
            "identity",
            0.97,
            proptest::sample::select(identities.to_vec()).prop_map(Value::from).boxed(),
        ),
        ("allowedFlows", 0.3, some(&["f", "*"]).boxed()),
        ("allowedOperations", 0.3, operations()),
        ("deniedOperations", 0.3, operations()),
    ])
}

fn tenant() -> BoxedStrategy<Value> {
    object([
        ("tenantId", 0.97, pick(&["a", "b", "c", " "]).boxed()),
        ("allowedFlows", 0.3, some(&["f", "*"]).boxed()),
        ("rateLimits", 0.5, list(limit())),
        ("accessPolicies", 0.5, list(access())),
    ])
}

fn section() -> BoxedStrategy<Value> {
    object([
        ("rules", 0.5, list(rule())),
        ("rateLimits", 0.5, list(limit())),
        ("accessPolicies", 0.5, list(access())),
        ("tenants", 0.5, list(tenant())),
        ("unknownTenants", 0.5, pick(&["allow", "deny"]).boxed()),
    ])
}

proptest! {
    // About a third of the sections pass.
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_the_configuration_lets_pass_the_policies_take_as_it_is(section in section()) {
        let file = json!({ "policy": section });
        let Ok(loaded) = runcor_config::parse(&file.to_string(), &|_| None) else { return Ok(()) };
        let read = serde_json::to_value(loaded.config.policy.unwrap_or_default()).unwrap();
        let config = serde_json::from_value::<PolicyConfig>(read);
        prop_assert!(config.is_ok(), "{:?}", config);
        let raw = serde_json::from_value(section).ok();
        prop_assert_eq!(raw.as_ref(), config.as_ref().ok());
        let policies = Policies::from_config(config.unwrap(), Arc::new(NopSink));
        prop_assert!(policies.is_ok(), "{:?}", policies);
    }
}
