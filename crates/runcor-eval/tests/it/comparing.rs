//! The laws of a comparison.

use proptest::prelude::*;
use runcor_core::{
    Comparison, ComparisonRow, ComparisonVerdict, ExecutionId, Money, RequestHash, Timestamp,
};
use runcor_eval::{Sample, compare, table};
use serde_json::json;

fn sample(score: f64, cost: i64, succeeded: bool) -> Sample {
    Sample {
        execution: ExecutionId::mint(Timestamp::from_millis(0)),
        fork_of: None,
        input: None,
        scores: [("x".to_owned(), score)].into(),
        overall: Some(score),
        cost: Some(Money::from_nanos(cost)),
        latency: Some(std::time::Duration::from_millis(cost.unsigned_abs())),
        succeeded,
    }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let one = (0.0..=1.0, 0..1_000_000_i64, any::<bool>());
    proptest::collection::vec(one.prop_map(|(score, cost, ok)| sample(score, cost, ok)), 0..20)
}

fn with_inputs(samples: &[Sample]) -> Vec<Sample> {
    let give = |(number, sample): (usize, &Sample)| {
        let input = Some(RequestHash::of(&json!(number)));
        Sample { input, ..sample.clone() }
    };
    samples.iter().enumerate().map(give).collect()
}

fn is_mirrored(one: &ComparisonRow, other: &ComparisonRow) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()));
    let difference = match (one.difference, other.difference) {
        (Some(a), Some(b)) => near(a, -b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let interval = match (one.interval, other.interval) {
        (Some([a, b]), Some([c, d])) => near(a, -d) && near(b, -c),
        (a, b) => a.is_none() && b.is_none(),
    };
    let verdict = match one.verdict {
        ComparisonVerdict::Better => ComparisonVerdict::Worse,
        ComparisonVerdict::Worse => ComparisonVerdict::Better,
        same => same,
    };
    difference && interval && verdict == other.verdict && one.metric == other.metric
}

fn row<'c>(comparison: &'c Comparison, metric: &str) -> &'c ComparisonRow {
    comparison.rows.iter().find(|row| row.metric == metric).unwrap()
}

proptest! {
    #[test]
    fn the_other_way_round_everything_is_mirrored(a in samples(), b in samples(), paired: bool) {
        let (a, b) = if paired { (with_inputs(&a), with_inputs(&b)) } else { (a, b) };
        let (one, other) = (compare(&a, &b), compare(&b, &a));
        for (one, other) in one.rows.iter().zip(&other.rows) {
            prop_assert!(is_mirrored(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_set_is_neither_better_nor_worse_than_itself(a in samples(), paired: bool) {
        let a = if paired { with_inputs(&a) } else { a };
        for row in compare(&a, &a).rows {
            let is_even = matches!(row.verdict, ComparisonVerdict::NoEvidence | ComparisonVerdict::TooFew);
            prop_assert!(is_even, "{row:?}");
            if let Some([low, high]) = row.interval {
                prop_assert!(low <= 1e-12 && high >= -1e-12);
            }
        }
    }

    #[test]
    fn a_shift_is_found_and_points_the_right_way(
        scores in proptest::collection::vec(0.0..0.3_f64, 8..20),
        paired: bool,
    ) {
        let make = |shift: f64, cost| -> Vec<_> {
            scores.iter().map(|score| sample(score + shift, cost + (score * 100.0) as i64, true)).collect()
        };
        let (low, high) = (make(0.0, 1000), make(0.6, 2000));
        let (low, high) = if paired { (with_inputs(&low), with_inputs(&high)) } else { (low, high) };
        let found = compare(&low, &high);
        prop_assert_eq!(found.pairs, paired.then_some(scores.len()));
        prop_assert_eq!(row(&found, "overall").verdict, ComparisonVerdict::Better);
        prop_assert_eq!(row(&found, "cost").verdict, ComparisonVerdict::Worse, "dearer is worse");
        prop_assert_eq!(row(&found, "successRate").verdict, ComparisonVerdict::NoEvidence);
    }
}

#[test]
fn an_interval_has_the_true_difference_in_it_nineteen_times_of_twenty() {
    // A fixed sequence of numbers that look random (the constants of Knuth's MMIX).
    let mut state = 42_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 9_007_199_254_740_992.0
    };
    let mut set = |n: usize, spread: f64, middle: f64| -> Vec<Sample> {
        (0..n)
            .map(|_| sample(middle + spread * (next() + next() + next() - 1.5), 0, true))
            .collect()
    };
    let rounds = 2000;
    let hits = (0..rounds)
        .filter(|_| {
            let (a, b) = (set(8, 0.05, 0.4), set(15, 0.2, 0.5));
            let [low, high] = row(&compare(&a, &b), "overall").interval.unwrap();
            low <= 0.1 && 0.1 <= high
        })
        .count();
    let share = hits as f64 / f64::from(rounds);
    assert!((0.935..0.965).contains(&share), "{share}");
}

#[test]
fn few_or_no_values_say_nothing() {
    let four: Vec<_> = (0..4).map(|_| sample(0.0, 0, true)).collect();
    let better: Vec<_> = (0..4).map(|_| sample(1.0, 0, true)).collect();
    let found = compare(&four, &better);
    assert!(found.rows.iter().all(|row| row.verdict == ComparisonVerdict::TooFew));
    let found = compare(&[], &four);
    assert_eq!(row(&found, "overall").difference, None);
    assert_eq!(row(&found, "overall").means, [None, Some(0.0)]);
}

#[test]
fn pairs_see_what_wholes_can_not() {
    let scores = [0.1, 0.3, 0.5, 0.7, 0.9, 0.2];
    let a: Vec<_> = scores.map(|score| sample(score, 0, true)).into();
    let b: Vec<_> = scores.map(|score| sample(score + 0.02 + score * 0.01, 0, true)).into();
    let (wholes, pairs) = (compare(&a, &b), compare(&with_inputs(&a), &with_inputs(&b)));
    assert_eq!(row(&wholes, "overall").verdict, ComparisonVerdict::NoEvidence);
    assert_eq!(row(&pairs, "overall").verdict, ComparisonVerdict::Better);
}

#[test]
fn a_table_shows_means_differences_and_verdicts() {
    let a: Vec<_> = [0.5, 0.6, 0.5, 0.6, 0.5].map(|score| sample(score, 1_000_000, true)).into();
    let b: Vec<_> = [0.8, 0.9, 0.8, 0.9, 0.8].map(|score| sample(score, 2_000_000, true)).into();
    let rows: Vec<_> = table(&compare(&a, &b)).into_iter().map(|row| row.cells()).collect();
    assert_eq!(
        rows[0],
        ["overall", "0.540 (n=5)", "0.840 (n=5)", "+0.300", "+0.220 to +0.380", "better"]
    );
    assert_eq!(
        rows[3],
        [
            "cost ($)",
            "0.001000 (n=5)",
            "0.002000 (n=5)",
            "+0.001000",
            "+0.001000 to +0.001000",
            "worse"
        ]
    );
    assert_eq!(rows[2][5], "no evidence");
}
