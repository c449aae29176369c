//! Instants as people type them: a date, a time, or how long ago.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use runcor::engine::{Clock, SystemClock, Timestamp};

/// Reads `2026-11-21`, `2026-11-21T08:00:00Z`, or `30m`, `24h`, `7d`, `2w` for so long ago; gives
/// the instant as the API takes it.
pub(crate) fn instant(text: &str) -> Result<String, String> {
    at(text, SystemClock.now())
}

fn at(text: &str, now: Timestamp) -> Result<String, String> {
    let found = ago(text, now).or_else(|| day(text)).or_else(|| exact(text));
    found
        .map(|millis| Timestamp::from_millis(millis).to_string())
        .ok_or_else(|| "expected 2026-11-21, 2026-11-21T08:00:00Z, or 30m, 24h, 7d ago".to_owned())
}

fn ago(text: &str, now: Timestamp) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    let span = match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        "w" => TimeDelta::try_weeks(number),
        _ => None,
    };
    now.as_millis().checked_sub(span?.num_milliseconds()).filter(|millis| *millis >= 0)
}

fn day(text: &str) -> Option<i64> {
    let day: NaiveDate = text.parse().ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

fn exact(text: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc).timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_day_a_time_or_so_long_ago() {
        let now = Timestamp::from_millis(1_763_667_325_593);
        for (text, expected) in [
            ("2025-11-20", "2025-11-20T00:00:00.000Z"),
            ("2025-11-20T01:02:03+01:00", "2025-11-20T00:02:03.000Z"),
            ("0s", "2025-11-20T19:35:25.593Z"),
            ("24h", "2025-11-19T19:35:25.593Z"),
            ("1w", "2025-11-13T19:35:25.593Z"),
        ] {
            assert_eq!(at(text, now).unwrap(), expected, "{text}");
        }
        for wrong in ["", "h", "-1h", "9999999999999d", "soon", "2025-13-01", "7 d", "ü"] {
            assert!(at(wrong, now).is_err(), "{wrong}");
        }
    }
}
