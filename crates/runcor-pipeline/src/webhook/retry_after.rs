//! The header `Retry-After`, in both of its forms.

use std::time::Duration;

use chrono::DateTime;
use runcor_core::Timestamp;

/// The longest delay that is believed.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Returns the delay that a header asks for at `now`: seconds, or the time until a date.
pub(crate) fn delay(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = header.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let date = DateTime::parse_from_rfc2822(header).ok()?;
    let date = Timestamp::from_millis(date.timestamp_millis());
    Some(date.since(now).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_nothing_else() {
        // 1994-11-06T08:49:30Z
        let now = Timestamp::from_millis(784_111_770_000);
        assert_eq!(delay("7", now), Some(Duration::from_secs(7)));
        assert_eq!(delay("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(delay("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(delay("99999999999999999999999", now), Some(LONGEST));
        assert_eq!(delay("soon", now), None);
        assert_eq!(delay("-1", now), None);
        assert_eq!(delay("", now), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(text in any::<String>(), now in any::<i64>()) {
            let _ = delay(&text, Timestamp::from_millis(now));
        }
    }
}
