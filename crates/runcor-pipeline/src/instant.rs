//! Instants that flows get as data.

use runcor_core::Timestamp;
use serde_json::Value;

/// Reads an ISO 8601 instant, or milliseconds since 1970.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(millis) => millis.as_i64().map(Timestamp::from_millis),
        Value::String(_) => serde_json::from_value(value.clone()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_and_milliseconds_are_instants() {
        let expected = Some(Timestamp::from_millis(1_767_225_600_000));
        for value in [
            json!("2026-01-01T00:00:00Z"),
            json!("2026-01-01T01:00:00+01:00"),
            json!(1_767_225_600_000_i64),
        ] {
            assert_eq!(instant(&value), expected, "{value}");
        }
        for value in [json!("tomorrow"), json!("2026-01-01"), json!(1.5), json!(null), json!([])] {
            assert_eq!(instant(&value), None, "{value}");
        }
    }
}
