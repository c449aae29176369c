//! What a plain scalar means: the core schema of YAML 1.2.
//!
//! `yes`, `no`, `on` and `off` are texts there, not truth values. Infinity and
//! not-a-number stay texts too, since no setting takes them.

use crate::node::Content;

/// Returns what `text` means when it stands without quotes.
pub(super) fn resolve(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        _ => {}
    }
    if let Some(number) = based(text) {
        return Content::Int(number);
    }
    let is_numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    if !is_numeric {
        return Content::Text(text.into());
    }
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(number), _) => Content::Int(number),
        (_, Ok(number)) if number.is_finite() => Content::Float(number),
        _ => Content::Text(text.into()),
    }
}

fn based(text: &str) -> Option<i64> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) => (digits, 8),
        _ => return None,
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        assert!(matches!(resolve("~"), Content::Null));
        assert!(matches!(resolve("True"), Content::Bool(true)));
        assert!(matches!(resolve("-12"), Content::Int(-12)));
        assert!(matches!(resolve("0x1F"), Content::Int(31)));
        assert!(matches!(resolve("0o17"), Content::Int(15)));
        assert!(matches!(resolve("3e-6"), Content::Float(_)));
        assert!(matches!(resolve(".5"), Content::Float(_)));
        for text in ["yes", "off", "1.0.0", ".inf", "nan", "1e999", "-", "0x", "0x-1", "e5", "12a"]
        {
            assert!(matches!(resolve(text), Content::Text(_)), "{text}");
        }
    }
}
