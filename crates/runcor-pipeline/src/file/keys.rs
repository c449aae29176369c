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
    /// A map of names and lists of steps.
    Branches,
    /// A time such as `1h30m`.
    Duration,
    Truth,
    FlowName,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A day in milliseconds: the longest time that a file may set.
pub(crate) const DAY_MS: u64 = 86_400_000;
/// Ten years in milliseconds: the longest wait that a file may set as a number.
const LONGEST_WAIT_MS: u64 = 3_650 * DAY_MS;
/// How often a flow or a step may be retried.
pub(crate) const MAX_RETRIES: u64 = 100;
/// What a rejected approval may do.
pub(crate) const ON_REJECT: &[&str] = &["fail", "continue", "stop"];
/// What a flow may do that asks something else than when it ran before.
pub(crate) const ON_DIVERGENCE: &[&str] = &["fail", "rerun"];

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
    field(
        "wait_timeout_ms",
        &["waitTimeoutMs"],
        Shape::Whole(0, LONGEST_WAIT_MS),
        "The limit of one wait in milliseconds, where the step sets none; 0, the default, is none.",
    ),
    field(
        "on_divergence",
        &["onDivergence"],
        Shape::Word(ON_DIVERGENCE),
        "What to do when the file has changed and a step that is done would now ask something else: \
         fail, the default, or rerun the step.",
    ),
    required(field("steps", &[], Shape::Steps, "The steps in their order.")),
];

/// The keys that every step has.
pub(crate) const STEP: &[Field] = &[
    required(field("name", &[], Shape::StepName, "The step's name, unique in its flow.")),
    required(field("kind", &[], Shape::Kind, "What the step does.")),
];

const INPUT: Field = field(
    "input",
    &["input_mapping", "inputMapping"],
    Shape::Mapping,
    "The step's input: texts that begin with $ are JSONPaths into {input, steps, run, trigger}, \
     $$ escapes a dollar, all else is literal. The flow's input unless set.",
);

/// The keys of steps that ask somebody outside.
pub(crate) const ASK: &[Field] = &[
    INPUT,
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
    field(
        "non_idempotent",
        &["nonIdempotent"],
        Shape::Truth,
        "Never sends the webhook twice: where it may or may not have arrived, the execution waits for somebody's decision.",
    ),
];

/// The keys of condition steps.
pub(crate) const CONDITION: &[Field] = &[required(field(
    "when",
    &["condition_expr", "conditionExpr"],
    Shape::Condition,
    "When false, the later steps are skipped: <path>, <path> exists, or <path> <op> <literal>; \
     of a list all must hold.",
))];

/// The keys of wait steps.
pub(crate) const WAIT: &[Field] = &[
    field("reason", &[], Shape::Text, "Why it waits, for people."),
    field("data", &[], Shape::Mapping, "What is shown to whoever resumes the execution."),
    field(
        "timeout",
        &[],
        Shape::Duration,
        "The longest wait, such as 7d; the execution fails after it. The flow's wait_timeout_ms unless set.",
    ),
];

/// The keys of sleep steps.
pub(crate) const SLEEP: &[Field] = &[
    field("for", &[], Shape::Duration, "How long to sleep, such as 2d, 1h30m or 500ms."),
    field(
        "until",
        &[],
        Shape::Mapping,
        "Until when to sleep: a path to an ISO 8601 instant, or to milliseconds since 1970.",
    ),
];

/// The keys of approval steps.
pub(crate) const APPROVAL: &[Field] = &[
    required(field("action", &[], Shape::Text, "What is to be approved, such as refund.")),
    required(field(
        "subject",
        &[],
        Shape::Mapping,
        "What exactly is to be approved: it is shown to whoever decides, and the decision counts for it alone.",
    )),
    field(
        "within",
        &[],
        Shape::Duration,
        "The time there is to decide, such as 2d; the execution fails after it.",
    ),
    field(
        "on_reject",
        &["onReject"],
        Shape::Word(ON_REJECT),
        "What a rejection does: fail the execution, continue with the next step, or stop, which skips the later steps. \
         fail unless set.",
    ),
];

/// The keys of call steps.
pub(crate) const CALL: &[Field] = &[
    required(field(
        "flow",
        &[],
        Shape::FlowName,
        "The flow to run; the output of the step is its result.",
    )),
    INPUT,
];

/// The keys of parallel steps.
pub(crate) const PARALLEL: &[Field] = &[
    field(
        "branches",
        &[],
        Shape::Branches,
        "Named lists of steps that run side by side; the output is a map of their results.",
    ),
    field(
        "for_each",
        &["forEach"],
        Shape::Mapping,
        "A list, for each item of which the steps run side by side; they see $.item and $.index. \
         The output is the list of the results.",
    ),
    field("steps", &[], Shape::Steps, "The steps to run for each item."),
    field(
        "at_once",
        &["atOnce"],
        Shape::Whole(1, 1_000),
        "How many branches are under way at once; 16 unless set.",
    ),
];

/// A kind of step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The keys beside [`STEP`].
    pub(crate) tables: &'static [&'static [Field]],
    /// Sets of keys of which exactly one must be there, as a whole.
    pub(crate) either: &'static [&'static [&'static str]],
}

const fn kind(name: &'static str, tables: &'static [&'static [Field]]) -> Kind {
    Kind { name, tables, either: &[] }
}

/// The kinds of steps.
pub(crate) const KINDS: &[Kind] = &[
    kind("agent", &[ASK, AGENT]),
    kind("webhook", &[ASK, WEBHOOK]),
    kind("condition", &[CONDITION]),
    kind("wait", &[WAIT]),
    Kind { either: &[&["for"], &["until"]], ..kind("sleep", &[SLEEP]) },
    kind("approval", &[APPROVAL]),
    kind("call", &[CALL]),
    Kind { either: &[&["branches"], &["for_each", "steps"]], ..kind("parallel", &[PARALLEL]) },
];

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
    "on",
    "all",
    "on_timeout",
    "onTimeout",
    "resume_at",
    "resumeAt",
];

/// The kinds of steps that are planned.
pub(crate) const LATER_KINDS: &[&str] = &["computer", "tool", "runner"];

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
        for kind in KINDS {
            for field in STEP.iter().chain(kind.tables.iter().copied().flatten()) {
                for key in std::iter::once(&field.name).chain(field.aliases) {
                    let mut step = json!({ "name": "a", "kind": kind.name });
                    step[*key] = wrong(field.shape);
                    let flow = json!({ "name": "f", "steps": [step] });
                    let place = format!("steps[0].{}", field.name);
                    assert!(is_read(&flow, &place), "{}: {key}", kind.name);
                }
            }
        }
    }

    #[test]
    fn no_key_is_both_known_and_planned() {
        let steps = KINDS.iter().flat_map(|kind| kind.tables.iter().copied().flatten());
        let later = |field: &&Field| LATER_STEP.contains(&field.name);
        assert_eq!(steps.chain(STEP).filter(later).count(), 0);
        assert_eq!(FLOW.iter().filter(|field| LATER_FLOW.contains(&field.name)).count(), 0);
    }
}
