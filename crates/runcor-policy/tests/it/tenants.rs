//! Tenants: what binds the callers of one, and nobody else.

use runcor_core::{ErrorCode, Operation, Policy};
use runcor_policy::{TenantPolicy, UnknownTenants};
use serde_json::json;

use crate::support::{Ask, Bed, caller, tenant};

fn bed() -> Bed {
    Bed::of(json!({
        "tenants": [
            {
                "tenantId": "acme",
                "allowedFlows": ["report"],
                "accessPolicies": [
                    { "identity": "*", "deniedOperations": ["delete"] },
                    { "identity": "user:root", "deniedFlows": [] },
                ],
                "rateLimits": [
                    { "name": "daily", "scope": "global", "limit": 50, "windowMs": 86_400_000 },
                    { "name": "each", "scope": "user", "limit": 5, "windowMs": 1000 },
                ],
            },
            {
                "tenantId": "beta",
                "rateLimits": [
                    { "name": "daily", "scope": "global", "limit": 9, "windowMs": 86_400_000 },
                ],
            },
        ],
    }))
}

#[tokio::test]
async fn another_flow_of_the_tenant_is_refused_by_its_name() {
    let bed = bed();
    assert_eq!(bed.verdict(&Ask::trigger("report").by("alice@acme")).await, "ok");
    for operation in Operation::ALL {
        let error = bed.admit(&Ask::of(operation, Some("other")).by("root@acme")).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), ErrorCode::AccessDenied);
        assert!(error.message().contains("tenant \"acme\""), "{error}");
        assert!(error.message().contains("flow \"other\""), "{error}");
    }
    let ask = Ask::of(Operation::Trigger, Some("other")).by("alice@acme");
    assert_eq!(bed.reason(&ask).await, "the flow is not among those of the tenant");
}

#[tokio::test]
async fn what_binds_a_tenant_binds_nobody_else() {
    let bed = bed();
    for who in ["alice@beta", "@beta", "alice", ""] {
        assert_eq!(bed.verdict(&Ask::trigger("other").by(who)).await, "ok", "{who}");
        let ask = Ask::of(Operation::Delete, Some("other")).by(who);
        assert_eq!(bed.verdict(&ask).await, "ok", "{who}");
        let names: Vec<_> = bed.admit(&Ask::trigger("other").by(who)).await.unwrap().takes;
        assert_eq!(names.len(), usize::from(who.ends_with("@beta")), "{who}");
    }
}

#[tokio::test]
async fn a_tenant_s_access_policies_hold_within_it() {
    let bed = bed();
    let delete = Ask::of(Operation::Delete, Some("report"));
    for who in ["alice@acme", "root@acme"] {
        let reason = bed.reason(&delete.clone().by(who)).await;
        assert_eq!(reason, "the access policy within the tenant of \"*\" denies the operation");
    }
}

#[tokio::test]
async fn the_policies_of_all_and_those_of_the_tenant_both_have_to_allow() {
    let bed = Bed::of(json!({
        "accessPolicies": [
            { "identity": "tenant:acme", "allowedFlows": ["a", "b"] },
            { "identity": "user:root", "allowedFlows": ["*"] },
        ],
        "tenants": [{
            "tenantId": "acme",
            "accessPolicies": [{ "identity": "*", "allowedFlows": ["b", "c"] }],
            "allowedFlows": ["b", "d"],
        }],
    }));
    for (who, flow, wanted) in [
        ("x@acme", "b", "ok"),
        ("x@acme", "a", "ACCESS_DENIED"),
        ("x@acme", "c", "ACCESS_DENIED"),
        ("x@acme", "d", "ACCESS_DENIED"),
        ("root@acme", "b", "ok"),
        ("root@acme", "c", "ACCESS_DENIED"),
        ("root", "c", "ok"),
    ] {
        assert_eq!(bed.verdict(&Ask::trigger(flow).by(who)).await, wanted, "{who} {flow}");
        let sees = bed.policies.sees_flow(&caller(who), &flow.parse().unwrap());
        assert_eq!(sees, wanted == "ok", "{who} {flow}");
    }
    assert_eq!(bed.verdict(&Ask::of(Operation::Read, None).by("x@acme")).await, "ok");
    let other = TenantPolicy::new(tenant("acme")).with_allowed_flows(["z"]);
    bed.policies.set_tenant(other).unwrap();
    let reason = bed.reason(&Ask::of(Operation::Read, None).by("x@acme")).await;
    assert_eq!(reason, "no flow is allowed", "a or b, and z: none is left");
}

#[tokio::test]
async fn a_tenant_that_nobody_has_set_up_is_refused_once_there_is_one() {
    let bed = Bed::empty();
    let ask = Ask::trigger("f").by("alice@ghost");
    assert_eq!(bed.verdict(&ask).await, "ok");
    bed.policies.set_tenant(TenantPolicy::new(tenant("acme"))).unwrap();
    assert_eq!(bed.reason(&ask).await, "the tenant is not known");
    assert!(!bed.policies.sees_flow(&ask.caller, &"f".parse().unwrap()));
    assert_eq!(bed.verdict(&Ask::trigger("f").by("alice")).await, "ok");
    bed.policies.set_unknown_tenants(UnknownTenants::Allow);
    assert_eq!(bed.verdict(&ask).await, "ok");
    bed.policies.set_unknown_tenants(UnknownTenants::Deny);
    assert_eq!(bed.policies.tenant(&tenant("acme")).unwrap().tenant_id(), &tenant("acme"));
    assert!(bed.policies.remove_tenant(&tenant("acme")));
    assert!(bed.policies.tenant(&tenant("acme")).is_none());
    assert_eq!(bed.verdict(&ask).await, "ok");
}

#[tokio::test]
async fn limits_of_one_name_in_two_tenants_have_two_counters() {
    let bed = bed();
    let keys = async |who: &str| {
        let takes = bed.admit(&Ask::trigger("report").by(who)).await.unwrap().takes;
        takes.into_iter().map(|take| (take.key, take.limit)).collect::<Vec<_>>()
    };
    let (acme, beta) = (keys("alice@acme").await, keys("alice@beta").await);
    assert_eq!(acme.iter().map(|(_, limit)| *limit).collect::<Vec<_>>(), [50, 5]);
    assert_eq!(beta.iter().map(|(_, limit)| *limit).collect::<Vec<_>>(), [9]);
    assert_eq!(acme[0].0.limit, beta[0].0.limit);
    assert_ne!(acme[0].0, beta[0].0);
}
