//! Rules that are written down.

use serde_json::{Value, json};

use runcor_core::{Operation, PolicyRequest};
use runcor_policy::{DeclaredRule, RuleSpec, Verdict};

use crate::support::{Ask, Bed};

fn bed(rules: Value) -> Bed {
    Bed::with("rules", rules)
}

#[tokio::test]
async fn an_allow_spares_the_later_rules_of_the_file_and_no_rule_in_code() {
    let bed = bed(json!([
        { "name": "nobody", "priority": 20, "operations": ["trigger"], "flows": ["export"],
          "action": "deny", "reason": "only admins export" },
        { "name": "admins", "priority": 10, "operations": ["trigger"], "flows": ["export"],
          "users": ["admin"], "action": "allow" },
    ]));
    assert_eq!(bed.verdict(&Ask::trigger("export").by("admin")).await, "ok");
    assert_eq!(bed.verdict(&Ask::trigger("other").by("bob")).await, "ok");
    for who in ["bob", "@admin", ""] {
        let reason = bed.reason(&Ask::trigger("export").by(who)).await;
        assert_eq!(reason, "rule \"nobody\" denies it: only admins export");
    }
    let spec = RuleSpec::new("code", [Operation::Trigger]).with_priority(500);
    bed.policies.add_rule(spec, |_: &PolicyRequest<'_>| Verdict::deny("closed")).unwrap();
    let reason = bed.reason(&Ask::trigger("export").by("admin")).await;
    assert_eq!(reason, "rule \"code\" denies it: closed");
}

#[tokio::test]
async fn every_condition_means_what_its_name_says() {
    let input = json!({ "n": 5, "text": "good morning", "list": [1, "two"], "nothing": null,
        "deep": { "a/b": { "c": [10, 20] } } });
    let metadata = json!({ "channel": "web" });
    for (condition, wanted) in [
        (json!({ "input": "/n", "equals": 5.0 }), true),
        (json!({ "input": "/n", "equals": "5" }), false),
        (json!({ "input": "/gone", "equals": 5 }), false),
        (json!({ "input": "/n", "notEquals": 5 }), false),
        (json!({ "input": "/gone", "notEquals": 5 }), true),
        (json!({ "input": "/n", "in": [4, 5] }), true),
        (json!({ "input": "/n", "in": [] }), false),
        (json!({ "input": "/n", "notIn": [4, 5] }), false),
        (json!({ "input": "/gone", "notIn": [4, 5] }), true),
        (json!({ "input": "/nothing", "exists": true }), true),
        (json!({ "input": "/gone", "exists": false }), true),
        (json!({ "input": "", "exists": true }), true),
        (json!({ "input": "/n", "greaterThan": 5 }), false),
        (json!({ "input": "/n", "atLeast": 5 }), true),
        (json!({ "input": "/n", "lessThan": 5 }), false),
        (json!({ "input": "/n", "atMost": 5 }), true),
        (json!({ "input": "/n", "greaterThan": 4.5, "lessThan": 5.5 }), true),
        (json!({ "input": "/n", "greaterThan": 4.5, "lessThan": 5 }), false),
        (json!({ "input": "/gone", "greaterThan": 0 }), false),
        (json!({ "input": "/text", "contains": "morning" }), true),
        (json!({ "input": "/text", "contains": 5 }), false),
        (json!({ "input": "/list", "contains": "two" }), true),
        (json!({ "input": "/list", "contains": 1.0 }), true),
        (json!({ "input": "/list", "contains": "on" }), false),
        (json!({ "input": "/gone", "contains": "x" }), false),
        (json!({ "input": "/deep/a~1b/c/1", "equals": 20 }), true),
        (json!({ "metadata": "/channel", "equals": "web" }), true),
        (json!({ "metadata": "/n", "exists": true }), false),
    ] {
        let bed = bed(json!([{ "name": "r", "operations": ["*"], "when": [condition.clone()],
            "action": "deny" }]));
        let ask = Ask::trigger("f").with_input(input.clone()).with_metadata(metadata.clone());
        let denied = bed.verdict(&ask).await == "POLICY_DENIED";
        assert_eq!(denied, wanted, "{condition}");
    }
}

#[tokio::test]
async fn what_can_not_be_judged_is_denied() {
    for (condition, reason) in [
        (json!({ "input": "/amount", "greaterThan": 100 }), "at \"/amount\" is no number"),
        (json!({ "input": "/amount", "atMost": 100 }), "at \"/amount\" is no number"),
        (json!({ "input": "/deep", "contains": "x" }), "at \"/deep\" is no text and no list"),
    ] {
        let bed = bed(json!([{ "name": "r", "operations": ["trigger"], "when": [condition],
            "action": "allow" }]));
        let input = json!({ "amount": "1000", "deep": {} });
        let said = bed.reason(&Ask::trigger("f").with_input(input)).await;
        assert_eq!(said, format!("rule \"r\" denies it: it can't be judged: {reason}"));
    }
}

#[tokio::test]
async fn all_conditions_have_to_hold() {
    let bed = bed(json!([{ "name": "r", "operations": ["trigger"], "tenants": ["acme"],
        "when": [{ "input": "/a", "equals": 1 }, { "metadata": "/b", "equals": 2 }],
        "action": "deny" }]));
    for (a, b, who, wanted) in [
        (1, 2, "@acme", "POLICY_DENIED"),
        (1, 3, "@acme", "ok"),
        (0, 2, "@acme", "ok"),
        (1, 2, "@other", "ok"),
        (1, 2, "acme", "ok"),
    ] {
        let ask = Ask::trigger("f").with_input(json!({ "a": a })).with_metadata(json!({ "b": b }));
        assert_eq!(bed.verdict(&ask.by(who)).await, wanted, "{a} {b} {who}");
    }
}

#[tokio::test]
async fn a_modify_puts_values_into_the_input_and_the_next_rule_sees_them() {
    let bed = bed(json!([
        { "name": "region", "operations": ["trigger"], "action": "modify",
          "when": [{ "input": "/region", "exists": false }],
          "set": { "/region": "eu", "/limits/rows": 100, "/tags/-": "checked" } },
        { "name": "eu-only", "operations": ["trigger"], "action": "deny",
          "when": [{ "input": "/region", "notEquals": "eu" }] },
    ]));
    let admission = bed.admit(&Ask::trigger("f").with_input(json!({ "tags": ["a"] }))).await;
    let wanted = json!({ "tags": ["a", "checked"], "region": "eu", "limits": { "rows": 100 } });
    assert_eq!(admission.unwrap().input, Some(wanted));
    let us = Ask::trigger("f").with_input(json!({ "region": "us" }));
    assert_eq!(bed.verdict(&us).await, "POLICY_DENIED");
    let no_room = Ask::trigger("f").with_input(json!({ "tags": 1 }));
    let reason = bed.reason(&no_room).await;
    assert_eq!(reason, "rule \"region\" denies it: it can't be applied: at \"/tags/-\" is no room");
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_with_its_name() {
    for (rule, wanted) in [
        (json!({ "operations": ["trigger"], "action": "modify" }), "has \"set\" if"),
        (
            json!({ "operations": ["trigger"], "action": "deny", "set": { "/a": 1 } }),
            "has \"set\" if",
        ),
        (
            json!({ "operations": ["resume"], "action": "modify", "set": { "/a": 1 } }),
            "a trigger alone",
        ),
        (json!({ "operations": ["fly"], "action": "deny" }), "expected an operation"),
        (
            json!({ "operations": ["trigger"], "action": "deny", "set": { "a": 1 } }),
            "begins with /",
        ),
        (
            json!({ "operations": ["trigger"], "action": "deny", "when": [{ "equals": 1 }] }),
            "\"input\" or",
        ),
        (
            json!({ "operations": ["trigger"], "action": "deny", "when": [{ "input": "" }] }),
            "says nothing",
        ),
        (json!({ "operations": ["trigger"], "action": "deny", "wen": [] }), "unknown field"),
    ] {
        let mut rule = rule;
        rule["name"] = json!("r");
        let error = serde_json::from_value::<DeclaredRule>(rule).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
