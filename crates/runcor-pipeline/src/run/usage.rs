//! What a run has used, read from its journal.

use runcor_core::{JournalEntry, JournalKind, Usage};

use super::record::StepRecord;

/// The tokens that one agent step used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUsage {
    /// The step's name.
    pub step: String,
    /// The registered name of the provider that answered.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// The tokens.
    pub usage: Usage,
}

/// Returns what each agent step of a run used, in the order of `journal`.
///
/// The journal of an execution is where the usage stands: the entry of an
/// agent step is `{"output", "usage", "model", "provider"}`. Entries of other
/// steps and of other kinds of flows are passed over.
///
/// ```
/// use runcor_core::{JournalEntry, JournalKind, Timestamp};
/// use runcor_pipeline::{total_usage, usage_of};
/// use serde_json::json;
///
/// let journal = [JournalEntry {
///     path: "words#1".to_owned(),
///     kind: JournalKind::Step,
///     value: json!({
///         "output": { "text": "hello" },
///         "usage": { "promptTokens": 12, "completionTokens": 3 },
///         "model": "m-1",
///         "provider": "mock",
///     }),
///     at: Timestamp::from_millis(0),
/// }];
/// assert_eq!(usage_of(&journal)[0].step, "words");
/// assert_eq!(total_usage(&usage_of(&journal)).prompt_tokens, 12);
/// ```
#[must_use]
pub fn usage_of(journal: &[JournalEntry]) -> Vec<StepUsage> {
    journal.iter().filter(|entry| entry.kind == JournalKind::Step).filter_map(step_usage).collect()
}

fn step_usage(entry: &JournalEntry) -> Option<StepUsage> {
    // Most entries have no usage; looking first saves copying their outputs.
    entry.value.get("usage")?;
    let record: StepRecord = serde_json::from_value(entry.value.clone()).ok()?;
    let step = entry.path.rsplit_once('#').map_or(entry.path.as_str(), |(name, _)| name);
    Some(StepUsage {
        step: step.to_owned(),
        provider: record.provider?,
        model: record.model?,
        usage: record.usage?,
    })
}

/// Adds up what the steps of a run used; one estimate makes the sum an estimate.
#[must_use]
pub fn total_usage(steps: &[StepUsage]) -> Usage {
    steps.iter().map(|step| step.usage).fold(Usage::default(), |sum, usage| Usage {
        prompt_tokens: sum.prompt_tokens.saturating_add(usage.prompt_tokens),
        completion_tokens: sum.completion_tokens.saturating_add(usage.completion_tokens),
        cached_tokens: sum.cached_tokens.saturating_add(usage.cached_tokens),
        reasoning_tokens: sum.reasoning_tokens.saturating_add(usage.reasoning_tokens),
        estimated: sum.estimated || usage.estimated,
    })
}
