//! Flow files: what is accepted, and what is said about mistakes.

use std::time::Duration;

use proptest::prelude::*;
use runcor_core::ErrorCode;
use runcor_pipeline::FlowFile;

const WHOLE: &str = "
name: everything
description: Uses every key once.
model: m-1
input_schema: { type: object, required: [url] }
timeout_ms: 60000
max_retries: 5
base_retry_delay_ms: 10
max_retry_delay_ms: 100
steps:
  - name: find
    kind: agent
    preamble: Find things.
    model: m-2
    output_schema: { type: object }
    max_tokens: 100
    temperature: 0.5
    input: { source: $.input.url, tags: [a, $.run.id], price: $$5 }
    retries: 1
    timeout_ms: 5000
  - name: any-found
    kind: condition
    when:
      - $.steps.find.output.items.length > 0
      - $.input.url exists
  - name: tell
    kind: webhook
    url: https://hooks.example.com/T/B/x
    headers: { Authorization: Bearer secret }
    input: { count: $.steps.find.output.items.length, ok: $.steps.any-found.output.result }
";

/// The problems of a file, as they are shown.
fn problems(text: &str) -> Vec<String> {
    let error = FlowFile::parse(text, "f.yaml").expect_err(text);
    error.problems().iter().map(ToString::to_string).collect()
}

/// The problems of a flow with the given steps, in flow style, from line 3 on.
fn step_problems(steps: &[&str]) -> Vec<String> {
    let lines: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    problems(&format!("name: f\nsteps:\n{lines}"))
}

#[test]
fn a_whole_file_is_read() {
    let spec = FlowFile::parse(WHOLE, "f.yaml").unwrap();
    assert_eq!(spec.name.as_str(), "everything");
    assert_eq!(spec.limits.timeout, Duration::from_secs(60));
    assert_eq!(spec.limits.max_retries, 5);
    assert_eq!(spec.limits.base_retry_delay, Duration::from_millis(10));
    assert_eq!(spec.limits.max_retry_delay, Duration::from_millis(100));
    let steps: Vec<_> = spec.steps.iter().map(|step| (step.name(), step.kind())).collect();
    assert_eq!(steps, [("find", "agent"), ("any-found", "condition"), ("tell", "webhook")]);
}

#[test]
fn camel_case_and_the_names_of_runners_are_accepted() {
    let spec = FlowFile::parse(
        "
name: f
defaultModel: m
inputSchema: {}
timeoutMs: 1
maxRetries: 2
baseRetryDelayMs: 3
maxRetryDelayMs: 4
steps:
  - { name: a, kind: agent, preambleOverride: p, modelOverride: m, outputSchema: {}, maxTokens: 9, inputMapping: { x: $.input } }
  - { name: b, kind: condition, conditionExpr: $.input }
  - { name: c, kind: webhook, webhookUrl: 'https://example.com', timeoutMs: 5 }
",
        "f.yaml",
    )
    .unwrap();
    assert_eq!(spec.model.as_deref(), Some("m"));
    assert_eq!(spec.limits.max_retries, 2);
}

#[test]
fn the_timeout_of_a_flow_is_off_unless_it_is_set() {
    let spec = FlowFile::parse("name: f\nsteps: []", "f.yaml").unwrap();
    assert_eq!(spec.limits.timeout, Duration::ZERO);
    assert_eq!(spec.limits.max_retries, 3);
}

#[test]
fn all_mistakes_are_told_at_once_in_order_with_their_places() {
    let text = "name: 7
modle: m
timeout_ms: soon
input_schema: { type: nonsense }
steps:
  - name: a
    kind: agent
    preambel: x
    max_tokens: 0
    input: { x: $.steps.b.output, y: $.steps.nope.output, z: '$.[' }
  - name: b
    kind: webhook
    url: ftp://example.com
  - name: a
    kind: condition
    when: $.input.x ~ 3
";
    let found = problems(text);
    let expected = [
        "f.yaml:1:7: name: must be a text; put it into quotes",
        "f.yaml:2:1: modle: unknown key; did you mean \"model\"?",
        "f.yaml:3:13: timeout_ms: must be a whole number from 0 to 86400000",
        "f.yaml:4:15: input_schema: not a usable JSON Schema",
        "f.yaml:8:5: steps[0].preambel: unknown key; did you mean \"preamble\"?",
        "f.yaml:9:17: steps[0].max_tokens: must be a whole number from 1",
        "f.yaml:10:17: steps[0].input.x: step 'b' comes later",
        "f.yaml:10:38: steps[0].input.y: there is no step 'nope'",
        "f.yaml:10:62: steps[0].input.z: not a JSONPath",
        "f.yaml:13:10: steps[1].url: must begin with http:// or https://",
        "f.yaml:14:11: steps[2].name: two steps have the name \"a\"",
        "f.yaml:16:11: steps[2].when: unknown operator \"~\"",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn the_error_of_a_file_has_a_code_and_its_problems_as_details() {
    let error = FlowFile::parse("name: f\nstep: 1\n", "f.yaml").unwrap_err();
    let error: runcor_core::Error = error.into();
    assert_eq!(error.code(), ErrorCode::FlowInvalid);
    assert!(error.message().ends_with("(and 1 more)"), "{}", error.message());
    let problem = &error.details().unwrap()["problems"][1];
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(1)));
    assert_eq!(problem["path"], "step");
}

#[test]
fn what_is_planned_is_not_called_unknown() {
    let found = problems("name: f\nstages: []\ntriggers: []\nconcurrency: 1\nsteps: []\n");
    assert_eq!(found.len(), 3);
    for problem in found {
        assert!(problem.ends_with("is not part of this version yet"), "{problem}");
    }
    for kind in ["computer", "tool", "runner"] {
        let found = step_problems(&[&format!("{{ name: a, kind: {kind}, code: x }}")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("f.yaml:3:"), "{found:?}");
        assert!(
            found[0].contains("steps[0].kind") && found[0].contains("not part of this version yet")
        );
    }
    let found = step_problems(&["{ name: a, kind: agent, agentId: x, on_error: continue }"]);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|problem| problem.ends_with("not part of this version yet")));
}

#[test]
fn keys_that_are_missing_double_or_of_another_kind_are_mistakes() {
    for (step, expected) in [
        ("{ kind: agent }", "steps[0]: needs the key \"name\""),
        ("{ name: a }", "steps[0]: needs the key \"kind\""),
        ("{ name: a, kind: webhook }", "steps[0]: needs the key \"url\""),
        ("{ name: a, kind: condition }", "steps[0]: needs the key \"when\""),
        (
            "{ name: a, kind: agnet }",
            "steps[0].kind: unknown kind \"agnet\"; did you mean \"agent\"?",
        ),
        (
            "{ name: a, kind: agent, max_tokens: 1, maxTokens: 2 }",
            "is another spelling of \"max_tokens\"",
        ),
        (
            "{ name: a, kind: condition, when: $.input, retries: 1 }",
            "steps[0].retries: unknown key",
        ),
        ("{ name: 'a b', kind: agent }", "a step's name has"),
        ("{ name: 1a, kind: agent }", "a step's name has"),
        ("words", "steps[0]: must be a map, not a text"),
        ("{ name: a, kind: agent, temperature: 3 }", "must be a number from 0 to 2"),
        ("{ name: a, kind: agent, preamble: '' }", "must not be empty"),
        (
            "{ name: a, kind: agent, output_schema: { $ref: 'https://example.com/a' } }",
            "remote reference",
        ),
        ("{ name: a, kind: condition, when: true }", "must be a condition as text"),
        (
            "{ name: a, kind: condition, when: [$.input, 1] }",
            "steps[0].when[1]: must be a condition",
        ),
        ("{ name: a, kind: condition, when: [] }", "needs 1 to 64 conditions"),
    ] {
        let found = step_problems(&[step]);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{step}: {found:?}");
    }
    assert!(problems("")[0].contains("must be a map"));
    assert!(problems("name: f")[0].contains("needs the key \"steps\""));
    assert!(problems("name: f\nname: g\nsteps: []")[0].starts_with("f.yaml:2:"));
    assert!(problems("name: f\nsteps: 3")[0].contains("must be a list of steps"));
}

#[test]
fn a_reference_must_name_an_earlier_step_and_a_known_entry() {
    let first = "{ name: first-one, kind: agent }";
    for (path, expected) in [
        ("$.steps.second.output", "step 'second' can't refer to itself"),
        ("$.steps.third.output", "step 'third' comes later"),
        ("$.steps.first-on.output", "there is no step 'first-on'; did you mean 'first-one'?"),
        ("$['steps'][\"third\"].output", "step 'third' comes later"),
        ("$.input[?@.a == $.steps.third.output]", "step 'third' comes later"),
        ("$.stepz.first-one", "$ has no \"stepz\"; did you mean \"steps\"?"),
        ("$.steps.first-one.outptu", "has no \"outptu\"; did you mean \"output\"?"),
    ] {
        let condition = serde_json::json!({ "name": "second", "kind": "condition", "when": path });
        let third = "{ name: third, kind: agent }";
        let found = step_problems(&[first, &condition.to_string(), third]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{path}: {found:?}");
        assert!(found[0].contains("steps[1].when"), "{found:?}");
    }
}

#[test]
fn mistakes_in_pausing_and_parallel_steps_are_told_with_their_places() {
    let ask = "{ name: b, kind: agent }";
    for (step, expected) in [
        ("{ name: a, kind: sleep }", "steps[0]: needs \"for\", or \"until\""),
        (
            "{ name: a, kind: sleep, for: 1h, until: $.input.x }",
            "steps[0].until: can't stand beside \"for\"; keep one",
        ),
        ("{ name: a, kind: sleep, for: 5 }", "steps[0].for: must be a duration such as 30s"),
        ("{ name: a, kind: sleep, for: 5 days }", "steps[0].for: must be a duration"),
        (
            "{ name: a, kind: sleep, until: tomorrow }",
            "steps[0].until: must be a path to an instant",
        ),
        ("{ name: a, kind: wait, timeout_ms: 5 }", "unknown key; did you mean \"timeout\"?"),
        (
            "{ name: a, kind: wait, data: { x: $.steps.b } }",
            "steps[0].data.x: there is no step 'b'",
        ),
        ("{ name: a, kind: wait, on: x }", "steps[0].on: is not part of this version yet"),
        ("{ name: a, kind: approval, action: x }", "needs the key \"subject\""),
        (
            "{ name: a, kind: approval, action: x, subject: 1, on_reject: contiue }",
            "steps[0].on_reject: must be one of fail, continue, stop; did you mean \"continue\"?",
        ),
        ("{ name: a, kind: aproval }", "did you mean \"approval\"?"),
        ("{ name: a, kind: call }", "needs the key \"flow\""),
        ("{ name: a, kind: call, flow: '' }", "steps[0].flow: must not be empty"),
        (
            "{ name: a, kind: webhook, url: 'https://example.com', non_idempotent: 1 }",
            "steps[0].non_idempotent: must be true or false",
        ),
        ("{ name: a, kind: parallel }", "needs \"branches\", or \"for_each\" and \"steps\""),
        ("{ name: a, kind: parallel, for_each: $.input }", "steps[0]: needs the key \"steps\""),
        ("{ name: a, kind: parallel, branches: {} }", "needs 1 to 100 branches"),
        ("{ name: a, kind: parallel, branches: { x: [] } }", "branches.x: needs at least one step"),
        ("{ name: a, kind: parallel, branches: { x: 5 } }", "branches.x: must be a list of steps"),
        ("{ name: a, kind: parallel, branches: { 'x y': [] } }", "a branch is named as a step is"),
        (
            "{ name: a, kind: parallel, branches: { x: [{ name: a, kind: wait }] } }",
            "branches.x[0].name: two steps have the name \"a\"",
        ),
        (
            "{ name: a, kind: parallel, branches: { x: [{ name: c, kind: agnet }] } }",
            "steps[0].branches.x[0].kind: unknown kind \"agnet\"; did you mean \"agent\"?",
        ),
        (
            "{ name: a, kind: parallel, for_each: [1], steps: [{ name: c, kind: agent, input: $.itme }] }",
            "steps[0].steps[0].input: $ has no \"itme\"; did you mean \"item\"?",
        ),
        (
            "{ name: a, kind: parallel, branches: { x: [{ name: c, kind: agent, input: $.item }] } }",
            "$ has no \"item\"; it has input, steps, run, trigger",
        ),
    ] {
        let found = step_problems(&[step]);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{step}: {found:#?}");
    }
    let fan = "{ name: a, kind: parallel, branches: { x: [{ name: c, kind: wait }] } }";
    let after = "{ name: d, kind: agent, input: $.steps.c.output }";
    let found = step_problems(&[fan, ask, after]);
    assert!(found[0].contains("step 'c' stands in a branch"), "{found:?}");
    assert!(
        problems("name: f\non_divergence: rerum\nsteps: []")[0].contains("did you mean \"rerun\"?")
    );
}

#[test]
fn parallel_steps_nest_four_deep_and_no_deeper() {
    let nested = |depth: usize| {
        let mut step = "{ name: leaf, kind: wait }".to_owned();
        for level in 0..depth {
            step = format!("{{ name: p{level}, kind: parallel, branches: {{ x: [{step}] }} }}");
        }
        format!("name: f\nsteps: [{step}]")
    };
    assert!(FlowFile::parse(&nested(4), "f.yaml").is_ok());
    assert!(problems(&nested(5))[0].contains("parallel steps nest at most 4 deep"));
}

#[test]
fn a_path_that_is_too_long_or_too_deep_is_a_mistake() {
    for path in [format!("$.{}", "a".repeat(1100)), format!("${}", "[".repeat(1000))] {
        let found =
            step_problems(&[&format!("{{ name: a, kind: agent, input: {{ x: \"{path}\" }} }}")]);
        assert!(found[0].contains("a path"), "{found:?}");
    }
}

#[test]
fn headers_that_belong_to_the_connection_or_break_the_line_are_mistakes() {
    for (header, expected) in [
        ("Host: example.org", "is set by runcor"),
        ("content-length: '3'", "is set by runcor"),
        ("Idempotency-Key: mine", "is set by runcor"),
        ("proxy-authorization: x", "is set by runcor"),
        ("X-A: \"a\\r\\nX-B: b\"", "one line"),
        ("'X A': b", "not a valid header name"),
        ("X-A: 3", "put it into quotes"),
        ("X-A: 'Bearer ${TOKEN}'", "not part of this version yet"),
    ] {
        let step = format!(
            "{{ name: a, kind: webhook, url: 'https://example.com', headers: {{ {header} }} }}"
        );
        let found = step_problems(&[&step]);
        assert!(found[0].contains(expected), "{header}: {found:?}");
    }
}

#[test]
fn secrets_of_a_webhook_do_not_stand_in_its_debug_form() {
    let shown = format!("{:?}", FlowFile::parse(WHOLE, "f.yaml").unwrap());
    assert!(shown.contains("hooks.example.com"));
    assert!(!shown.contains("secret") && !shown.contains("/T/B/x"), "{shown}");
}

#[test]
fn a_problem_is_one_line_whatever_the_file_says() {
    let found = problems("name: f\nsteps: []\n\"a\\nb\\e[31m\": 1\n");
    assert!(found[0].contains("a\\nb\\u{1b}[31m: unknown key"), "{found:?}");
    let long = problems(&format!("name: f\nsteps: []\n{}: 1\n", "k".repeat(900)));
    assert!(long[0].len() < 1_000, "{}", long[0].len());
}

#[test]
fn a_schema_nested_as_deep_as_files_may_be_is_accepted() {
    let deep = |levels: usize| {
        let open = "{ properties: { a: ".repeat(levels);
        format!("name: f\nsteps: []\ninput_schema: {open}{{}}{}\n", " } }".repeat(levels))
    };
    assert!(FlowFile::parse(&deep(30), "f.yaml").is_ok());
    assert!(!problems(&deep(40)).is_empty());
}

#[test]
fn tags_and_several_documents_open_no_other_file() {
    for text in
        ["name: !include /etc/hostname\nsteps: []", "name: f\nsteps: []\n---\nname: g\nsteps: []"]
    {
        match FlowFile::parse(text, "f.yaml") {
            Ok(spec) => assert_eq!(spec.name.as_str(), "/etc/hostname"),
            Err(error) => assert!(!error.problems().is_empty()),
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_reason(text in any::<String>()) {
        if let Err(error) = FlowFile::parse(&text, "f.yaml") {
            prop_assert!(!error.problems().is_empty());
        }
    }

    #[test]
    fn a_file_with_any_piece_replaced_is_read_or_refused(
        at in 0..WHOLE.len(), length in 0_usize..40, piece in "[\\PC\\n]{0,12}"
    ) {
        let mut text = WHOLE.to_owned();
        text.replace_range(at..(at + length).min(WHOLE.len()), &piece);
        if let Err(error) = FlowFile::parse(&text, "f.yaml") {
            for problem in error.problems() {
                prop_assert!(!problem.to_string().contains(char::is_control), "{}", problem);
            }
        }
    }
}
