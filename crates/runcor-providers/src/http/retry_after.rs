//! How long a vendor asks to wait, in each of the ways in which vendors say it.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use runcor_core::Timestamp;
use serde_json::Value;

/// Longer wishes are cut to this.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads `retry-after-ms`, or `Retry-After` as seconds or as a date.
///
/// A date is relative to the response's own `Date`, since the two clocks may
/// differ; `now` counts only when there is none.
pub(crate) fn from_headers(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let millis = text(&HeaderName::from_static("retry-after-ms"));
    if let Some(millis) = millis.and_then(|millis| millis.trim().parse().ok()) {
        return Some(Duration::from_millis(millis).min(LONGEST));
    }
    let wish = text(&RETRY_AFTER)?.trim();
    if let Ok(seconds) = wish.parse::<f64>() {
        return from_seconds(seconds);
    }
    let base = text(&DATE).and_then(http_date).unwrap_or(now);
    http_date(wish).map(|until| until.since(base).min(LONGEST))
}

/// Reads the `RetryInfo` that Google puts into an error's details.
pub(crate) fn from_details(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let wish = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    from_seconds(wish.strip_suffix('s')?.parse().ok()?)
}

fn from_seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())).ok()
}

fn http_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(Timestamp::from_millis(date.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn wish(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        from_headers(&headers, Timestamp::from_millis(1_445_412_400_000))
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_understood() {
        assert_eq!(wish(&[("retry-after", "3")]), Some(Duration::from_secs(3)));
        assert_eq!(wish(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
        assert_eq!(
            wish(&[("retry-after-ms", "250"), ("retry-after", "1")]),
            Some(Duration::from_millis(250))
        );
        let date = ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(wish(&[date]), Some(Duration::from_secs(80)));
    }

    #[test]
    fn a_date_is_relative_to_the_vendors_own_clock() {
        let headers = [
            ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("date", "Wed, 21 Oct 2015 07:27:50 GMT"),
        ];
        assert_eq!(wish(&headers), Some(Duration::from_secs(10)));
    }

    #[test]
    fn nonsense_is_no_wish_and_a_past_date_is_none_to_wait_for() {
        assert_eq!(wish(&[("retry-after", "soon")]), None);
        assert_eq!(wish(&[("retry-after", "NaN")]), None);
        assert_eq!(wish(&[("retry-after", "-5")]), Some(Duration::ZERO));
        assert_eq!(wish(&[("retry-after", "1e300")]), Some(LONGEST));
        let past = [("retry-after", "Wed, 21 Oct 2014 07:28:00 GMT")];
        assert!(wish(&past).is_none_or(|wish| wish.is_zero()));
    }

    #[test]
    fn googles_details_are_understood() {
        let error = json!({ "details": [{ "@type": "RetryInfo", "retryDelay": "34.5s" }] });
        assert_eq!(from_details(&error), Some(Duration::from_millis(34_500)));
        assert_eq!(from_details(&json!({ "details": "none" })), None);
    }
}
