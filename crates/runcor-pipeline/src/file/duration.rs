//! Durations as flow files write them: `2d`, `1h30m`, `500ms`.

use std::time::Duration;

/// The units, from the longest to the shortest; `ms` is looked for before `m`.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Ten years: the longest duration that a file may set.
const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

/// What a duration looks like, for editors.
pub(crate) const PATTERN: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

/// Reads whole numbers with units, the longest unit first and each at most once.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let millis = parts(text.trim()).ok_or_else(|| {
        "must be a duration such as 30s, 1h30m or 2d; the units are d, h, m, s and ms".to_owned()
    })?;
    let duration = Duration::from_millis(millis);
    if duration > LONGEST {
        return Err("must be 3650d at most".to_owned());
    }
    Ok(duration)
}

fn parts(mut text: &str) -> Option<u64> {
    let mut units = UNITS.as_slice();
    let mut total = 0_u64;
    while !text.is_empty() {
        let digits = text.find(|char: char| !char.is_ascii_digit())?;
        let (number, rest) = text.split_at(digits);
        let end = rest.find(|char: char| !char.is_ascii_lowercase()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let at = units.iter().position(|(name, _)| *name == unit)?;
        let (_, millis) = units.get(at)?;
        let part = number.parse::<u64>().ok()?.saturating_mul(*millis);
        total = total.saturating_add(part);
        units = units.get(at + 1..)?;
        text = rest;
    }
    (units.len() < UNITS.len()).then_some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_with_units_are_durations() {
        for (text, millis) in [
            ("2d", 172_800_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1d2h3m4s5ms", 93_784_005),
            ("90s", 90_000),
            ("0s", 0),
            (" 5m ", 300_000),
            ("3650d", 315_360_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in
            ["", "5", "d", "1.5h", "-1s", "1m1h", "1s1s", "2 d", "1H", "5min", "1ms1s", "٣d"]
        {
            assert!(parse(text).unwrap_err().contains("such as 30s"), "{text}");
        }
        for text in ["3651d", "99999999999999999999d", "18446744073709551615d1h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,20}|[0-9dhms]{0,12}") {
            let _ = parse(&text);
        }
    }
}
