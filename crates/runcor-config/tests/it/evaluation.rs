//! The sections `evaluation` and `memory`: all that they can say, and mistakes that no schema finds.

use super::parse;

/// Returns what is said of a section, with line and column.
fn said(text: &str, section: &str) -> Vec<String> {
    let Err(error) = parse(text) else { return Vec::new() };
    let problems = error.problems().iter().map(ToString::to_string);
    problems.filter(|problem| problem.contains(section)).collect()
}

#[test]
fn every_type_of_judge_can_be_described() {
    let text = "\
evaluation:
  autoFlagScoreThreshold: 0.3
  concurrency: 4
  maxEvaluations: 10000
  evaluators:
    - {type: length, weight: 2, sample: 0.1, flowNames: [a], timeoutMs: 5000, config: {minLength: 1, maxLength: 9, at: /text}}
    - {type: format, thresholds: {high: 0.9}, config: {expectedFormat: regex, pattern: '^a'}}
    - {type: format, name: shape, config: {expectedFormat: schema, schema: {type: object, required: [id]}}}
    - {type: keyword, priority: 1, config: {required: [a], forbiddenKeywords: [b], caseSensitive: true}}
    - {type: exact, config: {expectedMetadata: /expected, caseSensitive: false}}
    - {type: similarity, config: {expected: the right words, method: edits}}
    - {type: judge, config: {rubric: It is polite., model: m, provider: p, temperature: 0, dimension: tone}}
";
    assert_eq!(said(text, " evaluation."), [""; 0]);
}

#[test]
fn mistakes_of_a_judge_are_found_at_their_places() {
    let text = "\
evaluation:
  evaluators:
    - {type: length, config: {minLength: 9, maxLength: 1, at: text}}
    - {type: length, thresholds: {medium: 0.9}, config: {rubric: x}}
    - {type: format, config: {expectedFormat: regex}}
    - {type: format, name: b, config: {expectedFormat: schema}}
    - {type: keyword, config: {required: [a, '']}}
    - {type: exact}
    - {type: similarity, config: {expected: 1, expectedInput: a}}
    - {type: judge, config: {model: m}}
";
    assert_eq!(
        said(text, " evaluation."),
        [
            "3:30 evaluation.evaluators[0].config.minLength: is above \"maxLength\", so that no \
             text is right",
            "3:63 evaluation.evaluators[0].config.at: is a JSON pointer, which begins with /",
            "4:14 evaluation.evaluators[1].name: has the same name as evaluation.evaluators[0]; \
             give each its own \"name\"",
            "4:34 evaluation.evaluators[1].thresholds: needs a \"high\" (0.8 unless given) above \
             \"medium\" (0.5 unless given)",
            "4:58 evaluation.evaluators[1].config.rubric: is no setting of the type length",
            "5:30 evaluation.evaluators[2].config.pattern: is missing; the format regex needs it",
            "6:39 evaluation.evaluators[3].config.schema: is missing; the format schema needs it",
            "7:46 evaluation.evaluators[4].config.required[1]: is empty, and so in every text",
            "8:7 evaluation.evaluators[5].config.expected: give the right answer by one of \
             \"expected\", \"expectedInput\" and \"expectedMetadata\"",
            "9:34 evaluation.evaluators[6].config.expected: give the right answer by one of \
             \"expected\", \"expectedInput\" and \"expectedMetadata\"",
            "9:63 evaluation.evaluators[6].config.expectedInput: is a JSON pointer, which begins \
             with /",
            "10:29 evaluation.evaluators[7].config.rubric: is missing; a judge needs to be told \
             what is good",
        ]
    );
}

#[test]
fn memories_have_limits_with_defaults() {
    let memory = parse("memory: {maxEntries: 5}").unwrap().config.memory;
    assert_eq!(
        (memory.max_key_bytes, memory.max_value_bytes, memory.max_entries),
        (512, 262_144, 5)
    );
    assert_eq!(said("memory: {maxEntries: 0, ttl: 5}", "memory").len(), 2);
}

#[test]
fn what_the_guides_show_loads() {
    for guide in
        [include_str!("../../../../docs/evaluation.md"), include_str!("../../../../docs/memory.md")]
    {
        let shown = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        let loaded = parse(shown.unwrap()).unwrap();
        assert!(loaded.warnings.is_empty());
    }
}

#[test]
fn a_judge_of_whom_nothing_is_asked_is_a_warning() {
    let warned = |text: &str| -> Vec<_> {
        parse(text).unwrap().warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        warned("evaluation: { evaluators: [{ type: length }] }"),
        ["1:28 evaluation.evaluators[0].config: has no minLength and no maxLength, so that every \
          result is right"]
    );
    let told =
        warned("evaluation: { evaluators: [{ type: keyword, config: { caseSensitive: true } }] }");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        warned("evaluation: { evaluators: [{ type: length, config: { minLength: 1 } }] }")
            .is_empty()
    );
}
