//! Every key of a flow file, once: the reader and the schema both go by these tables.

/// A key, its other spellings, what it means, and what stands behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) doc: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// What may stand behind a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Text,
    StepName,
    Kind,
    Url,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from the first to the second.
    Decimal(f64, f64),
    JsonSchema,
    Mapping,
    Condition,
    Headers,
    Steps,
}

/// A day in milliseconds: the longest time that a file may set.
pub(crate) const DAY_MS: u64 = 86_400_000;
/// How often a flow or a step may be retried.
pub(crate) const MAX_RETRIES: u64 = 100;

const fn field(
    name: &'static str,
    aliases: &'static [&'static str],
    shape: Shape,
    doc: &'static str,
) -> Field {
    Field { name, aliases, doc, shape, required: false }
}

const fn required(field: Field) -> Field {
    Field { required: true, ..field }
}

/// The keys of a flow.
pub(crate) const FLOW: &[Field] = &[
    required(field("name", &[], Shape::Text, "The name under which the flow is registered.")),
    field("description", &[], Shape::Text, "What the flow does, for people and models."),
    field(
        "model",
        &["default_model", "defaultModel"],
        Shape::Text,
        "The model of agent steps that name none.",
    ),
    field(
        "input_schema",
        &["inputSchema"],
        Shape::JsonSchema,
        "The JSON Schema that every input is checked against.",
    ),
    field(
        "timeout_ms",
        &["timeoutMs"],
        Shape::Whole(0, DAY_MS),
        "The limit of active time in milliseconds; 0, the default, is none.",
    ),
    field(
        "max_retries",
        &["maxRetries"],
        Shape::Whole(0, MAX_RETRIES),
        "How many retries follow a failure that may pass; finished steps do not run again. 3 unless set.",
    ),
    field(
        "base_retry_delay_ms",
        &["baseRetryDelayMs"],
        Shape::Whole(0, DAY_MS),
        "The delay before the first retry; it doubles with each. 1000 unless set.",
    ),
    field(
        "max_retry_delay_ms",
        &["maxRetryDelayMs"],
        Shape::Whole(0, DAY_MS),
        "The longest delay before a retry. 30000 unless set.",
    ),
    required(field("steps", &[], Shape::Steps, "The steps in their order.")),
];

/// The keys that every step has.
pub(crate) const STEP: &[Field] = &[
    required(field("name", &[], Shape::StepName, "The step's name, unique in its flow.")),
    required(field("kind", &[], Shape::Kind, "What the step does.")),
];

/// The keys of steps that ask somebody outside.
pub(crate) const CALL: &[Field] = &[
    field(
        "input",
        &["input_mapping", "inputMapping"],
        Shape::Mapping,
        "The step's input: texts that begin with $ are JSONPaths into {input, steps, run, trigger}, \
         $$ escapes a dollar, all else is literal. The flow's input unless set.",
    ),
    field(
        "retries",
        &[],
        Shape::Whole(0, MAX_RETRIES),
        "How many retries follow a failure that may pass, within the step: 2 for webhooks and 0 for agents unless set.",
    ),
    field(
        "timeout_ms",
        &["timeoutMs"],
        Shape::Whole(1, DAY_MS),
        "The limit of one attempt in milliseconds: 30000 for webhooks and 600000 for agents unless set.",
    ),
];

/// The keys of agent steps.
pub(crate) const AGENT: &[Field] = &[
    field(
        "preamble",
        &["preamble_override", "preambleOverride"],
        Shape::Text,
        "The instructions above the conversation.",
    ),
    field(
        "model",
        &["model_override", "modelOverride"],
        Shape::Text,
        "The model to ask; the flow's unless set.",
    ),
    field(
        "output_schema",
        &["outputSchema"],
        Shape::JsonSchema,
        "The JSON Schema of the answer; the output is the parsed answer then.",
    ),
    field(
        "max_tokens",
        &["maxTokens"],
        Shape::Whole(1, 1_000_000),
        "The most tokens the answer may have.",
    ),
    field("temperature", &[], Shape::Decimal(0.0, 2.0), "The sampling temperature."),
];

/// The keys of webhook steps.
pub(crate) const WEBHOOK: &[Field] = &[
    required(field(
        "url",
        &["webhook_url", "webhookUrl"],
        Shape::Url,
        "The http or https address that the input is posted to.",
    )),
    field("headers", &[], Shape::Headers, "Headers to send along, such as Authorization."),
];

/// The keys of condition steps.
pub(crate) const CONDITION: &[Field] = &[required(field(
    "when",
    &["condition_expr", "conditionExpr"],
    Shape::Condition,
    "When false, the later steps are skipped: <path>, <path> exists, or <path> <op> <literal>; \
     of a list all must hold.",
))];

/// The kinds of steps and their keys beside [`STEP`].
pub(crate) const KINDS: &[(&str, &[&[Field]])] =
    &[("agent", &[CALL, AGENT]), ("webhook", &[CALL, WEBHOOK]), ("condition", &[CONDITION])];

/// The keys of flows that are planned.
pub(crate) const LATER_FLOW: &[&str] = &[
    "stages",
    "triggers",
    "admission",
    "budget",
    "connections",
    "env",
    "learned_instructions",
    "learnedInstructions",
    "wait_timeout_ms",
    "waitTimeoutMs",
    "concurrency",
    "schedule",
    "output_schema",
    "outputSchema",
];

/// The keys of steps that are planned.
pub(crate) const LATER_STEP: &[&str] = &[
    "agent",
    "agent_id",
    "agentId",
    "on_error",
    "onError",
    "skills",
    "tools",
    "mcps",
    "knowledge",
    "provider",
    "strategy",
    "fork",
    "next",
    "goto",
    "wait",
    "runner",
    "tool",
    "language",
    "code",
    "network",
    "memory_mb",
    "memoryMb",
    "method",
    "secret",
];

/// The kinds of steps that are planned.
pub(crate) const LATER_KINDS: &[&str] = &["computer", "tool", "runner", "wait"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::FlowFile;

    /// Returns whether a wrong value behind `key` is told with the place of `field`.
    fn is_read(flow: &Value, place: &str) -> bool {
        let error = FlowFile::parse(&flow.to_string(), "f.yaml").unwrap_err();
        error.problems().iter().any(|problem| problem.path.starts_with(place))
    }

    fn wrong(shape: Shape) -> Value {
        if shape == Shape::Mapping { json!("$.") } else { json!([[]]) }
    }

    #[test]
    fn every_key_of_a_flow_is_read_in_each_of_its_spellings() {
        for field in FLOW {
            for key in std::iter::once(&field.name).chain(field.aliases) {
                let mut flow = json!({ "name": "f", "steps": [] });
                flow[*key] = wrong(field.shape);
                assert!(is_read(&flow, field.name), "{key}");
            }
        }
    }

    #[test]
    fn every_key_of_a_step_is_read_in_each_of_its_spellings() {
        for (kind, tables) in KINDS {
            for field in STEP.iter().chain(tables.iter().copied().flatten()) {
                for key in std::iter::once(&field.name).chain(field.aliases) {
                    let mut step = json!({ "name": "a", "kind": kind });
                    step[*key] = wrong(field.shape);
                    let flow = json!({ "name": "f", "steps": [step] });
                    let place = format!("steps[0].{}", field.name);
                    assert!(is_read(&flow, &place), "{kind}: {key}");
                }
            }
        }
    }

    #[test]
    fn no_key_is_both_known_and_planned() {
        let steps = KINDS.iter().flat_map(|(_, tables)| tables.iter().copied().flatten());
        let later = |field: &&Field| LATER_STEP.contains(&field.name);
        assert_eq!(steps.chain(STEP).filter(later).count(), 0);
        assert_eq!(FLOW.iter().filter(|field| LATER_FLOW.contains(&field.name)).count(), 0);
    }
}
