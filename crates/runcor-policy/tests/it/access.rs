//! Access control: who may do what, as a table.

use runcor_core::{Operation, Policy};
use runcor_policy::{AccessPolicy, Identity};
use serde_json::{Value, json};

use crate::support::{Ask, Bed, caller};

fn bed(policies: Value) -> Bed {
    Bed::with("accessPolicies", policies)
}

/// Asks whether each may do what they want, written as `who operation flow`.
async fn check(policies: Value, wanted: &[(&str, &str)]) {
    let bed = bed(policies.clone());
    for (asked, verdict) in wanted {
        let [who, operation, flow] = *asked.split(' ').collect::<Vec<_>>() else {
            panic!("{asked:?} is not: who operation flow")
        };
        let operation = Operation::ALL.into_iter().find(|known| known.as_str() == operation);
        let ask = Ask::of(operation.unwrap(), (flow != "*").then_some(flow));
        let found = match bed.admit(&ask.by(if who == "-" { "" } else { who })).await {
            Ok(_) => "yes".to_owned(),
            Err(error) => error.message().split_once(": ").unwrap().1.to_owned(),
        };
        assert_eq!(found, *verdict, "{asked} by {policies}");
    }
}

#[tokio::test]
async fn without_any_policy_everything_is_allowed() {
    let bed = bed(json!([]));
    for operation in Operation::ALL {
        assert_eq!(bed.verdict(&Ask::of(operation, Some("f"))).await, "ok");
        assert_eq!(bed.verdict(&Ask::of(operation, None).by("eve@nowhere")).await, "ok");
    }
}

#[tokio::test]
async fn once_a_policy_names_anybody_all_others_are_denied_everything() {
    let bed = bed(json!([{ "identity": "user:alice" }]));
    for operation in Operation::ALL {
        for flow in [Some("f"), None] {
            assert_eq!(bed.verdict(&Ask::of(operation, flow).by("alice")).await, "ok");
            for other in ["bob", "bob@alice", "@alice", ""] {
                let ask = Ask::of(operation, flow).by(other);
                assert_eq!(bed.verdict(&ask).await, "ACCESS_DENIED", "{operation:?} by {other:?}");
                assert_eq!(bed.reason(&ask).await, "no access policy names the caller");
            }
        }
    }
    assert!(bed.events.events().is_empty(), "an access that is denied is no event");
}

#[tokio::test]
async fn an_identity_matches_in_its_own_name_space() {
    check(
        json!([{ "identity": "user:a" }, { "identity": "tenant:b" }, { "identity": "c" }]),
        &[
            ("a trigger f", "yes"),
            ("x@b trigger f", "yes"),
            ("@b trigger f", "yes"),
            ("c trigger f", "yes"),
            ("x@c trigger f", "yes"),
            ("@a trigger f", "no access policy names the caller"),
            ("b trigger f", "no access policy names the caller"),
            ("user:a trigger f", "no access policy names the caller"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_denied_to_everybody_no_specific_policy_allows() {
    check(
        json!([
            { "identity": "*", "deniedFlows": ["admin"], "deniedOperations": ["delete"] },
            { "identity": "tenant:acme", "deniedFlows": ["beta"] },
            { "identity": "user:alice", "allowedFlows": ["admin", "beta", "f"],
              "allowedOperations": ["*"] },
        ]),
        &[
            ("alice@acme trigger f", "yes"),
            ("alice trigger beta", "yes"),
            ("alice@acme trigger admin", "the access policy of \"*\" denies the flow"),
            ("alice@acme trigger beta", "the access policy of \"tenant:acme\" denies the flow"),
            ("alice@acme delete f", "the access policy of \"*\" denies the operation"),
            ("alice trigger other", "the access policy of \"user:alice\" allows other flows only"),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_the_allow_lists_the_most_specific_one_decides_each_kind_on_its_own() {
    check(
        json!([
            { "identity": "*", "allowedOperations": ["trigger", "read"], "allowedFlows": ["f"] },
            { "identity": "tenant:acme", "allowedFlows": ["f", "g"] },
            { "identity": "user:alice", "allowedOperations": ["cancel"] },
            { "identity": "user:root", "allowedOperations": ["*"], "allowedFlows": ["*"] },
            // Says nothing, so it lifts nothing.
            { "identity": "user:bob", "deniedFlows": ["x"] },
        ]),
        &[
            ("- trigger f", "yes"),
            ("- cancel f", "the access policy of \"*\" allows other operations only"),
            ("- trigger g", "the access policy of \"*\" allows other flows only"),
            ("@acme trigger g", "yes"),
            ("@acme cancel g", "the access policy of \"*\" allows other operations only"),
            ("alice@acme cancel g", "yes"),
            (
                "alice@acme trigger g",
                "the access policy of \"user:alice\" allows other operations only",
            ),
            ("alice cancel g", "the access policy of \"*\" allows other flows only"),
            ("bob delete f", "the access policy of \"*\" allows other operations only"),
            ("bob trigger f", "yes"),
            ("root@acme delete anything", "yes"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_bare_name_and_the_name_with_its_kind_both_have_to_allow() {
    check(
        json!([
            { "identity": "alice", "allowedFlows": ["f", "g"] },
            { "identity": "user:alice", "allowedFlows": ["g", "h"] },
            { "identity": "tenant:alice", "allowedFlows": ["t"] },
        ]),
        &[
            ("alice trigger g", "yes"),
            ("alice trigger f", "the access policy of \"user:alice\" allows other flows only"),
            ("alice trigger h", "the access policy of \"alice\" allows other flows only"),
            // The bare name is the user's where the user has it, and then the tenant's own list is less specific.
            ("alice@alice trigger g", "yes"),
            (
                "alice@alice trigger t",
                "the access policy of \"user:alice\" allows other flows only",
            ),
            ("x@alice trigger t", "the access policy of \"alice\" allows other flows only"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_about_all_flows_is_allowed_when_any_flow_is() {
    check(
        json!([
            { "identity": "*", "deniedFlows": ["secret"] },
            { "identity": "user:one", "allowedFlows": ["f"] },
            { "identity": "user:hidden", "allowedFlows": ["secret"] },
            { "identity": "user:none", "allowedFlows": [] },
            { "identity": "user:out", "deniedFlows": ["*"] },
            { "identity": "user:waits", "allowedOperations": ["listWaiting"] },
        ]),
        &[
            ("- read *", "yes"),
            ("one read *", "yes"),
            ("one listWaiting *", "yes"),
            ("hidden read *", "no flow is allowed"),
            ("none read *", "no flow is allowed"),
            ("out read *", "no flow is allowed"),
            ("waits listWaiting *", "yes"),
            ("waits read *", "the access policy of \"user:waits\" allows other operations only"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_caller_sees_the_flows_that_the_lists_leave() {
    let bed = bed(json!([
        { "identity": "*", "deniedFlows": ["secret"] },
        { "identity": "user:one", "allowedFlows": ["f", "secret"] },
    ]));
    let sees = |who: &str, flow: &str| bed.policies.sees_flow(&caller(who), &flow.parse().unwrap());
    assert!(sees("", "f") && sees("", "g") && !sees("", "secret"));
    assert!(sees("one", "f") && !sees("one", "g") && !sees("one", "secret"));
}

#[tokio::test]
async fn policies_are_replaced_and_removed_while_it_runs() {
    let bed = Bed::empty();
    let alice: Identity = "user:alice".parse().unwrap();
    let ask = Ask::trigger("f").by("alice");
    bed.policies.set_access_policy(AccessPolicy::new(alice.clone()).with_denied_flows(["f"]));
    assert_eq!(bed.verdict(&ask).await, "ACCESS_DENIED");
    bed.policies.set_access_policy(AccessPolicy::new(alice.clone()).with_allowed_flows(["f"]));
    assert_eq!(bed.verdict(&ask).await, "ok");
    assert_eq!(bed.verdict(&Ask::trigger("f")).await, "ACCESS_DENIED");
    assert!(bed.policies.remove_access_policy(&alice));
    assert!(!bed.policies.remove_access_policy(&alice));
    assert_eq!(bed.verdict(&Ask::trigger("g")).await, "ok");
}

#[tokio::test]
async fn an_error_tells_programs_who_wanted_what() {
    let bed = bed(json!([{ "identity": "*", "allowedOperations": [] }]));
    let error = bed.admit(&Ask::trigger("f").by("alice@acme")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "user \"alice\" of tenant \"acme\" may not trigger on flow \"f\": the access policy of \
         \"*\" allows other operations only"
    );
    assert!(!error.is_retryable());
    let wanted = json!({ "operation": "trigger", "flowName": "f", "userId": "alice",
        "tenantId": "acme" });
    assert_eq!(error.details(), Some(&wanted));
}

#[test]
fn identities_are_written_in_four_ways() {
    for text in ["*", "user:a", "tenant:b", "c", "user:a:b", "mail@example.org"] {
        assert_eq!(text.parse::<Identity>().unwrap().to_string(), text);
    }
    for text in ["", " ", "user:", "tenant: "] {
        assert!(text.parse::<Identity>().is_err(), "{text:?}");
    }
}
