//! Attempts: how long one may take, and how long to wait before the next.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use runcor_core::{Clock, Error, ErrorCode, FlowConfig, FlowError, Retry, backoff};

/// The longest pause within a step; whoever asks for more is answered by a retry of the flow.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Decides how long to wait before retry `retry` (the first is 0), or to give up.
///
/// A delay that the other side asked for is kept; otherwise the flow's backoff
/// applies, its jitter drawn from `seed`, so that the same run pauses the same.
pub(crate) fn pause(
    error: &FlowError,
    retry: u32,
    allowed: u32,
    limits: &FlowConfig,
    seed: &str,
) -> Option<Duration> {
    let Retry::After(asked) = error.retry() else { return None };
    if retry >= allowed {
        return None;
    }
    let delay = asked.unwrap_or_else(|| {
        let (base, cap) = (limits.base_retry_delay, limits.max_retry_delay);
        backoff::delay(retry, base, cap.min(LONGEST_PAUSE), jitter(seed, retry))
    });
    (delay <= LONGEST_PAUSE.saturating_add(backoff::MAX_JITTER)).then_some(delay)
}

/// A number in `[0, 1)` that depends on its arguments alone.
fn jitter(seed: &str, retry: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, retry).hash(&mut hasher);
    let thousandths = u32::try_from(hasher.finish() % 1000).unwrap_or(0);
    f64::from(thousandths) / 1000.0
}

/// Runs `work` for `limit` at most.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    code: ErrorCode,
    work: impl Future<Output = Result<T, FlowError>>,
) -> Result<T, FlowError> {
    tokio::select! {
        biased;
        result = work => result,
        () = clock.sleep(limit) => {
            let message = format!("took longer than {} ms (timeout_ms)", limit.as_millis());
            Err(Error::new(code, message).retryable(None).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(error: &FlowError, retry: u32, allowed: u32) -> Option<Duration> {
        pause(error, retry, allowed, &FlowConfig::default(), "seed")
    }

    #[test]
    fn only_a_failure_that_may_pass_is_retried_and_only_as_often_as_allowed() {
        assert_eq!(ask(&FlowError::permanent("no"), 0, 9), None);
        assert!(ask(&FlowError::retryable("busy"), 0, 1).is_some());
        assert_eq!(ask(&FlowError::retryable("busy"), 1, 1), None);
    }

    #[test]
    fn a_delay_that_was_asked_for_is_kept_unless_it_is_too_long_for_a_step() {
        let asked = |seconds| FlowError::retryable_after("busy", Duration::from_secs(seconds));
        assert_eq!(ask(&asked(7), 0, 2), Some(Duration::from_secs(7)));
        assert_eq!(ask(&asked(0), 0, 2), Some(Duration::ZERO));
        assert_eq!(ask(&asked(3600), 0, 2), None);
    }

    #[test]
    fn the_pauses_grow_and_are_the_same_for_the_same_seed() {
        let busy = FlowError::retryable("busy");
        let pauses: Vec<_> = (0..4).map(|retry| ask(&busy, retry, 9).unwrap()).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]), "{pauses:?}");
        assert_eq!(ask(&busy, 2, 9).unwrap(), pauses[2]);
    }
}
