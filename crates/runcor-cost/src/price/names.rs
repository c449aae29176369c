//! Which listed names a model's name may stand for.

/// Returns the name without the vendor before it: `anthropic/claude-…`, `models/gemini-…`.
pub(super) fn without_vendor(model: &str) -> &str {
    let known = ["anthropic/", "openai/", "google/", "gemini/", "models/"];
    known.iter().find_map(|prefix| model.strip_prefix(prefix)).unwrap_or(model)
}

/// Returns the name without the date at its end: `-20250929`, `@20250929` or `-2024-08-06`.
pub(super) fn without_date(model: &str) -> Option<&str> {
    let compact = |rest: &str| {
        let (name, date) = rest.rsplit_once(['-', '@'])?;
        (date.len() == 8 && is_date(date)).then_some(name.len())
    };
    let dashed = |rest: &str| {
        let at = rest.len().checked_sub("-2024-08-06".len())?;
        let (name, date) = (rest.get(..at)?, rest.get(at..)?);
        let digits = date.replace('-', "");
        let is_dashed = date.match_indices('-').map(|(at, _)| at).eq([0, 5, 8]);
        (is_dashed && is_date(&digits)).then_some(name.len())
    };
    let end = compact(model).or_else(|| dashed(model))?;
    model.get(..end).filter(|name| !name.is_empty())
}

/// Returns whether eight characters are a day of this century.
fn is_date(digits: &str) -> bool {
    let number = |range| digits.get(range).and_then(|text: &str| text.parse::<u32>().ok());
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain
        && number(0..2) == Some(20)
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_taken_off_and_nothing_else() {
        let cases = [
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("claude-sonnet-4-5@20250929", Some("claude-sonnet-4-5")),
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("gpt-4o", None),
            ("gpt-4o-20249999", None),
            ("gpt-4o-12345678", None),
            ("gpt-4o-2024-13-01", None),
            ("model-v2", None),
            ("20250929", None),
            ("-20250929", None),
            ("ä-2024-08-06", Some("ä")),
            ("ääääääääää", None),
        ];
        for (model, expected) in cases {
            assert_eq!(without_date(model), expected, "{model}");
        }
    }

    #[test]
    fn the_vendor_is_taken_off_where_it_is_a_known_one() {
        assert_eq!(without_vendor("anthropic/claude-opus-5"), "claude-opus-5");
        assert_eq!(without_vendor("models/gemini-2.5-pro"), "gemini-2.5-pro");
        assert_eq!(without_vendor("acme/gpt-5"), "acme/gpt-5");
    }
}
