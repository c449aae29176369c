//! Figures for people: durations, sizes, tokens, money.

use chrono::DateTime;
use runcor::model::Money;
use serde_json::Value;

/// How many characters a whole bar has.
const BAR: i64 = 12;

/// Returns the milliseconds of an instant as the API writes it.
pub(crate) fn millis(at: &Value) -> Option<i64> {
    DateTime::parse_from_rfc3339(at.as_str()?).ok().map(|time| time.timestamp_millis())
}

/// Tells a number of milliseconds in units that fit it: `440 ms`, `2.10 s`, `3m 20s`, `2d 4h`.
pub(crate) fn span(millis: i64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        i64::MIN..1 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{:02} s", millis % 1_000 / 10),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Tells how far an instant lies ahead: `in 2d 4h`, or `now`.
pub(crate) fn ahead(now: i64, at: i64) -> String {
    if at > now { format!("in {}", span(at - now)) } else { "now".to_owned() }
}

/// Tells a number of bytes.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

/// Tells an amount that the API gives in nano-dollars; nothing where none is known.
pub(crate) fn money(nanos: &Value) -> String {
    nanos.as_i64().map(|nanos| Money::from_nanos(nanos).to_string()).unwrap_or_default()
}

/// Draws a part of a whole as a bar, in eighths of a character.
pub(crate) fn bar(part: i64, whole: i64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if part <= 0 || whole <= 0 {
        return String::new();
    }
    let steps = i128::from(part.min(whole)) * i128::from(8 * BAR) / i128::from(whole);
    // What is there is seen, however small it is.
    let steps = usize::try_from(steps).unwrap_or(0).max(1);
    format!("{}{}", "█".repeat(steps / 8), EIGHTHS.get(steps % 8).unwrap_or(&""))
}

/// Tells a number of things: `1 entry`, `2 entries`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_units_that_fit() {
        for (millis, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (2_109, "2.10 s"),
            (200_000, "3m 20s"),
            (7_500_000, "2h 5m"),
            (187_200_000, "2d 4h"),
            (-5, "-5 ms"),
        ] {
            assert_eq!(span(millis), expected);
        }
        assert_eq!(ahead(10, 10), "now");
        assert_eq!(ahead(0, 7_500_000), "in 2h 5m");
    }

    #[test]
    fn a_bar_is_as_long_as_its_part_and_never_longer_than_the_whole() {
        assert_eq!(bar(5, 10).chars().count(), 6);
        assert_eq!(bar(30, 10), "█".repeat(12));
        assert_eq!(bar(1, i64::MAX), "▏");
        assert_eq!((bar(0, 10), bar(-1, 10), bar(1, 0)), Default::default());
    }

    #[test]
    fn sizes_and_money_are_told_shortly() {
        assert_eq!(
            (size(7), size(5_000), size(3 << 20)),
            ("7 B".to_owned(), "4 KiB".to_owned(), "3 MiB".to_owned())
        );
        assert_eq!(money(&Value::from(66_000)), "$0.000066");
        assert_eq!(money(&Value::Null), "");
    }
}
