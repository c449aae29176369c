//! Every key of a flow file, once: the reader and the schema both go by these
//! tables and those of the steps beside them.

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
    /// A number of dollars, or a map with the keys of a budget.
    Budget,
    /// A name of a window, or a time such as `90m`.
    Window,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A day in milliseconds: the longest time that a file may set.
pub(crate) const DAY_MS: u64 = 86_400_000;
/// Ten years in milliseconds: the longest wait that a file may set as a number.
const LONGEST_WAIT_MS: u64 = 3_650 * DAY_MS;
/// How often a flow or a step may be retried.
pub(crate) const MAX_RETRIES: u64 = 100;
/// What a flow may do that asks something else than when it ran before.
pub(crate) const ON_DIVERGENCE: &[&str] = &["fail", "rerun"];

pub(crate) const fn field(
    name: &'static str,
    aliases: &'static [&'static str],
    shape: Shape,
    doc: &'static str,
) -> Field {
    Field { name, aliases, doc, shape, required: false }
}

pub(crate) const fn required(field: Field) -> Field {
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
    field(
        "budget",
        &[],
        Shape::Budget,
        "What all executions of the flow may spend: dollars for each day, or limit, enforcement, window and on_exceed.",
    ),
    required(field("steps", &[], Shape::Steps, "The steps in their order.")),
];

/// Whether calls beyond a budget are refused.
pub(crate) const ENFORCEMENT: &[&str] = &["hard", "soft", "disabled"];
/// How long spending adds up, beside durations.
pub(crate) const WINDOWS: &[&str] = &["hourly", "daily", "monthly", "none"];
/// What a flow does whose call is refused.
pub(crate) const ON_EXCEED: &[&str] = &["fail", "pause"];
/// The most dollars that a file may allow.
pub(crate) const MOST_DOLLARS: f64 = 1_000_000.0;

/// The keys of a budget.
pub(crate) const BUDGET: &[Field] = &[
    required(field(
        "limit",
        &[],
        Shape::Decimal(0.0, MOST_DOLLARS),
        "How many dollars may be spent.",
    )),
    field(
        "enforcement",
        &[],
        Shape::Word(ENFORCEMENT),
        "Whether calls beyond it are refused (hard, the default), announced (soft), or nobody looks (disabled).",
    ),
    field(
        "window",
        &[],
        Shape::Window,
        "How long spending adds up: hourly, daily, monthly, none, or a duration such as 90m. daily unless set.",
    ),
    field(
        "on_exceed",
        &["onExceed"],
        Shape::Word(ON_EXCEED),
        "What a flow does whose call is refused: fail, the default, or pause until there is money again.",
    ),
];

/// The keys of flows that are planned.
pub(crate) const LATER_FLOW: &[&str] = &[
    "stages",
    "triggers",
    "admission",
    "connections",
    "env",
    "learned_instructions",
    "learnedInstructions",
    "concurrency",
    "schedule",
    "output_schema",
    "outputSchema",
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::step_keys::{KINDS, LATER_STEP, STEP};
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
    fn every_key_of_a_budget_is_read_in_each_of_its_spellings() {
        for field in BUDGET {
            for key in std::iter::once(&field.name).chain(field.aliases) {
                let mut budget = json!({ "limit": 1 });
                budget[*key] = wrong(field.shape);
                let flow = json!({ "name": "f", "budget": budget, "steps": [] });
                assert!(is_read(&flow, &format!("budget.{}", field.name)), "{key}");
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
