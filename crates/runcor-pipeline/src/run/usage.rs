//! What a run has used, read from its journal.

use runcor_core::{JournalEntry, JournalKind, Usage};

/// The tokens that one agent step used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUsage {
    /// The step's name; in branches with the path to it, such as `lines#1/0/price`.
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
/// Every model call of a flow is an entry that tells what was spent; other
/// entries are passed over.
///
/// ```
/// use runcor_core::{JournalEntry, JournalKind, Spend, Timestamp, Usage};
/// use runcor_pipeline::{total_usage, usage_of};
/// use serde_json::json;
///
/// let now = Timestamp::from_millis(0);
/// let mut entry = JournalEntry::done("words#1", JournalKind::Model, json!({}), now);
/// entry.spend = Some(Spend {
///     provider: "mock".to_owned(),
///     model: "m-1".to_owned(),
///     usage: Usage { prompt_tokens: 12, completion_tokens: 3, ..Usage::default() },
///     cost: None,
/// });
/// let journal = [entry];
/// assert_eq!(usage_of(&journal)[0].step, "words");
/// assert_eq!(total_usage(&usage_of(&journal)).prompt_tokens, 12);
/// ```
#[must_use]
pub fn usage_of(journal: &[JournalEntry]) -> Vec<StepUsage> {
    journal.iter().filter(|entry| entry.kind == JournalKind::Model).filter_map(step_usage).collect()
}

fn step_usage(entry: &JournalEntry) -> Option<StepUsage> {
    let spend = entry.spend.clone()?;
    let step = entry.path.rsplit_once('#').map_or(entry.path.as_str(), |(name, _)| name);
    let (provider, model) = (spend.provider, spend.model);
    Some(StepUsage { step: step.to_owned(), provider, model, usage: spend.usage })
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
