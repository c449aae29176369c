//! Takes credentials out of what vendors write, and keeps it short.

/// The most bytes of a vendor's words that an error repeats.
const MAX_BYTES: usize = 2048;
const HIDDEN: &str = "[hidden]";
/// How the keys of known vendors begin.
const KEY_PREFIXES: [&str; 4] = ["sk-", "sk_", "AIza", "gsk_"];
/// How many characters follow such a beginning, and a key has, at least. What is
/// shorter is a stand-in for local servers, and would hide innocent words.
const KEY_LENGTH: usize = 8;

/// Puts `text` on one line of at most 2 KB, without `key` and what looks like a key.
pub(crate) fn scrub(text: &str, key: Option<&str>) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = match key {
        Some(key) if key.len() >= KEY_LENGTH => line.replace(key, HIDDEN),
        _ => line,
    };
    let line = KEY_PREFIXES.iter().fold(line, |line, prefix| hide_after(&line, prefix, KEY_LENGTH));
    cut(hide_bearer(&line))
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*' | '.' | '=' | '/' | '+' | '~')
}

/// Hides every run of key characters that begins with `prefix` at a word's start.
fn hide_after(text: &str, prefix: &str, at_least: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(prefix) {
        let starts_word = !before
            .chars()
            .next_back()
            .or_else(|| shown.chars().next_back())
            .is_some_and(is_key_char);
        let run = after.chars().take_while(|c| is_key_char(*c)).map(char::len_utf8).sum::<usize>();
        shown.push_str(before);
        if starts_word && run >= at_least {
            shown.push_str(HIDDEN);
            rest = after.get(run..).unwrap_or_default();
        } else {
            shown.push_str(prefix);
            rest = after;
        }
    }
    shown.push_str(rest);
    shown
}

fn hide_bearer(text: &str) -> String {
    let mut words = text.split(' ');
    let mut shown = Vec::new();
    while let Some(word) = words.next() {
        shown.push(word);
        let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        if bare.eq_ignore_ascii_case("bearer") && words.next().is_some() {
            shown.push(HIDDEN);
        }
    }
    shown.join(" ")
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_BYTES {
        let end = (0..=MAX_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    #[test]
    fn keys_of_any_shape_are_hidden() {
        let said =
            "Incorrect API key provided: sk-proj-abcDEF_123456. \"Bearer tok.en\" \n my-own-key";
        let shown = scrub(said, Some("my-own-key"));
        assert_eq!(shown, "Incorrect API key provided: [hidden] \"Bearer [hidden] [hidden]",);
        assert_eq!(scrub("risk-assessment-department", None), "risk-assessment-department");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let shown = scrub(&"ä".repeat(4000), None);
        assert!(shown.len() <= MAX_BYTES + '…'.len_utf8() && shown.ends_with('…'));
    }

    proptest! {
        #[test]
        fn the_key_never_survives(before in any::<String>(), after in any::<String>()) {
            let shown = scrub(&format!("{before}s3cret-key{after}"), Some("s3cret-key"));
            prop_assert!(!shown.contains("s3cret-key"));
        }
    }
}
