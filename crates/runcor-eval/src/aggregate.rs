//! From the results of evaluators to one evaluation, and whether a person should look.

use std::collections::BTreeMap;

use runcor_core::{Confidence, EvaluatorResult};

use crate::registration::Thresholds;

/// What an evaluator found, and how much it counts.
#[derive(Debug, Clone)]
pub(crate) struct Weighed {
    pub(crate) result: EvaluatorResult,
    pub(crate) weight: f64,
}

/// What the results of evaluators come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    /// The weighted mean of each dimension.
    pub(crate) scores: BTreeMap<String, f64>,
    /// The mean over the dimensions; 0 without any.
    pub(crate) overall: f64,
    pub(crate) confidence: Confidence,
    pub(crate) labels: Vec<String>,
}

/// Puts the results of evaluators together.
pub(crate) fn aggregate(results: &[Weighed]) -> Aggregate {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for Weighed { result, weight } in results.iter().filter(|it| it.weight > 0.0) {
        for (dimension, score) in &result.scores {
            let (sum, weights) = sums.entry(dimension).or_default();
            *sum += weight * score;
            *weights += weight;
        }
    }
    let mean = |(sum, weights): (f64, f64)| (sum / weights).clamp(0.0, 1.0);
    let scores: BTreeMap<String, f64> =
        sums.into_iter().map(|(dimension, sums)| (dimension.to_owned(), mean(sums))).collect();
    let overall = mean_of(scores.values().copied()).unwrap_or(0.0);
    Aggregate {
        overall,
        confidence: Thresholds::default().confidence(overall),
        labels: results.iter().flat_map(|it| it.result.labels.iter().cloned()).collect(),
        scores,
    }
}

/// Returns what the scores of one evaluator say; without any it says nothing,
/// which is neither good nor bad.
pub(crate) fn confidence(scores: &BTreeMap<String, f64>, thresholds: Thresholds) -> Confidence {
    mean_of(scores.values().copied()).map_or(Confidence::Medium, |mean| thresholds.confidence(mean))
}

/// Returns why a person should look at a result, if there is a reason.
pub(crate) fn doubt(
    results: &[Weighed],
    whole: &Aggregate,
    threshold: Option<f64>,
) -> Option<String> {
    let counted = results.iter().map(|it| &it.result).filter(|it| !it.scores.is_empty());
    let mut unsure = counted.filter(|it| it.confidence == Confidence::Low);
    if let Some(result) = unsure.next() {
        let mean = mean_of(result.scores.values().copied()).unwrap_or(0.0);
        let name = &result.evaluator_name;
        return Some(format!("evaluator {name} has low confidence: it scores {mean:.2}"));
    }
    let threshold = threshold?;
    let (dimension, score) = whole.scores.iter().find(|(_, score)| **score < threshold)?;
    Some(format!("{dimension} scores {score:.2}, which is below {threshold}"))
}

fn mean_of(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.sum::<f64>() / f64::from(count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn result(name: &str, weight: f64, scores: &[(&str, f64)]) -> Weighed {
        let scores: BTreeMap<_, _> =
            scores.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect();
        let result = EvaluatorResult {
            evaluator_name: name.to_owned(),
            confidence: confidence(&scores, Thresholds::default()),
            scores,
            labels: vec![name.to_owned()],
            feedback: None,
            duration_ms: 0,
        };
        Weighed { result, weight }
    }

    #[test]
    fn a_dimension_is_the_mean_of_its_scores_and_the_whole_that_of_the_dimensions() {
        let both = [result("a", 1.0, &[("x", 0.4), ("y", 1.0)]), result("b", 1.0, &[("x", 0.8)])];
        let whole = aggregate(&both);
        assert!((whole.scores["x"] - 0.6).abs() < 1e-12);
        assert!((whole.overall - 0.8).abs() < 1e-12);
        assert_eq!(whole.confidence, Confidence::High);
        assert_eq!(whole.labels, ["a", "b"]);
    }

    #[test]
    fn a_heavier_evaluator_counts_for_more_and_one_without_weight_not_at_all() {
        let all = [
            result("a", 3.0, &[("x", 1.0)]),
            result("b", 1.0, &[("x", 0.0)]),
            result("c", 0.0, &[("x", 0.0), ("z", 0.0)]),
        ];
        let whole = aggregate(&all);
        assert!((whole.scores["x"] - 0.75).abs() < 1e-12);
        assert!(!whole.scores.contains_key("z"));
    }

    #[test]
    fn an_evaluator_without_scores_neither_counts_nor_raises_doubt() {
        let silent = [result("a", 1.0, &[])];
        let whole = aggregate(&silent);
        assert_eq!((whole.overall, whole.confidence), (0.0, Confidence::Low));
        assert_eq!(doubt(&silent, &whole, Some(0.9)), None);
        assert_eq!(doubt(&[], &aggregate(&[]), Some(0.9)), None);
        let beside = [result("a", 1.0, &[]), result("b", 1.0, &[("x", 0.9)])];
        assert!((aggregate(&beside).overall - 0.9).abs() < 1e-12);
    }

    #[test]
    fn doubt_comes_from_low_confidence_first_and_from_the_threshold_then() {
        let low = [result("good", 1.0, &[("x", 1.0)]), result("bad", 1.0, &[("x", 0.4)])];
        let reason = doubt(&low, &aggregate(&low), Some(0.95)).unwrap();
        assert_eq!(reason, "evaluator bad has low confidence: it scores 0.40");
        let middling = [result("a", 1.0, &[("x", 0.6), ("y", 0.55)])];
        let whole = aggregate(&middling);
        let reason = doubt(&middling, &whole, Some(0.6)).unwrap();
        assert_eq!(reason, "y scores 0.55, which is below 0.6");
        assert_eq!(doubt(&middling, &whole, Some(0.55)), None, "at the threshold is not below");
        assert_eq!(doubt(&middling, &whole, None), None);
    }

    proptest! {
        #[test]
        fn a_whole_lies_between_its_parts(
            parts in proptest::collection::vec((0.0..=1.0, 0.001..1000.0), 1..8),
        ) {
            let all: Vec<_> =
                parts.iter().map(|(score, weight)| result("e", *weight, &[("x", *score)])).collect();
            let whole = aggregate(&all);
            let low = parts.iter().map(|it| it.0).fold(f64::INFINITY, f64::min);
            let high = parts.iter().map(|it| it.0).fold(0.0, f64::max);
            prop_assert!(whole.overall >= low - 1e-9 && whole.overall <= high + 1e-9);
        }
    }
}
