//! What a policy adds to an operation: five rules, one limit, access control and a tenant.

#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use runcor_core::{
    Caller, FlowName, NopSink, Operation, Policy, PolicyRequest, TenantId, Timestamp, UserId,
};
use runcor_policy::{Policies, RuleSpec, Verdict};
use serde_json::{Value, json};
use tokio::runtime::Builder;

/// Five rules that are asked and let on: three of a file, two in code.
fn rules() -> Value {
    json!([
        { "name": "large", "operations": ["trigger"], "action": "deny",
          "when": [{ "input": "/amount", "greaterThan": 1_000_000 }] },
        { "name": "channel", "operations": ["*"], "action": "deny",
          "when": [{ "metadata": "/channel", "in": ["fax", "telex"] }] },
        { "name": "exports", "operations": ["trigger"], "flows": ["export"], "action": "deny" },
    ])
}

fn policies(config: Value) -> Policies {
    let config = serde_json::from_value(config).expect("a sound configuration");
    Policies::from_config(config, Arc::new(NopSink)).expect("sound policies")
}

fn whole() -> Policies {
    let policies = policies(json!({
        "rules": rules(),
        "rateLimits": [{ "name": "per-user", "scope": "user", "limit": 100, "windowMs": 3_600_000 }],
        "accessPolicies": [
            { "identity": "*", "allowedOperations": ["trigger", "resume"], "deniedFlows": ["admin"] },
            { "identity": "user:alice", "allowedOperations": ["*"] },
        ],
        "tenants": [{ "tenantId": "acme", "allowedFlows": ["report", "digest"] }],
    }));
    for name in ["first", "second"] {
        let rule = |request: &PolicyRequest<'_>| match request.caller.user {
            Some(_) => Verdict::Allow,
            None => Verdict::deny("nobody in particular"),
        };
        policies.add_rule(RuleSpec::new(name, [Operation::Trigger]), rule).expect("a sound rule");
    }
    policies
}

fn admit(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let flow = FlowName::new("report").expect("a name");
    let caller = Caller { user: UserId::new("alice").ok(), tenant: TenantId::new("acme").ok() };
    let (input, metadata) = (json!({ "amount": 7, "text": "hello" }), json!({ "channel": "web" }));
    let request = PolicyRequest {
        operation: Operation::Trigger,
        flow: Some(&flow),
        caller: &caller,
        input: &input,
        execution: None,
        metadata: Some(&metadata),
        now: Timestamp::from_millis(1),
    };
    for (name, policies) in [
        ("nothing set up", policies(json!({}))),
        ("three rules of a file", policies(json!({ "rules": rules() }))),
        ("five rules, one limit, access, tenant", whole()),
    ] {
        runtime.block_on(policies.admit(&request)).expect("it may happen");
        c.bench_function(name, |bench| {
            bench.to_async(&runtime).iter(|| policies.admit(black_box(&request)));
        });
    }
}

criterion_group!(benches, admit);
criterion_main!(benches);
