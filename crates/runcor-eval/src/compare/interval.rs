//! Intervals of a difference, with a confidence of 95 %.

use super::student;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What is known of a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) difference: f64,
    /// `None` when there are too few values for one.
    pub(super) interval: Option<[f64; 2]>,
    pub(super) method: &'static str,
}

/// Compares rates, given as zeros and ones.
pub(super) fn of_rates(a: &[f64], b: &[f64]) -> Option<Estimate> {
    newcombe(a, b)
}

/// Compares scores of 0 to 1.
pub(super) fn of_scores(a: &[f64], b: &[f64], pairs: Option<&[(f64, f64)]>) -> Option<Estimate> {
    if !is_varied(a) && !is_varied(b) && pairs.is_none_or(|pairs| !pairs.is_empty()) {
        return newcombe(a, b);
    }
    of_amounts(a, b, pairs)
}

/// Compares amounts of any size.
pub(super) fn of_amounts(a: &[f64], b: &[f64], pairs: Option<&[(f64, f64)]>) -> Option<Estimate> {
    match pairs.filter(|pairs| !pairs.is_empty()) {
        Some(pairs) => paired(pairs),
        None => welch(a, b),
    }
}

/// The t interval of the mean of the differences.
fn paired(pairs: &[(f64, f64)]) -> Option<Estimate> {
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| b - a).collect();
    let difference = mean(&differences)?;
    let interval = variance(&differences).map(|variance| {
        let n = count(&differences);
        around(difference, student::quantile(n - 1.0) * (variance / n).sqrt())
    });
    Some(Estimate { difference, interval, method: "paired t" })
}

/// The t interval of the difference of means with unequal variances.
fn welch(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let difference = mean(b)? - mean(a)?;
    let interval = variance(a).zip(variance(b)).map(|(var_a, var_b)| {
        let (part_a, part_b) = (var_a / count(a), var_b / count(b));
        let error = part_a + part_b;
        if error <= 0.0 {
            return [difference, difference];
        }
        let lost = part_a * part_a / (count(a) - 1.0) + part_b * part_b / (count(b) - 1.0);
        let freedom = if lost > 0.0 { error * error / lost } else { f64::MAX };
        around(difference, student::quantile(freedom) * error.sqrt())
    });
    Some(Estimate { difference, interval, method: "welch t" })
}

/// The hybrid score interval of the difference of two rates.
fn newcombe(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let (p, q) = (mean(a)?, mean(b)?);
    let ([p_low, p_high], [q_low, q_high]) = (wilson(p, count(a)), wilson(q, count(b)));
    let difference = q - p;
    let low = difference - ((q - q_low).powi(2) + (p_high - p).powi(2)).sqrt();
    let high = difference + ((q_high - q).powi(2) + (p - p_low).powi(2)).sqrt();
    Some(Estimate { difference, interval: Some([low, high]), method: "newcombe" })
}

/// The score interval of a rate among `n`.
fn wilson(rate: f64, n: f64) -> [f64; 2] {
    let whole = 1.0 + Z * Z / n;
    let middle = (rate + Z * Z / (2.0 * n)) / whole;
    let reach = Z / whole * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
    [(middle - reach).clamp(0.0, rate), (middle + reach).clamp(rate, 1.0)]
}

fn around(middle: f64, reach: f64) -> [f64; 2] {
    [middle - reach, middle + reach]
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values))
}

/// The unbiased variance; `None` of fewer than two values.
fn variance(values: &[f64]) -> Option<f64> {
    let middle = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    Some(squares / (count(values) - 1.0))
}

fn is_varied(values: &[f64]) -> bool {
    values.windows(2).any(|pair| matches!(pair, [a, b] if a != b))
}

#[expect(clippy::cast_precision_loss, reason = "sets are far smaller than 2^53")]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, by: f64) {
        assert!((found - expected).abs() < by, "{found} is not {expected}");
    }

    #[test]
    fn rates_have_the_published_intervals() {
        // Newcombe 1998, table II: 56/70 against 48/80, method 10: 0.0524 to 0.3339.
        let of = |ones: usize, n: usize| -> Vec<f64> {
            (0..n).map(|at| f64::from(u8::from(at < ones))).collect()
        };
        let found = of_rates(&of(48, 80), &of(56, 70)).unwrap();
        let [low, high] = found.interval.unwrap();
        near(low, 0.0524, 0.0001);
        near(high, 0.3339, 0.0001);
        // The same table: 10/10 against 0/10: 0.6075 to 1.
        let [low, high] = of_rates(&of(0, 10), &of(10, 10)).unwrap().interval.unwrap();
        near(low, 0.6075, 0.0001);
        near(high, 1.0, 0.0001);
    }

    #[test]
    fn means_have_the_intervals_of_the_textbook() {
        // Worked by hand: differences 1, 2, 3, 4, 5 have mean 3 and variance 2.5;
        // t(4) is 2.776, so the reach is 2.776 * sqrt(0.5) = 1.963.
        let pairs = [(0.0, 1.0), (0.0, 2.0), (0.0, 3.0), (0.0, 4.0), (0.0, 5.0)];
        let [low, high] = of_amounts(&[], &[], Some(&pairs)).unwrap().interval.unwrap();
        near(low, 1.037, 0.001);
        near(high, 4.963, 0.001);
        // With equal sizes and variances Welch's is Student's with 8 degrees:
        // 2.306 * sqrt(2 * 2.5 / 5) = 2.306.
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0], [4.0, 5.0, 6.0, 7.0, 8.0]);
        let found = of_amounts(&a, &b, None).unwrap();
        let [low, high] = found.interval.unwrap();
        near(low, 3.0 - 2.306, 0.001);
        near(high, 3.0 + 2.306, 0.001);
    }

    #[test]
    fn scores_that_never_vary_are_not_believed_without_doubt() {
        let found = of_scores(&[0.0; 5], &[1.0; 5], None).unwrap();
        let [low, high] = found.interval.unwrap();
        assert!(low < 0.5 && high <= 1.0, "{low} {high}");
    }
}
