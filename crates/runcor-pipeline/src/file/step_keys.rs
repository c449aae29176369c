//! The keys of each kind of step.

use super::keys::{DAY_MS, Field, MAX_RETRIES, Shape, field, required};

/// What a rejected approval may do.
pub(crate) const ON_REJECT: &[&str] = &["fail", "continue", "stop"];

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
    field("provider", &[], Shape::Text, "The registered provider that alone may answer."),
    field(
        "strategy",
        &[],
        Shape::Word(STRATEGIES),
        "In which order providers are asked; that of the router unless set.",
    ),
];

/// In which order providers may be asked.
pub(crate) const STRATEGIES: &[&str] =
    &["priority", "round-robin", "lowest-cost", "least-latency", "weighted"];

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

/// Whose memories there are.
pub(crate) const SCOPES: &[&str] = &["tool", "user", "session"];

/// The keys of memory steps.
pub(crate) const MEMORY: &[Field] = &[
    field(
        "scope",
        &[],
        Shape::Word(SCOPES),
        "Whose memory: tool, that of the flow, which is the default; user; or session, that of the execution.",
    ),
    field("get", &[], Shape::Mapping, "The key to read; the output is its value, or null."),
    field("set", &[], Shape::Mapping, "The key to set to value."),
    field("delete", &[], Shape::Mapping, "The key to remove."),
    field(
        "list",
        &[],
        Shape::Mapping,
        "How the keys begin that are listed; the output is a list of up to 100 of {key, value}.",
    ),
    field(
        "add",
        &[],
        Shape::Mapping,
        "The key of a number to add to; the output is the new number.",
    ),
    field(
        "append",
        &[],
        Shape::Mapping,
        "The key of a list to append value to; the output is the new list.",
    ),
    field("value", &[], Shape::Mapping, "What to set or append."),
    field("ttl", &[], Shape::Duration, "When what is set expires, such as 30d; never unless set."),
    field("by", &[], Shape::Mapping, "How much to add; 1 unless set."),
    field("keep", &[], Shape::Whole(1, 1_000), "How many items a list keeps: the last ones."),
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
    Kind {
        either: &[&["get"], &["set"], &["delete"], &["list"], &["add"], &["append"]],
        ..kind("memory", &[MEMORY])
    },
    Kind { either: &[&["branches"], &["for_each", "steps"]], ..kind("parallel", &[PARALLEL]) },
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
