//! The section `policy`: mistakes that no schema finds.

use super::parse;

/// Returns what is said of the section, with line and column.
fn said(text: &str) -> Vec<String> {
    let error = parse(text).unwrap_err();
    let problems = error.problems().iter().map(ToString::to_string);
    problems.filter(|problem| problem.contains(" policy.")).collect()
}

#[test]
fn mistakes_of_a_rule_are_found_at_their_places() {
    let text = "\
policy:
  rules:
    - {name: a, operations: [], action: deny}
    - name: a
      operations: [trigger, resume]
      action: modify
      when:
        - {equals: 1}
        - {input: amount, metadata: '', exists: true}
        - {input: /a~b}
    - name: c
      operations: ['*']
      action: deny
      set: {/x: 1}
    - name: d
      operations: [trigger]
      action: modify
      set: {x: 1, /y: }
";
    assert_eq!(
        said(text),
        [
            "3:29 policy.rules[0].operations: judges nothing; name an operation, or \"*\" for all",
            "4:7 policy.rules[1].set: the action modify needs it: JSON pointers and their values",
            "4:13 policy.rules[1].name: is the same as of policy.rules[0]; it may stand once",
            "5:29 policy.rules[1].operations[1]: only the input of a trigger can be modified",
            "8:11 policy.rules[1].when[0]: needs \"input\" or \"metadata\", one of them: where the \
             value is",
            "9:11 policy.rules[1].when[1]: needs \"input\" or \"metadata\", one of them: where the \
             value is",
            "9:19 policy.rules[1].when[1].input: is a JSON pointer, which begins with /",
            "10:11 policy.rules[1].when[2]: says nothing of the value; add \"equals\", \"exists\" \
             or the like",
            "10:19 policy.rules[1].when[2].input: is a JSON pointer, in which ~ is written ~0",
            "14:7 policy.rules[2].set: has no effect unless the action is modify",
            "18:13 policy.rules[3].set.x: is a JSON pointer, which begins with /",
            "18:21 policy.rules[3].set./y: expected a value, found nothing; give a value or remove \
             the key",
        ]
    );
}

#[test]
fn mistakes_of_limits_identities_and_tenants_are_found_at_their_places() {
    let text = "\
policy:
  rateLimits:
    - {name: a, scope: user, limit: 1, windowMs: 1, operations: []}
    - {name: a, scope: user, limit: 0, windowMs: 0, operations: [callTool]}
  accessPolicies:
    - {identity: 'user: '}
    - {identity: bob}
    - {identity: bob, deniedOperations: [destroy]}
  tenants:
    - tenantId: acme
      rateLimits: [{name: a, scope: global, limit: 1, windowMs: 1}]
      accessPolicies: [{identity: 'tenant:other'}, {identity: 'tenant:acme'}]
    - tenantId: acme
";
    assert_eq!(
        said(text),
        [
            "3:65 policy.rateLimits[0].operations: counts nothing; name an operation or leave the \
             key out",
            "4:14 policy.rateLimits[1].name: is the same as of policy.rateLimits[0]; it may stand \
             once",
            "4:37 policy.rateLimits[1].limit: must be at least 1",
            "4:50 policy.rateLimits[1].windowMs: must be at least 1",
            "4:66 policy.rateLimits[1].operations[0]: expected one of trigger, resume, replay, \
             listWaiting, cancel, delete, read",
            "6:18 policy.accessPolicies[0].identity: names nobody; write user:NAME or tenant:NAME",
            "8:18 policy.accessPolicies[2].identity: is the same as of policy.accessPolicies[1]; \
             it may stand once",
            "8:42 policy.accessPolicies[2].deniedOperations[0]: expected one of trigger, resume, \
             replay, listWaiting, cancel, delete, read, callTool, *",
            "11:27 policy.tenants[0].rateLimits[0].name: is the name of a limit in \
             policy.rateLimits; choose another one",
            "12:35 policy.tenants[0].accessPolicies[0].identity: never holds: policies of a tenant \
             are for its own callers",
            "13:17 policy.tenants[1].tenantId: is the same as of policy.tenants[0]; it may stand \
             once",
        ]
    );
}

#[test]
fn a_name_that_is_none_is_found_at_its_place() {
    let text = "\
policy:
  rules: [{name: ' ', operations: [read], action: deny}]
  rateLimits: [{name: a, scope: flow, limit: 1, windowMs: 1, flowName: \"\\t\"}]
  accessPolicies: [{identity: ' '}]
  tenants: [{tenantId: \"a\\nb\"}]
";
    assert_eq!(
        said(text),
        [
            "2:18 policy.rules[0].name: must not be empty",
            "3:72 policy.rateLimits[0].flowName: must not be empty",
            "4:31 policy.accessPolicies[0].identity: must not be empty",
            "5:24 policy.tenants[0].tenantId: must not contain control characters",
        ]
    );
}
