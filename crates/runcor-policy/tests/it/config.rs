//! The section `policy` of `runcor.yaml`, from the file to what it does.

use std::sync::Arc;

use runcor_core::{NopSink, Operation};
use runcor_policy::{Error, Policies, PolicyConfig};
use serde_json::{Value, json};

use crate::support::{Ask, Bed};

/// Everything that the section can say of operations.
const SECTION: &str = "
rules:
  - name: web-only
    priority: -5
    operations: [trigger, resume]
    flows: [report]
    users: [alice, '*']
    tenants: [acme]
    when:
      - {metadata: /channel, exists: true, notEquals: web, notIn: [app, 1]}
      - {input: /rows, greaterThan: 0, atLeast: 1, lessThan: 1000, atMost: 999}
      - {input: /tags, contains: x, in: [[x], {a: b}]}
    action: deny
    reason: from the web only
  - name: checked
    operations: [trigger]
    action: modify
    set: {/checked: true, /by: {name: policy}}
  - {name: rest, operations: ['*'], action: allow, when: [{input: /a, equals: 0.5}]}
rateLimits:
  - name: per-user
    scope: user
    limit: 100
    windowMs: 3600000
    behavior: queue
    maxQueueDepth: 7
    queueTimeoutMs: 1500
    flowName: report
    operations: [trigger, resume, replay, listWaiting, cancel, delete, read]
  - {name: per-tenant, scope: tenant, limit: 5, windowMs: 1000}
accessPolicies:
  - identity: '*'
    allowedOperations: [trigger, resume, replay, listWaiting, cancel, delete, read, callTool]
    deniedFlows: [admin]
  - {identity: 'user:root', allowedFlows: ['*'], deniedOperations: [delete]}
tenants:
  - tenantId: acme
    allowedFlows: [report]
    rateLimits: [{name: acme, scope: global, limit: 50, windowMs: 86400000, behavior: reject}]
    accessPolicies: [{identity: bob, allowedOperations: ['*']}]
unknownTenants: allow
";

/// Reads the section as the configuration does, and as this crate does from that.
fn read(section: &str) -> PolicyConfig {
    let section: runcor_config::section::Policy = serde_saphyr::from_str(section).unwrap();
    serde_json::from_value(serde_json::to_value(section).unwrap()).unwrap()
}

#[tokio::test]
async fn what_the_configuration_reads_the_policies_carry_out() {
    let bed = Bed::empty();
    let config = read(SECTION);
    let policies = Policies::from_config(config, Arc::new(bed.events.clone())).unwrap();
    let bed = Bed { policies, ..bed };
    let ask = Ask::trigger("report").by("bob@acme").with_input(json!({ "rows": 5 }));
    let admission = bed.admit(&ask).await.unwrap();
    let wanted = json!({ "rows": 5, "checked": true, "by": { "name": "policy" } });
    assert_eq!(admission.input, Some(wanted));
    let names: Vec<_> = admission.takes.iter().map(|take| take.key.limit.as_str()).collect();
    assert_eq!(names, ["per-user", "per-tenant", "acme"]);
    let queue = admission.takes[0].queue.unwrap();
    assert_eq!((queue.depth, queue.timeout.as_millis()), (7, 1_500));
    let ask = ask.with_input(json!({ "rows": 5, "tags": ["x"] }));
    let ask = ask.with_metadata(json!({ "channel": "mail" }));
    assert_eq!(bed.verdict(&ask).await, "POLICY_DENIED");
    assert_eq!(bed.verdict(&Ask::trigger("report").by("eve@acme")).await, "ACCESS_DENIED");
    assert_eq!(bed.verdict(&Ask::trigger("other").by("bob@acme")).await, "ACCESS_DENIED");
    assert_eq!(bed.verdict(&Ask::trigger("other").by("bob@unknown")).await, "ok");
    assert_eq!(
        bed.verdict(&Ask::of(Operation::Delete, Some("f")).by("root")).await,
        "ACCESS_DENIED"
    );
}

#[test]
fn what_stands_twice_is_refused() {
    let limit = json!({ "name": "a", "scope": "global", "limit": 1, "windowMs": 1 });
    let rule = json!({ "name": "a", "operations": ["read"], "action": "deny" });
    for (config, code) in [
        (json!({ "rules": [rule, rule] }), "DUPLICATE_POLICY"),
        (json!({ "rateLimits": [limit, limit] }), "DUPLICATE_RATE_LIMIT"),
        (
            json!({ "accessPolicies": [{ "identity": "a" }, { "identity": "a" }] }),
            "INVALID_POLICY_CONFIG",
        ),
        (json!({ "tenants": [{ "tenantId": "a" }, { "tenantId": "a" }] }), "INVALID_POLICY_CONFIG"),
        (
            json!({ "rateLimits": [limit], "tenants": [{ "tenantId": "a", "rateLimits": [limit] }] }),
            "DUPLICATE_RATE_LIMIT",
        ),
        (
            json!({ "tenants": [{ "tenantId": "a", "accessPolicies": [{ "identity": "tenant:b" }] }] }),
            "INVALID_POLICY_CONFIG",
        ),
    ] {
        assert_eq!(code_of(&config), code, "{config}");
    }
}

fn code_of(config: &Value) -> &'static str {
    let config = serde_json::from_value(config.clone()).unwrap();
    let error: Error = Policies::from_config(config, Arc::new(NopSink)).unwrap_err();
    runcor_core::Error::from(error).code().as_str()
}

#[test]
fn a_section_without_anything_allows_everything() {
    assert_eq!(read("{}"), PolicyConfig::default());
}

/// The page that explains the section.
const PAGE: &str = include_str!("../../../../docs/policy.md");

#[test]
fn every_example_of_the_documentation_is_a_sound_policy() {
    let blocks: Vec<_> =
        PAGE.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let mut file: Value = serde_saphyr::from_str(block).unwrap();
        let section: runcor_config::section::Policy =
            serde_json::from_value(file["policy"].take()).unwrap();
        let config = serde_json::from_value(serde_json::to_value(section).unwrap()).unwrap();
        Policies::from_config(config, Arc::new(NopSink)).unwrap();
    }
}
