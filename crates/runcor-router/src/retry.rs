//! Asking the same provider again.

use std::time::Duration;

use runcor_core::ProviderError;

/// How often and when the same provider is asked again after a transient failure.
///
/// The first pause is `first_delay` and each further one twice as long. A
/// vendor that asks for a longer pause gets it, up to `longest_wait`; one that
/// asks for more than that is left at once for the next provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The most requests to one provider, the first one included; at least 1.
    pub attempts: u32,
    /// The pause before the second request.
    pub first_delay: Duration,
    /// The longest pause that is worth waiting for.
    pub longest_wait: Duration,
}

impl Retries {
    /// Never asks the same provider again.
    pub const NONE: Self =
        Self { attempts: 1, first_delay: Duration::ZERO, longest_wait: Duration::ZERO };

    /// Returns the pause before the next request, or `None` to give the provider up
    /// after `made` requests of which the last one ended with `error`.
    pub(crate) fn pause(&self, made: u32, error: &ProviderError) -> Option<Duration> {
        if made >= self.attempts || !error.kind.is_transient() {
            return None;
        }
        let asked = error.retry_after.unwrap_or_default();
        if asked > self.longest_wait {
            return None;
        }
        let doublings = made.saturating_sub(1).min(31);
        let own = self.first_delay.saturating_mul(1 << doublings).min(self.longest_wait);
        Some(own.max(asked))
    }
}

/// Three requests, with pauses of 200 and 400 milliseconds, and 10 seconds at most.
impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_delay: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use runcor_core::ProviderErrorKind;

    use super::*;

    fn error(kind: ProviderErrorKind, retry_after: Option<u64>) -> ProviderError {
        ProviderError::new("p", kind, "no").with_retry_after(retry_after.map(Duration::from_millis))
    }

    #[test]
    fn pauses_are_200_and_400_milliseconds_and_then_it_is_over() {
        let busy = error(ProviderErrorKind::RateLimited, None);
        let pauses: Vec<_> = (1..=3).map(|made| Retries::default().pause(made, &busy)).collect();
        let millis = |n| Some(Duration::from_millis(n));
        assert_eq!(pauses, [millis(200), millis(400), None]);
    }

    #[test]
    fn only_transient_failures_are_tried_again() {
        use ProviderErrorKind::{Auth, Malformed, Network, Rejected, Timeout, Unavailable};
        let again = |kind| Retries::default().pause(1, &error(kind, None)).is_some();
        assert!([Unavailable, Network, Timeout].into_iter().all(again));
        assert!(![Auth, Malformed, Rejected].into_iter().any(again));
    }

    #[test]
    fn a_vendor_gets_the_pause_it_asks_for_unless_it_is_too_long() {
        let pause = |asked| {
            Retries::default().pause(1, &error(ProviderErrorKind::RateLimited, Some(asked)))
        };
        assert_eq!(pause(0), Some(Duration::from_millis(200)));
        assert_eq!(pause(3_000), Some(Duration::from_secs(3)));
        assert_eq!(pause(10_000), Some(Duration::from_secs(10)));
        assert_eq!(pause(10_001), None);
    }

    #[test]
    fn many_attempts_do_not_overflow_the_pause() {
        let many = Retries { attempts: u32::MAX, ..Retries::default() };
        let busy = error(ProviderErrorKind::RateLimited, None);
        assert_eq!(many.pause(u32::MAX - 1, &busy), Some(Duration::from_secs(10)));
    }
}
