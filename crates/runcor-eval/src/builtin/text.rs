//! The text of a result that is not one itself.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Where in a result the text is that an evaluator of texts looks at.
///
/// A text is itself. Of anything else it is, in this order: what stands at the
/// [pointer](Self::at), if one is given; a field `text` or `output` that is a
/// text; the sole field that is a text; the whole as JSON with sorted keys.
/// `null` is no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextPart {
    pointer: Option<String>,
}

impl TextPart {
    /// Looks at what stands at a JSON pointer, such as `/answer/body`, and nowhere else.
    #[must_use]
    pub fn at(pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()) }
    }

    /// Returns the text of a result; `None` when there is none.
    #[must_use]
    pub fn of<'v>(&self, value: &'v Value) -> Option<Cow<'v, str>> {
        let value = match &self.pointer {
            Some(pointer) => value.pointer(pointer)?,
            None => value,
        };
        match value {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Object(fields) if self.pointer.is_none() => {
                Some(text_field(fields).map_or_else(|| Cow::Owned(canonical(value)), Cow::Borrowed))
            }
            other => Some(Cow::Owned(canonical(other))),
        }
    }
}

fn text_field(fields: &Map<String, Value>) -> Option<&str> {
    let named = ["text", "output"].into_iter().find_map(|name| fields.get(name)?.as_str());
    named.or_else(|| {
        let mut texts = fields.values().filter_map(Value::as_str);
        texts.next().filter(|_| texts.next().is_none())
    })
}

/// Writes a value as JSON whose keys are sorted, so that equal values look alike.
pub(super) fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            let fields = fields.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_that_is_no_text_has_one_in_a_field_or_is_written_out() {
        let text = |value: Value| TextPart::default().of(&value).map(Cow::into_owned);
        assert_eq!(text(json!("plain")).as_deref(), Some("plain"));
        assert_eq!(text(json!({ "title": "t", "text": "body" })).as_deref(), Some("body"));
        assert_eq!(text(json!({ "n": 1, "summary": "sole" })).as_deref(), Some("sole"));
        let two = json!({ "b": "x", "a": ["y"], "c": "z" });
        assert_eq!(text(two).as_deref(), Some(r#"{"a":["y"],"b":"x","c":"z"}"#));
        assert_eq!(text(json!(42)).as_deref(), Some("42"));
        assert_eq!(text(Value::Null), None);
    }

    #[test]
    fn a_pointer_is_followed_and_nothing_else_is_tried() {
        let part = TextPart::at("/a/0");
        assert_eq!(part.of(&json!({ "a": ["x"], "text": "y" })).as_deref(), Some("x"));
        assert_eq!(part.of(&json!({ "text": "y" })), None);
        assert_eq!(part.of(&json!({ "a": [{ "text": "y" }] })).as_deref(), Some(r#"{"text":"y"}"#));
    }
}
