//! Reading a model's answer as JSON.

use serde_json::Value;

use runcor_core::{ModelResponse, Schema, Violation};

use super::nulls;

/// What an answer must be.
#[derive(Debug)]
pub(super) enum Expectation {
    /// Any JSON value.
    Json,
    /// A JSON value that matches.
    Schema(Schema),
}

impl Expectation {
    /// Sets `parsed` of a response that is as expected; one with tool calls always is.
    ///
    /// # Errors
    /// Returns what is wrong with it.
    pub(super) fn apply(&self, response: &mut ModelResponse) -> Result<(), Vec<Violation>> {
        if response.tool_calls.is_empty() {
            response.parsed = Some(self.read(&response.text)?);
        }
        Ok(())
    }

    fn read(&self, text: &str) -> Result<Value, Vec<Violation>> {
        let value = serde_json::from_str(without_fence(text)).map_err(|error| {
            vec![Violation {
                path: String::new(),
                message: format!("not valid JSON: {error}"),
                keyword: "json".to_owned(),
            }]
        })?;
        match self {
            Self::Json => Ok(value),
            Self::Schema(schema) => nulls::matching(schema, value),
        }
    }
}

/// Takes off a code fence that surrounds the whole text.
fn without_fence(text: &str) -> &str {
    let text = text.trim();
    fenced(text).unwrap_or(text)
}

fn fenced(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("```")?.strip_suffix("```")?;
    let (tag, content) = inside.split_once('\n')?;
    let tag = tag.trim();
    (tag.is_empty() || tag.eq_ignore_ascii_case("json")).then(|| content.trim())
}

#[cfg(test)]
mod tests {
    use proptest::proptest;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_json_is_json_and_the_empty_text_is_not() {
        for text in ["{}", "[1]", "1.5", "\"a\"", "true", "null", " \n7\n "] {
            assert!(Expectation::Json.read(text).is_ok(), "{text}");
        }
        for text in ["", "hello", "{} and more", "{'a':1}"] {
            let errors = Expectation::Json.read(text).unwrap_err();
            assert_eq!((errors.len(), errors[0].keyword.as_str()), (1, "json"), "{text}");
        }
    }

    #[test]
    fn a_surrounding_code_fence_is_taken_off() {
        for text in
            ["```json\n{\"a\":1}\n```", "\n```\n{\"a\":1}\n```  ", "```JSON\r\n{\"a\":1}\r\n```"]
        {
            assert_eq!(Expectation::Json.read(text).unwrap(), json!({ "a": 1 }), "{text}");
        }
    }

    #[test]
    fn other_fences_are_left_alone() {
        for text in ["```", "``````", "```\n```x", "```rust\n1\n```", "so:\n```json\n1\n```"] {
            assert_eq!(without_fence(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s)(```)?(json)?\n?.{0,40}(```)?") {
            let _ = Expectation::Json.read(&text);
        }
    }
}
