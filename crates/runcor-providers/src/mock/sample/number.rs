//! Numbers: 42, or what is nearest to it within the schema's bounds.

use serde_json::{Map, Number, Value};

const SAMPLE: i64 = 42;

pub(super) fn integer(fields: &Map<String, Value>, nth: u64) -> Value {
    let wish = SAMPLE.saturating_add(i64::try_from(nth).unwrap_or(0));
    let bound = |key: &str| fields.get(key).and_then(whole);
    let lowest =
        bound("minimum").into_iter().chain(bound("exclusiveMinimum").map(|n| n.saturating_add(1)));
    let highest =
        bound("maximum").into_iter().chain(bound("exclusiveMaximum").map(|n| n.saturating_sub(1)));
    let (lowest, highest) = (lowest.max().unwrap_or(i64::MIN), highest.min().unwrap_or(i64::MAX));
    let near = wish.min(highest).max(lowest);
    let Some(step) = bound("multipleOf").filter(|step| *step > 0) else { return near.into() };
    let below = near.saturating_sub(near.rem_euclid(step));
    let fits = |n: &i64| (lowest..=highest).contains(n);
    Some(below).filter(fits).unwrap_or_else(|| below.saturating_add(step)).into()
}

/// A bound as a whole number; schemas write 5 as well as 5.0.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what we want")]
fn whole(bound: &Value) -> Option<i64> {
    bound.as_i64().or_else(|| bound.as_f64().map(|bound| bound as i64))
}

pub(super) fn number(fields: &Map<String, Value>, nth: u64) -> Value {
    let Value::Number(wish) = integer(fields, nth) else { return Value::Null };
    let bound = |key: &str| fields.get(key).and_then(Value::as_f64);
    let lowest = bound("minimum").or_else(|| bound("exclusiveMinimum"));
    let highest = bound("maximum").or_else(|| bound("exclusiveMaximum"));
    let value = wish.as_f64().unwrap_or_default();
    let fits = bound("minimum").is_none_or(|bound| value >= bound)
        && bound("exclusiveMinimum").is_none_or(|bound| value > bound)
        && bound("maximum").is_none_or(|bound| value <= bound)
        && bound("exclusiveMaximum").is_none_or(|bound| value < bound);
    if fits {
        return Value::Number(wish);
    }
    // No whole number fits: take the middle of what does.
    let middle = match (lowest, highest) {
        (Some(lowest), Some(highest)) => f64::midpoint(lowest, highest),
        (Some(lowest), None) => lowest + 0.5,
        (None, Some(highest)) => highest - 0.5,
        (None, None) => value,
    };
    Number::from_f64(middle).map_or(Value::Null, Value::Number)
}
