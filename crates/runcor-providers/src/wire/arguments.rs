//! The arguments of a tool call that come as JSON in a string.

use runcor_core::FinishReason;
use serde_json::{Map, Value};

use crate::http::Fault;

/// Reads a tool call's arguments as vendors write them: JSON in a string.
///
/// Nothing and `null` mean that there are none. Anything else that is no
/// object is an error: running a tool with other arguments than were asked for
/// is worse than not running it.
pub(crate) fn arguments(
    text: &str,
    tool: &str,
    finish: Option<FinishReason>,
) -> Result<Value, Fault> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(arguments @ Value::Object(_)) => Ok(arguments),
        _ if finish == Some(FinishReason::Length) => Err(Fault::malformed(format!(
            "the call of tool \"{tool}\" was cut off by the token limit; raise maxTokens"
        ))),
        _ => Err(Fault::malformed(format!(
            "the arguments for tool \"{tool}\" are not a JSON object"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_arguments_are_an_empty_object_and_broken_ones_an_error() {
        assert_eq!(arguments("", "t", None).unwrap(), json!({}));
        assert_eq!(arguments("null", "t", None).unwrap(), json!({}));
        assert_eq!(arguments("{\"a\":1}", "t", None).unwrap(), json!({ "a": 1 }));
        for broken in ["{\"a\":", "[1]", "\"{}\"", "7"] {
            assert!(arguments(broken, "t", None).is_err(), "{broken}");
        }
        let cut = arguments("{\"a\":", "t", Some(FinishReason::Length)).unwrap_err();
        assert!(cut.message.contains("maxTokens"));
    }
}
