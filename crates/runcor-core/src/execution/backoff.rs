//! Backoff: the delay before a retry, as a pure function of the attempt and a random number.

use std::time::Duration;

/// The random part that is added on top of every delay, at most.
pub const MAX_JITTER: Duration = Duration::from_millis(1_000);

/// Returns the delay before retry `retry` (the first is 0).
///
/// The formula is `min(base × 2^retry, cap) + jitter × 1000 ms`, with `jitter`
/// in `[0, 1)`; a number outside is clamped. The jitter is not capped.
///
/// ```
/// # use runcor_core::backoff::delay;
/// # use std::time::Duration;
/// let (base, cap) = (Duration::from_secs(1), Duration::from_secs(30));
/// assert_eq!(delay(0, base, cap, 0.5), Duration::from_millis(1_500));
/// assert_eq!(delay(6, base, cap, 0.5), Duration::from_millis(30_500));
/// ```
#[must_use]
pub fn delay(retry: u32, base: Duration, cap: Duration, jitter: f64) -> Duration {
    let factor = 1_u32.checked_shl(retry.min(31)).unwrap_or(u32::MAX);
    let exponential = base.saturating_mul(factor).min(cap);
    exponential.saturating_add(MAX_JITTER.mul_f64(jitter.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: Duration = Duration::from_millis(1_000);
    const CAP: Duration = Duration::from_millis(30_000);

    #[test]
    fn the_defaults_give_the_sequence_of_the_reference() {
        let delays: Vec<_> = (0..7).map(|n| delay(n, BASE, CAP, 0.5).as_millis()).collect();
        assert_eq!(delays, [1_500, 2_500, 4_500, 8_500, 16_500, 30_500, 30_500]);
    }

    proptest! {
        #[test]
        fn a_delay_lies_between_the_capped_exponential_and_a_second_more(
            retry in 0_u32..200, base in 0_u64..10_000, cap in 0_u64..100_000, jitter in 0.0_f64..1.0
        ) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let got = delay(retry, base, cap, jitter);
            let floor = base.saturating_mul(1 << retry.min(31)).min(cap);
            prop_assert!(got >= floor && got <= floor + MAX_JITTER);
        }

        #[test]
        fn a_later_retry_never_waits_less(retry in 0_u32..100, jitter in 0.0_f64..1.0) {
            prop_assert!(delay(retry + 1, BASE, CAP, jitter) >= delay(retry, BASE, CAP, jitter));
        }
    }
}
