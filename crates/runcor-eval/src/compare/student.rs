//! Student's t distribution: the quantile that an interval of 95 % needs.

/// How often the interval of the quantile is halved.
const HALVINGS: usize = 80;

/// The most terms of the continued fraction.
const TERMS: u32 = 300;

/// The degrees of freedom above which the distribution counts as normal.
const NORMAL: f64 = 1e7;

/// Returns the 97.5 % quantile for so many degrees of freedom, which need not be whole.
pub(super) fn quantile(freedom: f64) -> f64 {
    if freedom >= NORMAL {
        return 1.959_963_984_540_054;
    }
    let freedom = freedom.max(1.0);
    let (mut low, mut high) = (0.0, 13.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if tails(middle, freedom) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Returns the chance that a value lies further than `t` from zero on either
/// side: the regularised incomplete beta function of n / (n + t²), with n / 2 and 1 / 2
/// (DLMF 8.17.2).
fn tails(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// The regularised incomplete beta function, by its continued fraction
/// (DLMF 8.17.22) on the side where that converges fast, and by symmetry
/// (DLMF 8.17.4) on the other.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let ln_front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    let front = ln_front.exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

/// Evaluates the continued fraction from the front (Lentz's method).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let safe = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / safe(1.0 - (a + b) * x / (a + 1.0));
    let mut whole = d;
    for m in (1..=TERMS).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = whole;
        for term in [even, odd] {
            d = 1.0 / safe(1.0 + term * d);
            c = safe(1.0 + term / c);
            whole *= c * d;
        }
        if (whole - before).abs() <= 1e-15 * whole.abs() {
            break;
        }
    }
    whole
}

/// The logarithm of the gamma function of a positive number, by Stirling's
/// series (DLMF 5.11.1) after the argument was raised to where that is exact.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0_f64);
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0))));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        let printed = [
            (1.0, 12.706),
            (2.0, 4.303),
            (3.0, 3.182),
            (4.0, 2.776),
            (5.0, 2.571),
            (10.0, 2.228),
            (30.0, 2.042),
            (120.0, 1.980),
            (1e6, 1.960),
            (1e9, 1.960),
        ];
        for (freedom, expected) in printed {
            let found = quantile(freedom);
            assert!((found - expected).abs() < 0.0006, "t({freedom}) is {found}, not {expected}");
        }
    }

    #[test]
    fn more_freedom_means_a_smaller_quantile() {
        let all: Vec<_> = (10..400).map(|tenths| quantile(f64::from(tenths) / 10.0)).collect();
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    }
}
