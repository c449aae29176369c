//! Strings: a sample that quotes the input, within the schema's bounds.

use runcor_core::Schema;
use serde_json::{Map, Value};

use super::format::{GUESSES, example};

const SAMPLE: &str = "mock-string";
/// The longest string that a minimum is followed to.
const MAX_LENGTH: usize = 100_000;

pub(super) fn sample(fields: &Map<String, Value>, excerpt: &str, nth: u64) -> Value {
    let format = fields.get("format").and_then(Value::as_str).and_then(example);
    if let Some(example) = format {
        return Value::String(example.to_owned());
    }
    let text = fitted(fields, excerpt, nth);
    let text = if fields.contains_key("pattern") { matching(fields, text) } else { text };
    Value::String(text)
}

fn fitted(fields: &Map<String, Value>, excerpt: &str, nth: u64) -> String {
    let bound = |key: &str| {
        fields.get(key).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok())
    };
    let number = if nth == 0 { String::new() } else { format!("{} ", nth + 1) };
    let mut text = match excerpt {
        "" if number.is_empty() => SAMPLE.to_owned(),
        "" => format!("{SAMPLE} {}", nth + 1),
        excerpt => format!("{SAMPLE}: {number}{excerpt}"),
    };
    let length = text.chars().count();
    let missing = bound("minLength").unwrap_or(0).min(MAX_LENGTH).saturating_sub(length);
    text.extend(std::iter::repeat_n('.', missing));
    if let Some((end, _)) = bound("maxLength").and_then(|longest| text.char_indices().nth(longest))
    {
        text.truncate(end);
    }
    text
}

/// The first guess that the whole schema accepts, or else the text as it is.
fn matching(fields: &Map<String, Value>, text: String) -> String {
    let keys = ["type", "pattern", "minLength", "maxLength"];
    let own = fields.iter().filter(|(key, _)| keys.contains(&key.as_str()));
    let own: Value = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    let Ok(schema) = Schema::compile(&own) else { return text };
    let guesses = std::iter::once(text.as_str()).chain(GUESSES);
    let found = guesses
        .map(str::to_owned)
        .find(|guess| schema.check(&Value::String(guess.clone())).is_ok());
    found.unwrap_or(text)
}
