//! Rules in code: their order, what they see, how they fail.

use std::sync::Arc;

use parking_lot::Mutex;
use runcor_core::{Event, Operation, PolicyRequest};
use runcor_policy::{Error, Rule, RuleSpec, Verdict};
use serde_json::{Value, json};

use crate::support::{Ask, Bed};

type Seen = Arc<Mutex<Vec<(&'static str, Value)>>>;

/// Adds a rule that notes what it sees and then says `verdict`.
fn add(bed: &Bed, seen: &Seen, name: &'static str, priority: i32, verdict: Verdict) {
    let seen = Arc::clone(seen);
    let spec = RuleSpec::new(name, [Operation::Trigger]).with_priority(priority);
    let rule = move |request: &PolicyRequest<'_>| {
        seen.lock().push((name, request.input.clone()));
        verdict.clone()
    };
    bed.policies.add_rule(spec, rule).unwrap();
}

#[tokio::test]
async fn lower_priorities_are_asked_first_and_equal_ones_in_the_order_they_came() {
    let (bed, seen) = (Bed::empty(), Seen::default());
    for (name, priority) in [("c", 100), ("a", -1), ("d", 100), ("b", 7), ("e", 101)] {
        add(&bed, &seen, name, priority, Verdict::Allow);
    }
    bed.policies
        .add_rule(RuleSpec::new("f", [Operation::Trigger]), |_: &PolicyRequest<'_>| Verdict::Allow)
        .unwrap();
    assert_eq!(bed.verdict(&Ask::trigger("f")).await, "ok");
    let order: Vec<_> = seen.lock().iter().map(|(name, _)| *name).collect();
    assert_eq!(order, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn each_rule_sees_what_the_earlier_ones_have_made_of_the_input() {
    let (bed, seen) = (Bed::empty(), Seen::default());
    add(&bed, &seen, "one", 1, Verdict::modify(json!(1)));
    add(&bed, &seen, "two", 2, Verdict::Allow);
    add(&bed, &seen, "three", 3, Verdict::modify(json!(3)));
    add(&bed, &seen, "four", 4, Verdict::Allow);
    let admission = bed.admit(&Ask::trigger("f").with_input(json!(0))).await.unwrap();
    assert_eq!(admission.input, Some(json!(3)));
    let inputs: Vec<_> = seen.lock().iter().map(|(_, input)| input.clone()).collect();
    assert_eq!(inputs, [json!(0), json!(1), json!(1), json!(3)]);
}

#[tokio::test]
async fn the_first_denial_stops_it_with_one_event_and_nothing_to_count() {
    let bed = Bed::of(json!({
        "rateLimits": [{ "name": "l", "scope": "global", "limit": 1, "windowMs": 1000 }],
    }));
    let seen = Seen::default();
    add(&bed, &seen, "change", 1, Verdict::modify(json!(1)));
    add(&bed, &seen, "stop", 2, Verdict::deny("it is\n  too late"));
    add(&bed, &seen, "later", 3, Verdict::deny("never asked"));
    let error = bed.admit(&Ask::trigger("f").by("alice@acme")).await.unwrap_err();
    assert_eq!(error.code().as_str(), "POLICY_DENIED");
    assert_eq!(
        error.message(),
        "user \"alice\" of tenant \"acme\" may not trigger on flow \"f\": rule \"stop\" denies it: \
         it is too late"
    );
    assert_eq!(error.details().unwrap()["ruleName"], "stop");
    assert_eq!(seen.lock().len(), 2);
    let events = bed.events.take();
    let [Event::PolicyViolation(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.rule_name.as_str(), event.operation), ("stop", Operation::Trigger));
    assert_eq!(event.reason.as_deref(), Some("it is too late"));
    assert_eq!(event.flow_name, "f");
    let shown = serde_json::to_value(&events[0]).unwrap();
    assert_eq!((&shown["userId"], &shown["tenantId"]), (&json!("alice"), &json!("acme")));
}

struct Broken;

impl Rule for Broken {
    fn judge(
        &self,
        _: &PolicyRequest<'_>,
    ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        Err("the secret is 42".into())
    }
}

#[tokio::test]
async fn a_rule_that_fails_or_panics_denies_and_keeps_to_itself_why() {
    let bed = Bed::empty();
    let broken = RuleSpec::new("broken", [Operation::Trigger]);
    bed.policies.add_rule(broken, Broken).unwrap();
    let reason = bed.reason(&Ask::trigger("f")).await;
    assert_eq!(reason, "rule \"broken\" denies it: the rule failed");
    assert!(bed.policies.remove_rule("broken"));
    let panics = |request: &PolicyRequest<'_>| match request.input.as_i64() {
        Some(_) => Verdict::Allow,
        None => panic!("no number"),
    };
    bed.policies.add_rule(RuleSpec::new("panics", [Operation::Trigger]), panics).unwrap();
    let reason = bed.reason(&Ask::trigger("f")).await;
    assert_eq!(reason, "rule \"panics\" denies it: the rule panicked");
    assert_eq!(bed.verdict(&Ask::trigger("f").with_input(json!(1))).await, "ok");
    assert_eq!(bed.events.take().len(), 2);
}

#[tokio::test]
async fn a_rule_is_asked_about_its_operations_and_changes_the_input_of_triggers_alone() {
    let bed = Bed::empty();
    let spec = RuleSpec::new("some", [Operation::Trigger, Operation::Resume, Operation::Cancel]);
    let rule = |request: &PolicyRequest<'_>| match request.operation {
        Operation::Cancel => Verdict::deny("no"),
        _ => Verdict::modify(json!("new")),
    };
    bed.policies.add_rule(spec, rule).unwrap();
    for operation in Operation::ALL {
        let admission = bed.admit(&Ask::of(operation, Some("f"))).await;
        let wanted = match operation {
            Operation::Trigger => Ok(Some(json!("new"))),
            Operation::Cancel => Err("POLICY_DENIED"),
            _ => Ok(None),
        };
        let found = admission.map(|it| it.input).map_err(|error| error.code().as_str());
        assert_eq!(found, wanted, "{operation:?}");
    }
}

#[test]
fn a_rule_needs_a_name_of_its_own_and_an_operation() {
    let bed = Bed::empty();
    let add = |name: &str, operations: &[Operation]| {
        let spec = RuleSpec::new(name, operations.iter().copied());
        bed.policies.add_rule(spec, |_: &PolicyRequest<'_>| Verdict::Allow)
    };
    add("a", &[Operation::Read]).unwrap();
    let twice = add("a", &[Operation::Trigger]).unwrap_err();
    assert!(matches!(twice, Error::DuplicateRule { .. }), "{twice}");
    assert_eq!(runcor_core::Error::from(twice).code().as_str(), "DUPLICATE_POLICY");
    for refused in [add("b", &[]), add(" ", &[Operation::Read])] {
        let error = runcor_core::Error::from(refused.unwrap_err());
        assert_eq!(error.code().as_str(), "INVALID_POLICY_CONFIG");
    }
    assert!(bed.policies.remove_rule("a") && !bed.policies.remove_rule("a"));
    add("a", &[Operation::Trigger]).unwrap();
}
