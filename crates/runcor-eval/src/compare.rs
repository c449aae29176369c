//! Two sets of executions beside each other: how they differ, and how sure that is.
//!
//! The formulae, and where they come from:
//!
//! - Sets that match one to one are compared in pairs: the t interval of the
//!   mean of the differences (Student, 1908).
//! - Sets that do not are compared by the t interval for unequal variances
//!   (Welch, 1947) with the Welch-Satterthwaite degrees of freedom.
//! - Rates are compared by the hybrid score interval of two Wilson intervals
//!   (Newcombe, Statistics in Medicine 17, 1998, method 10; Wilson, 1927),
//!   also in pairs, where it is too wide rather than too narrow. It stands in
//!   for scores that do not vary at all, of which the t interval would be sure
//!   beyond reason.
//!
//! There is no bootstrap: of so few values that the t interval is in doubt it
//! is narrower still (Hesterberg, The American Statistician 69, 2015). With
//! fewer than five values on a side there is no verdict. Each interval stands
//! for itself: of twenty rows one is expected to be wrong.

mod interval;
mod pairs;
mod student;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use runcor_core::{Comparison, ComparisonRow, ComparisonVerdict, ExecutionId, Money, RequestHash};

use interval::Estimate;
pub use table::{TableRow, table};

/// The fewest values on a side from which anything follows.
const FEWEST: usize = 5;

/// What is compared of one execution that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The execution.
    pub execution: ExecutionId,
    /// The execution that it forks or replays.
    pub fork_of: Option<ExecutionId>,
    /// What its input was.
    pub input: Option<RequestHash>,
    /// What evaluators thought of each dimension.
    pub scores: BTreeMap<String, f64>,
    /// What they thought of the whole; `None` when nobody judged it.
    pub overall: Option<f64>,
    /// What it cost; `None` when it asked no model.
    pub cost: Option<Money>,
    /// How long it took.
    pub latency: Option<Duration>,
    /// Whether it is complete, and not failed.
    pub succeeded: bool,
}

/// What is compared of executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of 0 to 1, and more is better.
    Score,
    /// 0 or 1, and more is better.
    Rate,
    /// An amount; less is better.
    Amount,
}

/// Compares a second set of executions with a first.
///
/// Executions are paired where one forks or replays the other, or else where
/// they have the same input, if that leaves none of the smaller set alone.
///
/// ```
/// # use runcor_core::{ComparisonVerdict, ExecutionId, Timestamp};
/// # use runcor_eval::{Sample, compare};
/// let sample = |overall: f64| Sample {
///     execution: ExecutionId::mint(Timestamp::from_millis(0)),
///     fork_of: None,
///     input: None,
///     scores: [("quality".to_owned(), overall)].into(),
///     overall: Some(overall),
///     cost: None,
///     latency: None,
///     succeeded: true,
/// };
/// let old = [0.50, 0.60, 0.55, 0.65, 0.60].map(sample);
/// let new = [0.80, 0.85, 0.90, 0.80, 0.95].map(sample);
/// let comparison = compare(&old, &new);
/// assert_eq!(comparison.rows[0].metric, "overall");
/// assert_eq!(comparison.rows[0].verdict, ComparisonVerdict::Better);
/// ```
#[must_use]
pub fn compare(first: &[Sample], second: &[Sample]) -> Comparison {
    let pairs = pairs::of(first, second);
    let row = |metric: &str, kind: Kind, value: &dyn Fn(&Sample) -> Option<f64>| {
        row(metric, kind, first, second, pairs.as_deref(), value)
    };
    let mut rows = vec![row("overall", Kind::Score, &|it| it.overall)];
    let dimensions: BTreeSet<&String> =
        first.iter().chain(second).flat_map(|it| it.scores.keys()).collect();
    for dimension in dimensions {
        let metric = format!("score:{dimension}");
        rows.push(row(&metric, Kind::Score, &|it| it.scores.get(dimension).copied()));
    }
    rows.push(row("successRate", Kind::Rate, &|it| Some(f64::from(u8::from(it.succeeded)))));
    rows.push(row("cost", Kind::Amount, &|it| it.cost.map(Money::as_dollars)));
    rows.push(row("latency", Kind::Amount, &|it| Some(it.latency?.as_secs_f64() * 1000.0)));
    Comparison { sizes: [first.len(), second.len()], pairs: pairs.map(|pairs| pairs.len()), rows }
}

fn row(
    metric: &str,
    kind: Kind,
    first: &[Sample],
    second: &[Sample],
    pairs: Option<&[(usize, usize)]>,
    value: &dyn Fn(&Sample) -> Option<f64>,
) -> ComparisonRow {
    let a: Vec<f64> = first.iter().filter_map(value).collect();
    let b: Vec<f64> = second.iter().filter_map(value).collect();
    let at = |samples: &[Sample], index: usize| samples.get(index).and_then(value);
    let paired = pairs.map(|pairs| {
        let both = |(a, b): &(usize, usize)| Some((at(first, *a)?, at(second, *b)?));
        pairs.iter().filter_map(both).collect::<Vec<_>>()
    });
    let estimate = match kind {
        Kind::Rate => interval::of_rates(&a, &b),
        Kind::Score => interval::of_scores(&a, &b, paired.as_deref()),
        Kind::Amount => interval::of_amounts(&a, &b, paired.as_deref()),
    };
    let fewest = match (&paired, kind) {
        (Some(paired), Kind::Score | Kind::Amount) => paired.len(),
        _ => a.len().min(b.len()),
    };
    ComparisonRow {
        metric: metric.to_owned(),
        counts: [a.len(), b.len()],
        means: [interval::mean(&a), interval::mean(&b)],
        difference: estimate.as_ref().map(|it| it.difference),
        interval: estimate.as_ref().and_then(|it| it.interval),
        method: estimate.as_ref().map(|it| it.method.to_owned()),
        verdict: verdict(kind, fewest, estimate.as_ref()),
    }
}

fn verdict(kind: Kind, fewest: usize, estimate: Option<&Estimate>) -> ComparisonVerdict {
    let interval = estimate.and_then(|it| it.interval).filter(|_| fewest >= FEWEST);
    let Some([low, high]) = interval else { return ComparisonVerdict::TooFew };
    let is_more_better = kind != Kind::Amount;
    if low > 0.0 {
        if is_more_better { ComparisonVerdict::Better } else { ComparisonVerdict::Worse }
    } else if high < 0.0 {
        if is_more_better { ComparisonVerdict::Worse } else { ComparisonVerdict::Better }
    } else {
        ComparisonVerdict::NoEvidence
    }
}
