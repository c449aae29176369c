//! Comparing JSON values, numbers by what they are worth.

use serde_json::Value;

/// Returns whether two values are the same; 1 and 1.0 are.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || x.as_f64() == y.as_f64() && !both_whole(a, b)
        }
        (Value::Array(xs), Value::Array(ys)) => {
            xs.len() == ys.len() && xs.iter().zip(ys).all(|(x, y)| same(x, y))
        }
        (Value::Object(xs), Value::Object(ys)) => {
            let has = |(key, x): (&String, &Value)| ys.get(key).is_some_and(|y| same(x, y));
            xs.len() == ys.len() && xs.iter().all(has)
        }
        _ => a == b,
    }
}

/// Whole numbers are exact, also where a floating-point number is not.
fn both_whole(a: &Value, b: &Value) -> bool {
    !a.is_f64() && !b.is_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_the_same_by_value_at_any_depth() {
        assert!(same(&json!([1, { "a": 2.0 }]), &json!([1.0, { "a": 2 }])));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
        assert!(!same(&json!([1]), &json!([1, 2])));
        assert!(!same(&json!({ "a": 1 }), &json!({ "b": 1 })));
    }
}
